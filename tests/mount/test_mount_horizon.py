"""Moments before the horizon are gone from the mount, also where the kernel knew them."""

from tests_support.running import Running


def test_the_kernel_forgets_moments_that_are_not_kept(running: Running) -> None:
    (running.current / "f").write_text("1")
    past = running.project / "history" / f"@{running.head()}"
    (running.current / "f").write_text("2")
    assert (past / "f").read_text() == "1"
    running.ctl("gc", "--keep", "0s")
    assert not past.exists()
