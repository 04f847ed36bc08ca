"""The disk under the store fills up: writers are told, nothing acknowledged is lost, with room it goes on by itself."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.filling import fill
from tests_support.running import Running
from tests_support.tree_check import problems_of
from tests_support.waiting import until

from lighthoused.protocol.messages.status import StatusRequest

SMALL = "40m"
LARGE = "400m"
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a tmpfs takes root")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Running]:
    """A daemon whose state is on a small disk."""
    (tmp_path / "demo").mkdir()
    running = Running(tmp_path, tmp_path / "demo")
    running.state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "none", str(running.state)], check=True)
    running.start()
    yield running
    running.stop()
    subprocess.run(["umount", "--lazy", str(running.state)], check=True)


def state_of(running: Running) -> str:
    with running.client() as client:
        state: str = client.call(StatusRequest(id=0)).state
        return state


def test_writers_get_enospc_and_it_recovers_by_itself(small: Running) -> None:
    kept = fill(small)
    assert len(kept) > 3
    assert state_of(small) == "EMERGENCY"
    unwell = small.ctl("health", check=False)
    assert (unwell.returncode, unwell.stdout.partition(":")[0]) == (1, "EMERGENCY")
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        (small.current / "new").write_text("x")
    for name, content in kept.items():
        assert (small.current / name).read_bytes() == content
    subprocess.run(["mount", "-o", f"remount,size={LARGE}", str(small.state)], check=True)
    until(lambda: state_of(small) == "NORMAL")
    (small.current / "after").write_text("x")
    small.settle()
    assert small.stop() == 0
    assert problems_of(small.state) == []
    small.start()
    for name, content in kept.items():
        assert (small.current / name).read_bytes() == content
    assert (small.current / "after").read_text() == "x"
