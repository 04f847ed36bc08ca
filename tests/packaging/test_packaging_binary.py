"""The binary, in both forms, does what the checkout does, and leaves nothing of itself to what it starts."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.packages import build
from tests_support.running import Running
from tests_support.terminal import Terminal

EVENT = {"session_id": "s", "hook_event_name": "PreToolUse", "tool_name": "Bash", "cwd": "/"}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(params=["onedir", "onefile"])
def packaged(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    """A daemon from the binary, serving a small project."""
    source = tmp_path / "demo"
    source.mkdir()
    (source / "kept.txt").write_text("kept")
    daemon = Running(tmp_path, source)
    place = build(request.param)
    if request.param == "onedir":
        daemon.daemon, daemon.control = (str(place / "lighthoused"),), (str(place / "lighthousectl"),)
    else:
        daemon.daemon, daemon.control = (str(place),), (str(place), "ctl")
    daemon.start()
    yield daemon
    assert daemon.stop() == 0, daemon.log.read_text()


def test_it_serves_and_judges(packaged: Running) -> None:
    assert (packaged.current / "kept.txt").read_text() == "kept"
    assert json.loads(packaged.ctl("status", "--json").stdout)["state"] == "NORMAL"
    assert packaged.ctl("check", "rm -rf ~", check=False).returncode == 1
    assert packaged.ctl("check", "--local", "ls", check=False).returncode == 0
    (packaged.current / "new.txt").write_text("new")
    assert "new.txt" in packaged.ctl("log", "tail").stdout
    assert "whole" in packaged.ctl("fsck").stdout
    assert "Usage: lighthousectl [OPTIONS] COMMAND" in packaged.ctl("--help").stdout


def test_what_it_starts_gets_the_environment_it_got(packaged: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    for before in (None, "/opt/theirs"):
        if before:
            monkeypatch.setenv("LD_LIBRARY_PATH", before)
        seen = packaged.ctl("run", "--agent", "alice", "--", "env").stdout.splitlines()
        loader = [line for line in seen if line.startswith(("LD_LIBRARY_PATH", "_PYI_", "_MEIPASS"))]
        assert loader == ([f"LD_LIBRARY_PATH={before}"] if before else [])


def test_it_can_start_itself(packaged: Running) -> None:
    nested = packaged.ctl("run", "--agent", "alice", "--", *packaged.control, "status", "--json")
    assert json.loads(nested.stdout)["state"] == "NORMAL"


def test_what_it_loads_only_when_asked_is_in_it(packaged: Running) -> None:
    """The MCP server's and the live view's libraries."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
    server = [*packaged.control, "mcp"]
    with subprocess.Popen(
        server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=packaged.environment
    ) as speaking:
        assert speaking.stdin is not None
        assert speaking.stdout is not None
        speaking.stdin.write(asked + "\n")
        speaking.stdin.flush()
        assert "instructions" in json.loads(speaking.stdout.readline())["result"]
        speaking.stdin.close()
    top = Terminal(packaged, "top", columns=120)
    top.expect("NORMAL")
    top.type("q")
    assert top.end() == 0


def test_it_backs_up_to_a_bucket(packaged: Running, tmp_path: Path) -> None:
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        url = f"http://{host}:{port}"
        pytest.importorskip("boto3").client("s3", endpoint_url=url, **keys).create_bucket(Bucket="backups")
        settings = {**keys, "endpoint_url": url, "region": keys.pop("region_name")}
        (tmp_path / "keys").write_text("[default]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items()))
        (tmp_path / "backup.toml").write_text(f'[credentials]\ns3 = "{tmp_path / "keys"}"\n')
        config = ("--config", str(tmp_path / "backup.toml"))
        packaged.ctl(*config, "backup", "run", "--to", "s3://backups/here")
        assert "whole" in packaged.ctl(*config, "backup", "verify", "--to", "s3://backups/here").stdout
    finally:
        server.stop()


def test_its_hook_is_a_bare_interpreter_on_a_file_that_stays(packaged: Running, tmp_path: Path) -> None:
    settings = tmp_path / "settings.json"
    data_directories = {name: str(tmp_path / "data") for name in ("XDG_DATA_HOME", "XDG_DATA_DIRS")}
    data = {"env": {**packaged.environment, **data_directories}}
    install = [*packaged.control, "hook", "install", "--settings", str(settings)]
    subprocess.run(install, check=True, capture_output=True, **data)
    line = json.loads(settings.read_text())["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    assert " -I -S " in line
    for command, decision in (("ls", "allow"), ("rm -rf ~", "deny")):
        event = json.dumps({**EVENT, "tool_input": {"command": command}})
        done = subprocess.run(["sh", "-c", line], input=event, capture_output=True, text=True, check=True, env={})
        assert json.loads(done.stdout)["hookSpecificOutput"]["permissionDecision"] == decision
    again = subprocess.run(install, check=True, capture_output=True, text=True, **data)
    assert "was installed already" in again.stdout
    subprocess.run([*packaged.control, "hook", "uninstall", "--settings", str(settings)], check=True, **data)
    assert "hooks" not in json.loads(settings.read_text())
