"""An OPA server is asked, follows every change, and whatever it does wrong, the embedded policies decide."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.opa_server import StandIn
from tests_support.running import Running
from tests_support.waiting import until

NO_PUSH = (
    "package lighthouse\nimport rego.v1\n"
    "# deny my.push: git push\n# not my.push: ls\n"
    'rules contains deny("my.push", n, "No.") if some n in by.push\n'
)


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    server = StandIn()
    yield server
    server.close()


@pytest.fixture
def running(tmp_path: Path, stand_in: StandIn) -> Iterator[Running]:
    (tmp_path / "demo").mkdir()
    config = tmp_path / "config.toml"
    config.write_text(f'[gate]\nopa_url = "{stand_in.url}"\nopa_deadline_s = 0.5\n')
    running = Running(tmp_path, tmp_path / "demo", "--no-mount", "--config", str(config))
    running.start()
    yield running
    running.stop()


def rule(running: Running, command: str) -> str:
    found: str = json.loads(running.ctl("check", command, "--json", check=False).stdout)["rule"]
    return found


def state(running: Running) -> str:
    found: str = json.loads(running.ctl("status", "--json").stdout)["policy"]["opa"]
    return found


def changes(running: Running) -> list[str]:
    return [event.type for event in running.events(type="policy.opa*")]


def test_the_server_is_asked_and_follows(running: Running, stand_in: StandIn) -> None:
    until(lambda: state(running) == "up")
    assert stand_in.puts[0] == "lighthouse/default/main.rego"
    assert stand_in.puts[-1] == "lighthouse/version"
    before = stand_in.questions
    assert rule(running, "git push --force") == "work.rewrite-shared"
    assert rule(running, "rm -rf /") == "files.delete-everything"
    assert stand_in.questions == before + 2
    running.ctl("policy", "put", "-", "--name", "mine", input=NO_PUSH)
    until(lambda: any("mine.rego" in id for id in stand_in.modules) and state(running) == "up")
    before = stand_in.questions
    assert rule(running, "git push") == "my.push"
    assert stand_in.questions == before + 1
    running.ctl("policy", "delete", "mine")
    until(lambda: not any("mine.rego" in id for id in stand_in.modules) and state(running) == "up")
    assert rule(running, "git push") == "default.harmless"
    assert changes(running) == ["policy.opa_up"]


@pytest.mark.parametrize("mode", ["slow", "error", "garbage", "empty", "allows"])
def test_no_failure_is_an_allow(running: Running, stand_in: StandIn, mode: str) -> None:
    until(lambda: state(running) == "up")
    stand_in.mode = mode
    for number in range(4):
        assert rule(running, f"rm -rf / # {number}") == "files.delete-everything"
        assert rule(running, f"ls # {number}") == "default.harmless"
    until(lambda: changes(running) == ["policy.opa_up", "policy.opa_down"])
    assert state(running) != "up"
    asked = stand_in.questions
    assert rule(running, "rm -rf / # again") == "files.delete-everything"
    assert stand_in.questions <= asked + 1
    stand_in.mode = "fine"
    until(lambda: changes(running) == ["policy.opa_up", "policy.opa_down", "policy.opa_up"])
    assert rule(running, "rm -rf / # at last") == "files.delete-everything"


def test_a_server_that_forgets_is_told_again(running: Running, stand_in: StandIn) -> None:
    until(lambda: state(running) == "up")
    stand_in.modules.clear()
    assert rule(running, "rm -rf /") == "files.delete-everything"
    until(lambda: "lighthouse/version" in stand_in.modules and state(running) == "up")
    stand_in.modules["lighthouse/default/files.rego"] = "package lighthouse.standard\n"
    stand_in.modules.pop("lighthouse/version")
    assert rule(running, "rm -rf / # 2") == "files.delete-everything"
    until(lambda: "delete-everything" in stand_in.modules["lighthouse/default/files.rego"])


def test_without_the_server_the_daemon_starts_and_judges(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    config = tmp_path / "config.toml"
    config.write_text('[gate]\nopa_url = "http://127.0.0.1:1"\n')
    running = Running(tmp_path, tmp_path / "demo", "--no-mount", "--config", str(config))
    running.start()
    try:
        assert rule(running, "rm -rf /") == "files.delete-everything"
        until(lambda: changes(running) == ["policy.opa_down"])
        assert "connect" in state(running).lower()
    finally:
        running.stop()
