"""A project that is imported through the mount."""

import os
from pathlib import Path

from tests_support.running import Running


def test_a_directory_is_copied_with_links_times_and_modes(running: Running, tmp_path: Path) -> None:
    source = tmp_path / "other"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "script").write_text("#!/bin/sh\n")
    (source / "sub" / "script").chmod(0o750)
    (source / "link").symlink_to("sub/script")
    os.link(source / "sub" / "script", source / "again")
    os.utime(source / "again", ns=(1, 2))
    running.ctl("project", "import", "--copy", str(source))
    there = running.mount / "other" / "current"
    status = (there / "sub" / "script").stat()
    assert (status.st_mode & 0o7777, status.st_mtime_ns, status.st_nlink) == (0o750, 2, 2)
    assert (there / "link").readlink() == Path("sub/script")
    assert (there / "again").read_text() == "#!/bin/sh\n"


def test_a_name_that_is_taken_is_refused_and_nothing_is_copied(running: Running, tmp_path: Path) -> None:
    source = tmp_path / "other"
    source.mkdir()
    (source / "new").write_text("new")
    done = running.ctl("project", "import", "--copy", str(source), "--name", "demo", check=False)
    assert done.returncode == 1
    assert "demo" in done.stderr
    assert not (running.current / "new").exists()
