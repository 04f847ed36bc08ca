"""Landlock as this kernel has it: what a ruleset does not allow, a process and its children cannot do."""

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lighthoused.sandbox import landlock, system
from lighthoused.sandbox.confinement import NEEDED, Confinement, check
from lighthoused.sandbox.landlock import Ruleset, Unconfined

pytestmark = pytest.mark.skipif(landlock.abi() < NEEDED, reason="this kernel has no Landlock that confines")
SYSTEM = (*system.SYSTEM, sys.prefix, sys.base_prefix)


def confined(rules: Ruleset, act: Callable[[], object]) -> int:
    """The errno that an act in a confined child ends with, 0 where it succeeds."""
    child = os.fork()
    if child == 0:
        try:
            rules.restrict()
            act()
        except OSError as error:
            os._exit(error.errno or 255)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def places(tmp_path: Path) -> Path:
    for name in ("read", "write", "secret"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    return tmp_path


@pytest.fixture
def rules(places: Path) -> Ruleset:
    made = Ruleset(landlock.abi())
    assert made.allow(str(places / "read"), "read")
    assert made.allow(str(places / "write"), "write")
    assert not made.allow(str(places / "none"), "write")
    return made


def test_what_is_allowed_works(places: Path, rules: Ruleset) -> None:
    write = places / "write"
    (write / "below").mkdir()
    assert confined(rules, (places / "read/file").read_text) == 0
    assert confined(rules, lambda: (write / "new").write_text("x")) == 0
    assert confined(rules, lambda: (write / "file").rename(write / "below/moved")) == 0
    assert confined(rules, (write / "new").unlink) == 0


@pytest.mark.parametrize(
    "act",
    [
        lambda places: (places / "secret/file").read_text(),
        lambda places: os.listdir(places / "secret"),
        lambda places: (places / "secret/file").write_text("x"),
        lambda places: os.truncate(places / "secret/file", 0),
        lambda places: (places / "secret/file").unlink(),
        lambda places: (places / "read/new").write_text("x"),
        lambda places: os.truncate(places / "read/file", 0),
        lambda places: (places / "write/link").hardlink_to(places / "secret/file"),
        lambda places: (places / "secret/file").rename(places / "write/mine"),
        lambda places: os.mknod(places / "write/device", 0o60600, os.makedev(7, 0)),
        lambda places: open("/proc/self/root" + str(places / "secret/file")).close(),
    ],
)
def test_what_is_not_allowed_is_refused(places: Path, rules: Ruleset, act: Callable[[Path], object]) -> None:
    assert confined(rules, lambda: act(places)) in (errno.EACCES, errno.EXDEV)
    assert (places / "secret/file").read_text() == "secret"
    assert (places / "read/file").read_text() == "read"


def test_a_link_leads_nowhere_else(places: Path, rules: Ruleset) -> None:
    (places / "write/link").symlink_to(places / "secret/file")
    assert confined(rules, (places / "write/link").read_text) == errno.EACCES


def test_programs_that_it_starts_are_confined(places: Path) -> None:
    rules = Ruleset(landlock.abi())
    for path in SYSTEM:
        rules.allow(path, "read")
    rules.allow("/dev/null", "device")
    script = f"sh -c 'cat {places}/secret/file; echo x > {places}/made'; cat /proc/self/status | grep NoNewPrivs"
    done = subprocess.run(["sh", "-c", script], preexec_fn=rules.restrict, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["NoNewPrivs:", "1"]
    assert not (places / "made").exists()


@pytest.mark.skipif(landlock.abi() < landlock.TCP_ABI, reason="this kernel does not confine TCP")
def test_only_listed_ports_can_be_reached_and_bound() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
        ports = [one.getsockname()[1] for one in (server, other)]
        rules, free = Ruleset(landlock.abi(), connect=[ports[0]], bind=[]), Ruleset(landlock.abi())
        for one in (rules, free):
            for path in SYSTEM:
                one.allow(path, "read")
        assert confined(rules, lambda: socket.create_connection(("127.0.0.1", ports[0])).close()) == 0
        assert confined(rules, lambda: socket.create_connection(("127.0.0.1", ports[1])).close()) == errno.EACCES
        assert confined(rules, lambda: socket.create_server(("127.0.0.1", 0)).close()) == errno.EACCES
        assert confined(free, lambda: socket.create_connection(("127.0.0.1", ports[1])).close()) == 0


@pytest.mark.skipif(landlock.abi() < landlock.SCOPE_ABI, reason="this kernel does not confine signals")
def test_signals_stay_within() -> None:
    assert confined(Ruleset(landlock.abi()), lambda: os.kill(os.getppid(), 0)) == errno.EPERM


@pytest.mark.parametrize("version", range(1, landlock.abi() + 1))
def test_a_ruleset_for_every_older_version_is_taken(places: Path, version: int) -> None:
    rules = Ruleset(version, connect=[443])
    rules.allow(str(places / "write"), "write")
    assert confined(rules, (places / "secret/file").read_text) == errno.EACCES


def test_what_an_older_kernel_cannot_hold_is_refused() -> None:
    strong = Confinement(landlock.abi(), (), (), (443,), None)
    check(strong)
    for weak in (strong._replace(abi=0), strong._replace(abi=2), strong._replace(abi=3)):
        with pytest.raises(Unconfined):
            check(weak)
    check(strong._replace(abi=3, connect=None))
    assert "Signals" in strong._replace(abi=4).lacking[0]
