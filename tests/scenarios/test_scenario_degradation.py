"""What can be lost is lost for real: the mount, the store's room, its writes. What is refused, how it comes back."""

import errno
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests_support.filling import fill
from tests_support.opa_server import StandIn
from tests_support.running import Running
from tests_support.tree_check import problems_of
from tests_support.waiting import until

from lighthoused.core.errors import LighthouseError
from lighthoused.protocol.messages.gate import CheckRequest
from lighthoused.protocol.messages.log import AppendRequest, NewEvent
from lighthoused.protocol.messages.projects import SnapshotCreateRequest
from lighthoused.protocol.messages.status import DegradationApproveRequest, MetricsRequest, Status, StatusRequest

SOON_S = 30.0
FULL = os.strerror(errno.ENOSPC)
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts are made and broken here, which takes root")
Daemon = Callable[..., Running]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    """Starts one daemon, with these lines of configuration; `store`: the options of a tmpfs that its state is on."""
    started: list[Running] = []
    disks: list[Path] = []

    def start(*lines: str, store: str = "") -> Running:
        (tmp_path / "demo").mkdir()
        (tmp_path / "demo/kept.txt").write_text("kept")
        (tmp_path / "config.toml").write_text("".join(f"{line}\n" for line in ("[metrics]", "port = 0", *lines)))
        running = Running(tmp_path, tmp_path / "demo", "--config", str(tmp_path / "config.toml"))
        running.state.mkdir(exist_ok=True)
        if store:
            subprocess.run(["mount", "-t", "tmpfs", "-o", store, "none", running.state], check=True)
            disks.append(running.state)
        running.start()
        started.append(running)
        return running

    yield start
    for running in started:
        assert running.stop() == 0, running.log.read_text()
        assert "Traceback" not in running.log.read_text()
    for disk in disks:
        subprocess.run(["umount", "--lazy", disk], check=True)


def status(running: Running) -> Status:
    with running.client() as client:
        found: Status = client.call(StatusRequest(id=0))
        return found


def until_state(running: Running, state: str) -> Status:
    until(lambda: status(running).state == state)
    return status(running)


def changes(running: Running) -> list[tuple[str, str, str]]:
    """Every change of state that became an event: from, to, why."""
    payloads = [event.payload for event in running.events(type="degradation.changed")]
    return [(one["from"], one["to"], one["cause"]) for one in payloads]


def metric(running: Running, line: str) -> bool:
    with running.client() as client:
        return line in client.call(MetricsRequest(id=0)).text.splitlines()


def refused(running: Running, request: Any) -> LighthouseError:
    with running.client() as client, pytest.raises(LighthouseError) as refusal:
        client.call(request)
    return refusal.value


@contextmanager
def limited(running: Running) -> Iterator[None]:
    """The store's file cannot grow."""
    assert running.process is not None
    before = resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE)
    size = (running.state / "db/data.mdb").stat().st_size
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, (size, before[1]))
    yield
    resource.prlimit(running.process.pid, resource.RLIMIT_FSIZE, before)


def abort(running: Running) -> None:
    number = os.minor(os.stat(running.mount).st_dev)
    place = Path("/sys/fs/fuse/connections")
    if not any(place.iterdir()):
        subprocess.run(["mount", "-t", "fusectl", "none", place], check=True)
    (place / str(number) / "abort").write_text("1")


def unmount(running: Running) -> None:
    subprocess.run(["umount", "--lazy", running.mount], check=True)


@pytest.mark.parametrize("end", [abort, unmount])
def test_a_mount_that_is_ended_from_outside_is_made_again(daemon: Daemon, end: Callable[[Running], None]) -> None:
    running = daemon()
    held = os.open(running.current / "held", os.O_RDWR | os.O_CREAT)
    os.write(held, b"written before")
    standing = subprocess.Popen(["sh", "-c", "read line; ls"], cwd=running.current, stdin=subprocess.PIPE)
    reader = os.open(running.project / "streams/events", os.O_RDONLY)
    end(running)
    until(lambda: os.path.exists(running.current / "held"))
    for attempt in (lambda: os.write(held, b"after"), lambda: os.fsync(held)):
        with pytest.raises(OSError, match=os.strerror(errno.ENOTCONN)):
            attempt()
    os.close(held)
    standing.communicate(b"\n")
    assert standing.returncode
    while os.read(reader, 1 << 16):
        continue
    os.close(reader)
    until_state(running, "NORMAL")
    assert (running.current / "held").read_text() == "written before"
    (running.current / "new").write_text("after")
    running.settle()
    assert changes(running) == [
        ("normal", "emergency", "mount"),
        ("emergency", "recovering", "mount"),
        ("recovering", "normal", "checks"),
    ]
    assert metric(running, 'lighthouse_degradation_changes_total{cause="mount",state="emergency"} 1.0')
    assert metric(running, 'lighthouse_degradation_state{state="normal"} 1.0')
    assert running.stop() == 0
    assert problems_of(running.state) == []
    running.start()
    assert (running.current / "new").read_text() == "after"


def test_a_mountpoint_that_is_in_the_way_keeps_it_an_emergency(daemon: Daemon) -> None:
    running = daemon()
    unmount(running)
    (running.mount / "in the way").touch()
    told = until_state(running, "EMERGENCY")
    until(lambda: "is not empty" in status(running).degradation.losses["mount"])
    assert "mount" in told.health
    error = refused(running, SnapshotCreateRequest(id=0, project="demo", name="now"))
    assert error.code == "degraded"
    assert "mount" in error.message
    assert judged(running, "rm -rf /") == "deny"
    assert metric(running, 'lighthouse_degradation_state{state="emergency"} 1.0')
    shown = running.ctl("degradation", "show").stdout
    assert shown.startswith("emergency since")
    assert "lost      mount:" in shown
    (running.mount / "in the way").unlink()
    until_state(running, "NORMAL")
    assert (running.current / "kept.txt").read_text() == "kept"


def test_a_full_store_refuses_new_work_and_waits_for_approval(daemon: Daemon) -> None:
    running = daemon("[degradation]", "approval = true", 'low_space = "1GiB"', store="size=40m")
    assert "disk" in status(running).warnings
    assert metric(running, 'lighthouse_warning{warning="disk"} 1.0')
    kept = fill(running)
    assert len(kept) > 3
    told = status(running)
    assert told.state == "EMERGENCY"
    assert "disk is full" in told.health["store"]
    assert "disk is full" in (running.project / "status/health").read_text()
    assert "disk is full" in refused(running, AppendRequest(id=0, events=[NewEvent(stream="s", type="t")])).message
    assert "disk is full" in running.ctl("status").stdout
    with pytest.raises(OSError, match=FULL):
        (running.current / "new").write_text("x")
    assert all((running.current / name).read_bytes() == content for name, content in kept.items())
    assert judged(running, "rm -rf /") == "deny"
    assert refused(running, DegradationApproveRequest(id=0)).code == "conflict"

    subprocess.run(["mount", "-o", "remount,size=400m", running.state], check=True)
    until(lambda: status(running).degradation.held)
    assert status(running).state == "RECOVERING"
    with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
        (running.current / "new").write_text("x")
    assert "approve" in refused(running, SnapshotCreateRequest(id=0, project="demo", name="now")).hint
    running.restart()
    until(lambda: status(running).degradation.held)
    with pytest.raises(OSError, match=os.strerror(errno.EROFS)):
        (running.current / "new").write_text("x")
    assert running.ctl("degradation", "approve").stdout == "Normal work goes on.\n"
    assert status(running).state == "NORMAL"
    assert all((running.current / name).read_bytes() == content for name, content in kept.items())
    (running.current / "new").write_text("x")
    running.settle()
    told_as = [(before, after, why) for before, after, why in changes(running) if before != after]
    assert told_as == [
        ("normal", "emergency", "store"),
        ("emergency", "recovering", "store"),
        ("recovering", "normal", "approval"),
    ]
    assert running.events(type="degradation.changed")[-1].agent == "owner"
    assert running.stop() == 0
    assert problems_of(running.state) == []
    running.start()


def test_a_store_at_its_greatest_size_is_full(daemon: Daemon) -> None:
    running = daemon("[store]", 'map_size = "1MiB"', 'max_size = "20MiB"')
    kept = fill(running)
    assert len(kept) > 3
    assert "greatest size" in status(running).health["store"]
    assert all((running.current / name).read_bytes() == content for name, content in kept.items())
    config = Path(running.flags[1])
    config.write_text(config.read_text().replace("20MiB", "200MiB"))
    assert running.stop() == 0
    running.start()
    until_state(running, "NORMAL")
    (running.current / "after").write_text("x")
    running.settle()


def test_a_daemon_starts_on_a_full_disk(daemon: Daemon) -> None:
    running = daemon(store="size=40m")
    kept = fill(running)
    running.kill()
    subprocess.run(["umount", "--lazy", running.mount], check=True)
    running.start()
    name, content = next(iter(kept.items()))
    assert (running.current / name).read_bytes() == content
    fill(running)
    assert status(running).state == "EMERGENCY"
    subprocess.run(["mount", "-o", "remount,size=400m", running.state], check=True)
    until_state(running, "NORMAL")


def test_a_store_that_cannot_be_written_is_an_emergency(daemon: Daemon) -> None:
    """The kernel does not let the store's file grow, for another reason than room (EFBIG)."""
    running = daemon()
    with limited(running):
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            for number in range(100):
                (running.current / f"big{number}").write_bytes(os.urandom(1 << 20))
                running.settle()
        assert status(running).state == "EMERGENCY"
        assert (running.current / "kept.txt").read_text() == "kept"
        assert judged(running, "rm -rf /") == "deny"
    until_state(running, "NORMAL")
    (running.current / "after").write_text("x")
    running.settle()
    assert [after for _, after, _ in changes(running)] == ["emergency", "recovering", "normal"]


def test_verdicts_go_on_as_long_as_they_can_be_recorded(daemon: Daemon) -> None:
    running = daemon()
    answers = []
    with limited(running), running.client(timeout=300) as client:
        while not answers or (answers[-1] == "allow" and len(answers) < 8000):
            asked = CheckRequest(id=0, tool="Bash", input={"command": f"ls {len(answers)}"}, cwd="/")
            verdict = client.call(asked)
            answers.append(verdict.verdict)
        assert (verdict.verdict, verdict.rule) == ("deny", "error.audit")
        assert len(answers) > 4000
        assert status(running).state == "EMERGENCY"
    until_state(running, "NORMAL")
    until(lambda: judged(running, "ls again") == "allow")
    until(lambda: sum(event.type == "gate.judged" for event in running.events(type="gate.*")) > answers.count("allow"))


def test_an_opa_server_that_is_gone_is_a_warning(daemon: Daemon) -> None:
    server = StandIn()
    server.close()
    running = daemon("[gate]", f'opa_url = "{server.url}"')
    until(lambda: "opa" in status(running).warnings)
    assert status(running).state == "NORMAL"
    assert "warning   opa:" in running.ctl("status").stdout
    assert judged(running, "rm -rf /") == "deny"
    assert metric(running, 'lighthouse_warning{warning="opa"} 1.0')
    until(lambda: [event.payload["warning"] for event in running.events(type="warning.raised")] == ["opa"])
    server = StandIn(server.port)
    until(lambda: not status(running).warnings)
    server.close()


def judged(running: Running, command: str) -> str:
    with running.client() as client:
        verdict: str = client.call(CheckRequest(id=0, tool="Bash", input={"command": command}, cwd="/")).verdict
        return verdict


@pytest.mark.skipif(not Path("/dev/loop-control").exists(), reason="there are no loop devices here")
def test_a_disk_that_fails_to_write_is_an_emergency(daemon: Daemon, tmp_path: Path) -> None:
    """The device below the store's filesystem gives I/O errors: LMDB gives itself up, and is opened anew."""
    device, disk = tmp_path / "device", tmp_path / "state"
    for place in (device, disk):
        place.mkdir()
    run = [["mount", "-t", "tmpfs", "-o", "size=20m", "none", device], ["truncate", "-s", "400m", device / "image"]]
    run += [["mkfs.ext4", "-q", "-O", "^has_journal", device / "image"]]
    run += [["mount", "-o", "loop,errors=continue", device / "image", disk]]
    for command in run:
        subprocess.run(command, check=True)
    try:
        running = daemon()
        kept = fill(running, errors=(errno.EIO, errno.ENOSPC))
        until_state(running, "EMERGENCY")
        assert kept
        assert all((running.current / name).read_bytes() == content for name, content in kept.items())
        assert judged(running, "rm -rf /") == "deny"
        assert running.ctl("log", "tail").returncode == 0
        subprocess.run(["mount", "-o", "remount,size=500m", device], check=True)
        until_state(running, "NORMAL")
        (running.current / "after").write_text("x")
        running.settle()
        assert all((running.current / name).read_bytes() == content for name, content in kept.items())
        assert running.stop() == 0
        assert problems_of(running.state) == []
        running.start()
        assert (running.current / "after").read_text() == "x"
        assert running.stop() == 0
    finally:
        for place in (disk, device):
            subprocess.run(["umount", "--lazy", place], check=False)
