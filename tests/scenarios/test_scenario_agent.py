"""A whole agent: in the sandbox, with hooks and the MCP server, as its user would start it. Real daemon and kernel."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests_support import agent_program
from tests_support.running import Running

from lighthoused.sandbox import landlock
from lighthoused.sandbox.confinement import NEEDED

pytestmark = pytest.mark.skipif(landlock.abi() < NEEDED, reason="this kernel has no Landlock that confines")
CTL = [sys.executable, "-m", "lighthoused.cli.launch"]
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "agent", "version": "1"}}


def asked(server: list[str]) -> str:
    """A shell command that asks the MCP server one question."""
    lines = (
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {
            "jsonrpc": "2.0",
            "id": 2,
            "method": "tools/call",
            "params": {"name": "validate", "arguments": {"command": "ls /srv"}},
        },
    )
    says = "; ".join(f"echo '{json.dumps(line)}'" for line in lines)
    stays = "until [ -e answered ]; do sleep 0.1; done"
    return f"({says}; {stays}) | {' '.join(server)} | (grep -m 1 '\"id\":2'; touch answered)"


def test_an_agent_with_everything(running: Running, tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh/id_rsa").write_text("secret")
    running.ctl("hook", "install", "--failures", cwd=running.current)
    running.ctl("mcp", "install", cwd=running.current)
    server = json.loads((running.current / ".mcp.json").read_text())["mcpServers"]["lighthouse"]
    program = running.current / "agent_program.py"
    program.write_bytes(Path(agent_program.__file__).read_bytes())
    bash = [
        "echo made > made.txt",
        "python3 -c \"import os; print(open(os.path.expanduser('~/.ss' + 'h/id_rsa')).read())\"",
        "rm .claude/settings.json",
        asked([server["command"], *server["args"]]),
    ]
    steps: list[dict[str, Any]] = [{"hook_event_name": "SessionStart", "source": "startup"}]
    steps += [{"tool_name": "Bash", "tool_input": {"command": command}} for command in bash]
    config = tmp_path / "lighthouse.toml"
    config.write_text("[gate]\napproval_deadline_s = 1\n")
    running.stop()
    running.flags = ("--config", str(config))
    running.start()
    done = subprocess.run(
        [
            *(*CTL, "run", "--agent", "ada", "--session", "s1", "--sandbox", "--"),
            *(sys.executable, str(program), "claude-code", ".claude/settings.json"),
        ],
        input="".join(json.dumps(step) + "\n" for step in steps),
        cwd=running.current,
        env={**running.environment, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    made, stolen, unguarded, validated = [json.loads(line) for line in done.stdout.splitlines()][1:]
    assert (made["decision"], made["exit"]) == ("allow", 0)
    assert "secret" not in json.dumps(stolen)
    assert unguarded["decision"] == "deny"
    assert (running.current / ".claude/settings.json").exists()
    assert json.loads(validated["out"])["result"]["structuredContent"]["verdict"] == "allow"
    told = running.events(agent="ada")
    assert {one.session for one in told} == {"s1"}
    assert {"session.started", "gate.judged", "tool.finished", "file.created"} <= {one.type for one in told}
