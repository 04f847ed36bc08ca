"""Who may do what, over a real daemon's socket: by role, by scope, by user, before and after keys are changed."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests_support.running import Running

from lighthoused.client import Client
from lighthoused.core.errors import DeadlineExceeded, Denied, LighthouseError, Unauthenticated
from lighthoused.protocol.messages.agents import TokenIssueRequest
from lighthoused.protocol.messages.base import ROLES, Request
from lighthoused.protocol.messages.connection import Hello, Welcome
from lighthoused.protocol.messages.log import AppendRequest, EventView, NewEvent, QueryRequest
from lighthoused.protocol.messages.projects import SnapshotCreateRequest
from lighthoused.protocol.messages.status import StatusRequest
from lighthoused.protocol.table import METHODS, Method

NOBODY_UID = 65534
NOPE = {"project": "nope"}
GIVEN: dict[str, dict[str, Any]] = {
    "log.append": {"events": (NewEvent(stream="notes/a", type="noted"),)},
    "project.import": {"source": "/nope"},
    "project.export": {**NOPE, "dest": "/nope"},
    "tree.history": NOPE,
    "tree.diff": {**NOPE, "since": "@1"},
    "tree.undo": {**NOPE, "since": "@1"},
    "snapshot.create": {**NOPE, "name": "x"},
    "snapshot.delete": {**NOPE, "name": "x"},
    "gate.check": {"input": {"command": "ls"}},
    "gate.report": {"event": {}},
    "approvals.show": {"approval": "nope"},
    "approvals.answer": {"approval": "nope", "answer": "allow"},
    "agent.register": {"agent": "alice", "session": "a b"},
    "token.issue": {"agent": "a b"},
    "token.revoke": {"token_id": "nope"},
}
"""What methods are asked with, harmless where it is allowed; other fields that must be given are "nope"."""
ELSEWHERE = ("cancel", "gate.hook")
SOON_MS = 20


def asked(method: Method) -> Request:
    required = {field.name for field in msgspec.structs.fields(method.request) if field.required} - {"id"}
    given = {**dict.fromkeys(required, "nope"), **GIVEN.get(method.name, {})}
    return method.request(id=0, deadline_ms=SOON_MS if method.item else 0, **given)


ASKED = {method.name: asked(method) for method in METHODS if method.name not in ELSEWHERE}


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """A daemon that other users can reach."""
    with tempfile.TemporaryDirectory(prefix="lh-rights-") as made, pytest.MonkeyPatch.context() as patch:
        base = Path(made)
        base.chmod(0o755)
        (base / "demo").mkdir()
        (base / "config.toml").write_text('rpc.socket_mode = "0666"\n')
        patch.setenv("LIGHTHOUSE_CONFIG", str(base / "config.toml"))
        daemon = Running(base, base / "demo")
        daemon.start()
        yield daemon
        assert daemon.stop() == 0
        assert '"level":"error"' not in daemon.log.read_text().replace('": "', '":"')


def token(running: Running, agent: str = "alice", **wanted: object) -> tuple[str, str]:
    """A new token and its id."""
    with running.client() as client:
        made = client.call(
            msgspec.convert({"method": "token.issue", "id": 0, "agent": agent, **wanted}, TokenIssueRequest)
        )
        return made.token, made.view.id


def code_of(client: Client, request: Request) -> str:
    """ "ok", or the code of the error."""
    try:
        client.call(msgspec.structs.replace(request))
    except DeadlineExceeded:
        return "ok"
    except LighthouseError as error:
        return error.code
    return "ok"


def as_nobody(act: Callable[[], str]) -> str:
    """What is returned by `act` in a process of another user."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setresgid(NOBODY_UID, NOBODY_UID, NOBODY_UID)
            os.setresuid(NOBODY_UID, NOBODY_UID, NOBODY_UID)
            os.write(writing, act().encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answers:
        told = answers.read()
    os.waitpid(child, 0)
    return told


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_weaker_ones_may_and_no_more(running: Running, role: str) -> None:
    secret, _ = token(running, role=role)
    least = {method.name: ROLES.index(method.role) for method in METHODS}
    with running.client(token=secret) as client:
        for name, request in ASKED.items():
            denied = code_of(client, request) == "denied"
            assert denied == (ROLES.index(role) < least[name]), name


@pytest.mark.parametrize("role", ROLES)
def test_a_hook_takes_an_agents_role(running: Running, role: str) -> None:
    secret, _ = token(running, role=role)
    asked = [{"method": "hello", "id": 1, "token": secret}, {"method": "gate.hook", "id": 2, "event": {}}]
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(running.socket))
        peer.sendall(b"".join(json.dumps(request).encode() + b"\n" for request in asked))
        with peer.makefile("rb") as lines:
            _, answer = (json.loads(lines.readline()) for _ in asked)
    assert ("error" in answer) == (role == "viewer")


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        (("gate.",), {"gate.check", "gate.report"}),
        (("log.query",), {"log.query"}),
        (("log.query", "token.l"), {"log.query", "token.list"}),
        (("token.",), {name for name in ASKED if name.startswith("token.")}),
        (("none",), set()),
    ],
)
def test_scopes_narrow_a_role(running: Running, scopes: tuple[str, ...], allowed: set[str]) -> None:
    secret, _ = token(running, role="admin", scopes=scopes)
    with running.client(token=secret) as client:
        found = {name for name, request in ASKED.items() if code_of(client, request) != "denied"}
    assert found == allowed | {"hello", "ping"}


def test_scopes_do_not_widen_a_role(running: Running) -> None:
    secret, _ = token(running, role="viewer", scopes=("token.", "status"))
    with running.client(token=secret) as client:
        assert code_of(client, TokenIssueRequest(id=0, agent="x")) == "denied"
        assert code_of(client, StatusRequest(id=0)) == "ok"


def test_a_token_says_who_acts(running: Running) -> None:
    secret, _ = token(running, agent="carol")
    with running.client(token=secret) as client:
        client.call(AppendRequest(id=0, events=(NewEvent(stream="notes/carol", type="noted"),)))
    assert {event.agent for event in running.events(stream="notes/carol")} == {"carol"}


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become another user")
def test_another_user_may_do_nothing_without_a_token(running: Running) -> None:
    def without() -> str:
        with running.client() as client:
            return " ".join(name for name, one in ASKED.items() if code_of(client, one) != "denied")

    assert as_nobody(without) == "hello ping"
    secret, _ = token(running, agent="dave", role="viewer")

    def with_token() -> str:
        with running.client(token=secret) as client:
            welcome: Welcome = client.call(Hello(id=0))
            codes = [
                code_of(client, one)
                for one in (StatusRequest(id=0), SnapshotCreateRequest(id=0, project="x", name="x"))
            ]
            return f"{welcome.agent} {welcome.role} {welcome.uid} {' '.join(codes)}"

    assert as_nobody(with_token) == f"dave viewer {NOBODY_UID} ok denied"

    def with_rubbish() -> str:
        try:
            running.client(token=secret[:-2])
        except Unauthenticated:
            return "refused"
        return "accepted"

    assert as_nobody(with_rubbish) == "refused"


def test_a_revoked_token_is_refused_also_after_a_restart(running: Running) -> None:
    secret, id = token(running)
    kept, _ = token(running)
    running.ctl("token", "revoke", id)
    for restart in (False, True):
        if restart:
            running.restart()
        with pytest.raises(Unauthenticated, match="revoked"):
            running.client(token=secret)
        running.client(token=kept).close()
    listed = running.ctl("token", "list").stdout
    assert [line.endswith("\trevoked") for line in listed.splitlines() if line.startswith(id)] == [True]


def test_a_revoked_token_ends_an_open_connection_s_rights(running: Running) -> None:
    secret, id = token(running)
    with running.client(token=secret) as client:
        client.call(QueryRequest(id=0))
        running.ctl("token", "revoke", id)
        with pytest.raises(Unauthenticated, match="revoked"):
            client.call(QueryRequest(id=0))


def test_keys_are_rotated_without_a_break(running: Running) -> None:
    def keys() -> dict[str, str]:
        lines = running.ctl("token", "keys").stdout.splitlines()
        return dict(line.split("\t") for line in lines)

    (before,) = [key for key, state in keys().items() if state == "signs"]
    old, _ = token(running, agent="old")
    with running.client(token=old) as open_before:
        running.ctl("token", "rotate")
        assert keys()[before] == "verifies"
        new, _ = token(running, agent="new")
        for restart in (False, True):
            if restart:
                running.restart()
            for secret in (old, new):
                running.client(token=secret).close()
        assert "signs new tokens" in running.ctl("token", "retire", list(keys())[-1], check=False).stderr
    with running.client(token=old) as open_before:
        open_before.call(QueryRequest(id=0))
        running.ctl("token", "retire", before)
        with pytest.raises(Unauthenticated, match="was retired"):
            open_before.call(QueryRequest(id=0))
    running.client(token=new).close()
    for restart in (False, True):
        if restart:
            running.restart()
        with pytest.raises(Unauthenticated, match="not one of this daemon's"):
            running.client(token=old)
    told = [event.type for event in running.events(stream="identity/keys")]
    assert told[-2:] == ["token.key_added", "token.key_retired"]
    assert before not in (running.state / "token.keys").read_text()


def test_no_token_raises_an_agents_process(running: Running) -> None:
    own, _ = token(running, agent="eve", role="admin")
    other, _ = token(running, agent="owner", role="admin")
    ctl = f"{sys.executable} -m lighthoused.cli.launch"
    for secret, refused in ((own, "may not call token.issue"), (other, "the process is agent 'eve'")):
        script = f"LIGHTHOUSE_TOKEN={secret} {ctl} token issue --agent x"
        done = running.ctl("run", "--agent", "eve", "--", "sh", "-c", script, check=False)
        assert done.returncode == 1
        assert refused in done.stderr


def test_a_token_of_an_agents_own_may_narrow_it(running: Running) -> None:
    secret, _ = token(running, agent="eve", role="agent", scopes=("log.",))
    script = f"LIGHTHOUSE_TOKEN={secret} {sys.executable} -m lighthoused.cli.launch check ls"
    done = running.ctl("run", "--agent", "eve", "--", "sh", "-c", script, check=False)
    assert done.returncode == 3
    assert "may not call gate.check" in done.stderr


def test_refusals_are_events(running: Running) -> None:
    secret, _ = token(running, agent="frank", role="viewer")
    until = time.monotonic() + 10
    refused: list[EventView] = []
    while not refused and time.monotonic() < until:
        with running.client(token=secret) as client, pytest.raises(Denied):
            client.call(TokenIssueRequest(id=0, agent="x"))
        running.settle()
        refused = [event for event in running.events(stream="security") if event.agent == "frank"]
    event = refused[0]
    assert event.type == "security.refused"
    assert (event.payload["method"], event.payload["code"]) == ("token.issue", "denied")


def test_a_command_can_be_told_its_token(running: Running) -> None:
    secret, _ = token(running, role="viewer")
    assert running.ctl("status", "--token", secret).returncode == 0
    done = running.ctl("--token", secret, "token", "list", check=False)
    assert done.returncode == 1
    assert "may not call token.list" in done.stderr
    environment = {**running.environment, "LIGHTHOUSE_TOKEN": secret[:-2]}
    command = [sys.executable, "-m", "lighthoused.cli.launch", "status"]
    tampered = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert tampered.returncode == 1
    assert tampered.stderr == "error: The token is not one of this daemon's.\nhint: Ask for a new one.\n"
