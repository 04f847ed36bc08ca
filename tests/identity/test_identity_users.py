"""Other users of the machine, with the real daemon and real credentials."""

import json
import os
import pwd
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests_support.running import Running

from lighthoused.core.errors import Invalid
from lighthoused.identity.users import Users
from lighthoused.protocol.messages.policies import ReloadRequest

NOBODY = pwd.getpwnam("nobody")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes other users")


def test_the_strongest_role_that_names_a_user_counts() -> None:
    import grp

    group = grp.getgrgid(NOBODY.pw_gid).gr_name
    users = Users((("admin", ()), ("operator", (f"@{group}",)), ("viewer", ("nobody",))))
    found = users.find(NOBODY.pw_uid)
    assert found is not None
    assert (found.name, found.role, found.home) == ("nobody", "operator", NOBODY.pw_dir)


def test_who_is_not_named_has_no_role_and_who_is_not_there_is_nobody() -> None:
    users = Users((("admin", ("nobody",)),))
    root = users.find(0)
    assert root is not None
    assert not root.role
    assert users.find(4_000_000_000) is None


def test_a_name_that_nobody_has_is_refused() -> None:
    with pytest.raises(Invalid, match="no user 'nosuch'"):
        Users((("admin", ("nosuch",)),))
    with pytest.raises(Invalid, match="no group 'nosuch'"):
        Users((("admin", ("@nosuch",)),))


@pytest.fixture
def serving() -> Iterator[Callable[[str], Running]]:
    """Starts a daemon with some configuration, where other users reach its socket."""
    daemons: list[Running] = []
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        (base / "demo").mkdir()

        def start(config: str) -> Running:
            (base / "lighthouse.toml").write_text("[rpc]\nsocket_mode = '0666'\n" + config)
            daemons.append(Running(base, base / "demo", "--config", str(base / "lighthouse.toml")))
            daemons[0].start()
            return daemons[0]

        yield start
        for daemon in daemons:
            assert daemon.stop() == 0


@contextmanager
def connected_as_nobody(path: Path) -> Iterator[Callable[[dict[str, Any]], dict[str, Any]]]:
    """One connection of another user's process that is kept: what it is asked goes in by a pipe, answers by another."""
    program = (
        "import os, socket, sys\n"
        f"os.setgroups([]); os.setgid({NOBODY.pw_gid}); os.setuid({NOBODY.pw_uid})\n"
        f"asking = socket.socket(socket.AF_UNIX); asking.connect({str(path)!r}); answers = asking.makefile('rb')\n"
        "for line in sys.stdin.buffer:\n"
        "    asking.sendall(line)\n"
        "    sys.stdout.buffer.write(answers.readline()); sys.stdout.buffer.flush()\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None

    def ask(request: dict[str, Any]) -> dict[str, Any]:
        child.stdin.write(json.dumps(request).encode() + b"\n")  # type: ignore[union-attr]
        child.stdin.flush()  # type: ignore[union-attr]
        return dict(json.loads(child.stdout.readline()))  # type: ignore[union-attr]

    with child:
        yield ask
        child.stdin.close()


def as_nobody(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    """The daemon's answer to a request of another user's process."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.setgroups([])
        os.setgid(NOBODY.pw_gid)
        os.setuid(NOBODY.pw_uid)
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(path))
            asking.sendall(json.dumps(request).encode() + b"\n")
            os.write(writing, asking.makefile("rb").readline())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return dict(json.loads(said))


@needs_root
def test_a_user_who_is_not_named_is_a_stranger(serving: Callable[[str], Running]) -> None:
    running = serving("")
    assert as_nobody(running.socket, {"method": "status", "id": 1})["error"]["code"] in ("denied", "unauthenticated")


@needs_root
def test_a_viewer_looks_and_changes_nothing(serving: Callable[[str], Running]) -> None:
    running = serving("[access]\nviewer = ['nobody']\n")
    assert "result" in as_nobody(running.socket, {"method": "status", "id": 1})
    made = as_nobody(running.socket, {"method": "token.issue", "id": 2, "agent": "x", "role": "admin"})
    assert made["error"]["code"] == "denied"


@needs_root
def test_a_command_of_another_user_is_judged_in_that_users_home(serving: Callable[[str], Running]) -> None:
    running = serving("[access]\noperator = ['nobody']\n")
    asked = {"method": "gate.check", "id": 1, "tool": "Bash", "input": {"command": "cat ~/x"}, "cwd": "/tmp"}
    verdict = as_nobody(running.socket, asked)["result"]
    assert [effect["target"] for effect in verdict["effects"]] == [f"{NOBODY.pw_dir}/x"]
    judged = running.events(type="gate.judged")
    assert [event.agent for event in judged] == ["user:nobody"]


@needs_root
def test_a_reload_changes_what_open_connections_may_do(serving: Callable[[str], Running]) -> None:
    running = serving("[access]\nadmin = ['nobody']\n")
    config = running.socket.parent / "lighthouse.toml"
    issue = {"method": "token.issue", "id": 1, "agent": "x", "role": "viewer"}
    with connected_as_nobody(running.socket) as ask:
        assert "result" in ask(issue)
        for role, expected in (("viewer", "denied"), ("admin", ""), ("", "denied"), ("admin", "")):
            access = f"[access]\n{role} = ['nobody']\n" if role else ""
            config.write_text("[rpc]\nsocket_mode = '0666'\n" + access)
            with running.client() as owner:
                owner.call(ReloadRequest(id=0))
            assert ask(issue).get("error", {}).get("code", "") == expected
            assert ("result" in ask({"method": "status", "id": 2})) == bool(role)
