"""Policies are put, listed, tested, explained and deleted in a running daemon, and stay over a restart."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests_support.running import Running

from lighthoused.core.errors import LighthouseError
from lighthoused.protocol.messages.agents import TokenIssueRequest
from lighthoused.protocol.messages.policies import PolicyListRequest, PolicyPutRequest

HEAD = "package lighthouse\nimport rego.v1\n"
NO_PUSH = (
    HEAD
    + '# deny my.push: git push\n# not my.push: ls\nrules contains deny("my.push", n, "No.") if some n in by.push\n'
)
QUIET = HEAD + 'disabled contains "work.discard"\nrules contains permit("work.rewrite", n, "Fine.") if some n in by.x\n'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    base = tmp_path_factory.mktemp("policies")
    (base / "demo").mkdir()
    running = Running(base, base / "demo", "--no-mount")
    running.start()
    yield running
    running.stop()


def ctl(running: Running, *arguments: str, check: bool = True, text: str = "") -> Any:
    done = running.ctl("policy", *arguments, "--json", check=check, **({"input": text} if text else {}))
    return json.loads(done.stdout or done.stderr)


def verdict(running: Running, command: str) -> str:
    found: str = json.loads(running.ctl("check", command, "--json", check=False).stdout)["rule"]
    return found


def test_a_policy_is_put_replaced_and_deleted(running: Running) -> None:
    assert verdict(running, "git push") == "default.harmless"
    put = ctl(running, "put", "-", "--name", "mine", text=NO_PUSH)
    assert (put["revision"], put["examples"], put["lacking"]) == (1, 2, [])
    assert verdict(running, "git push") == "my.push"
    assert running.ctl("policy", "show", "mine").stdout == NO_PUSH
    assert ctl(running, "put", "-", "--name", "mine", text=NO_PUSH + "x := 1\n")["revision"] == 2
    assert ctl(running, "delete", "mine")["revision"] == 3
    assert verdict(running, "git push") == "default.harmless"
    events = running.events(stream="policies/mine")
    assert [(event.type, event.agent, event.payload.get("source")) for event in events] == [
        ("policy.put", "owner", NO_PUSH),
        ("policy.put", "owner", NO_PUSH + "x := 1\n"),
        ("policy.deleted", "owner", None),
    ]
    assert ctl(running, "delete", "mine", check=False)["error"]["code"] == "not_found"


def test_a_policy_that_was_put_stays_and_is_only_its_owners(running: Running) -> None:
    ctl(running, "put", "-", "--name", "stays", text=NO_PUSH)
    file = running.state / "policies" / "stays.rego"
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    running.stop()
    file.write_text("somebody else wrote this")
    running.start()
    assert file.read_text() == NO_PUSH
    assert verdict(running, "git push") == "my.push"
    ctl(running, "delete", "stays")
    running.stop()
    file.write_text(NO_PUSH)
    running.start()
    assert not file.exists()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (HEAD + "rules contains if if", "line 3: Invalid rule head."),
        (HEAD + "\nx := frob(1)\n", "line 4: There is no function frob."),
        ("x := 1", "is not in package lighthouse"),
        (NO_PUSH.replace("not my.push: ls", "not my.push: git push"), "line 4: git push: my.push applies to it"),
        (NO_PUSH.replace("git push", '{"comand": ""}'), "line 3: the example is not valid"),
    ],
)
def test_a_broken_policy_is_refused_and_nothing_changes(running: Running, source: str, told: str) -> None:
    before = ctl(running, "list")["version"]
    refused = ctl(running, "put", "-", "--name", "broken", check=False, text=source)["error"]
    assert told in refused["message"]
    assert refused["code"] == "invalid"
    assert ctl(running, "list")["version"] == before
    assert running.events(stream="policies/broken") == ()


def test_a_name_that_is_a_path_is_refused(running: Running) -> None:
    for name in ("../x", "a/b", "X", "", "a.b"):
        with running.client() as client, pytest.raises(LighthouseError, match="cannot be called"):
            client.call(PolicyPutRequest(id=0, name=name, source=NO_PUSH))


def test_only_checking_changes_nothing(running: Running) -> None:
    before = ctl(running, "list")
    assert ctl(running, "put", "-", "--name", "mine", "--check", text=NO_PUSH)["examples"] == 2
    assert ctl(running, "list") == before


def test_only_admins_change_policies(running: Running) -> None:
    with running.client() as client:
        token = client.call(TokenIssueRequest(id=0, agent="op", role="operator")).token
    with running.client(token=token) as client:
        assert client.call(PolicyListRequest(id=0)).policies
        with pytest.raises(LighthouseError, match="admin"):
            client.call(PolicyPutRequest(id=0, name="mine", source=NO_PUSH))


def test_what_policies_say_is_listed_and_explained(running: Running) -> None:
    ctl(running, "put", "-", "--name", "quiet", text=QUIET)
    states = {rule["id"]: rule["state"] for one in ctl(running, "list")["policies"] for rule in one["rules"]}
    assert states["work.discard"] == "disabled"
    assert states["files.delete-everything"] == "in force"
    both = ctl(running, "explain", "work.rewrite")["rules"]
    assert [(one["state"], one["verdict"]) for one in both] == [("replaced", "escalate"), ("in force", "allow")]
    assert both[0]["caught"]
    assert ctl(running, "explain", "no.such", check=False)["error"]["code"] == "not_found"
    ctl(running, "delete", "quiet")


def test_examples_are_run_by_the_daemon(running: Running, tmp_path: Path) -> None:
    found = ctl(running, "test")
    assert (found["ok"], found["failures"], found["lacking"]) == (True, [], [])
    assert found["examples"] > 100
    assert ctl(running, "test", "--rule", "work.discard")["rules"] == {"work.discard": 3}
    file = tmp_path / "mine.rego"
    file.write_text(NO_PUSH.replace("not my.push: ls", "not my.push: git push") + "\n")
    (failure, *_) = ctl(running, "test", str(file), "--rule", "my.push", check=False)["failures"]
    assert (failure["rule"], failure["line"], failure["call"]) == ("my.push", 4, "git push")
    assert ctl(running, "test", str(file), "--rule", "my.push", "--local", check=False)["failures"] == [failure]


def test_a_reload_is_asked_for(running: Running) -> None:
    before = len(running.events(type="policy.loaded"))
    assert ctl(running, "reload")["problem"] == ""
    assert len(running.events(type="policy.loaded")) == before + 1
