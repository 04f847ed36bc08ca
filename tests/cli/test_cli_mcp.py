"""The MCP server's entry in agent programs' settings; every other byte of them stays."""

import json
import subprocess
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lighthoused.cli.main import cli

JSON = '{\n\t"theme": "dark",\n\t"mcpServers": {\n\t\t"other": {"command": "x"}\n\t},\n\t"n": 1e3\n}'
TOML = """# mine
model = "o4"   # aligned
[mcp_servers.other]
command = 'x'

[profiles.fast]
model = "small"
"""
PROGRAMS = ["claude-code", "codex"]
TEXTS = {"claude-code": JSON, "codex": TOML}


def ctl(*arguments: str, **env: str) -> Result:
    command = ["--socket", "/run/lh.sock", "--mount", "/mnt/lh", "mcp", *arguments]
    return CliRunner(env={"LIGHTHOUSE_STATE": "/nobody", **env}).invoke(cli, command, catch_exceptions=False)


def servers(file: Path) -> dict[str, dict[str, object]]:
    text = file.read_text()
    found = json.loads(text)["mcpServers"] if text.startswith("{") else tomllib.loads(text)["mcp_servers"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("is_new", [True, False])
def test_install_and_uninstall(tmp_path: Path, program: str, is_new: bool) -> None:
    file = tmp_path / "settings"
    where = ("--for", program, "--settings", str(file))
    if not is_new:
        file.write_text(TEXTS[program])
    assert "installed" in ctl("install", *where).output
    once = file.read_text()
    assert "was installed already" in ctl("install", *where).output
    assert file.read_text() == once
    ours = servers(file)["lighthouse"]
    assert str(ours["command"]).startswith("/")
    assert list(ours["args"])[-5:] == ["mcp", "--socket", "/run/lh.sock", "--mount", "/mnt/lh"]
    assert "uninstalled" in ctl("uninstall", *where).output
    if is_new:
        assert file.read_text().strip() in ("", "{}")
    else:
        assert file.read_text() == TEXTS[program]
    assert "not installed" in ctl("uninstall", *where).output


@pytest.mark.parametrize("program", PROGRAMS)
def test_an_older_entry_is_replaced_and_another_servers_is_not(tmp_path: Path, program: str) -> None:
    file = tmp_path / "settings"
    file.write_text(TEXTS[program])
    where = ("--for", program, "--settings", str(file))
    ctl("install", *where)
    CliRunner().invoke(cli, ["--socket", "/new/sock", "mcp", "install", *where], catch_exceptions=False)
    assert "/new/sock" in list(servers(file)["lighthouse"]["args"])
    assert set(servers(file)) == {"other", "lighthouse"}
    done = ctl("install", *where, "--name", "other")
    assert done.exit_code == 1
    assert "--name" in done.stderr
    assert "not installed" in ctl("uninstall", *where, "--name", "other").output
    assert "other" in servers(file)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_dry_run_makes_no_change(tmp_path: Path, program: str) -> None:
    file = tmp_path / "settings"
    file.write_text(TEXTS[program])
    shown = ctl("install", "--for", program, "--settings", str(file), "--dry-run").output
    assert shown.startswith(f"--- {file}\n")
    assert "lighthoused.cli.launch" in shown
    assert file.read_text() == TEXTS[program]


@pytest.mark.parametrize(
    ("program", "text"),
    [
        *(("claude-code", text) for text in ("{", "[]", '{"mcpServers": []}', '{"mcpServers": {"lighthouse": 3}}')),
        *(("codex", text) for text in ("a = ", "mcp_servers = 3", "[mcp_servers]\nlighthouse = 3")),
    ],
)
def test_settings_of_another_form_are_refused_and_left_alone(tmp_path: Path, program: str, text: str) -> None:
    file = tmp_path / "settings"
    file.write_text(text)
    done = ctl("install", "--for", program, "--settings", str(file))
    assert done.exit_code == 1
    assert f"error: {file} cannot be " in done.stderr
    assert "hint: " in done.stderr
    assert file.read_text() == text


@pytest.mark.parametrize(
    ("options", "environment", "expected"),
    [
        ((), {}, "project/.mcp.json"),
        (("--scope", "user"), {}, "home/.claude.json"),
        (("--scope", "user"), {"CLAUDE_CONFIG_DIR": "moved"}, "moved/.claude.json"),
        (("--for", "codex"), {}, "project/.codex/config.toml"),
        (("--for", "codex", "--scope", "user"), {}, "home/.codex/config.toml"),
        (("--for", "codex", "--scope", "user"), {"CODEX_HOME": "moved"}, "moved/config.toml"),
    ],
)
def test_every_scope_has_its_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    environment: dict[str, str],
    expected: str,
) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    moved = {name: str(tmp_path / value) for name, value in environment.items()}
    assert ctl("install", *options, HOME=str(tmp_path / "home"), **moved).exit_code == 0
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()] == [expected]


def test_what_is_installed_starts(tmp_path: Path) -> None:
    file = tmp_path / ".mcp.json"
    ctl("install", "--settings", str(file))
    ours = servers(file)["lighthouse"]
    hello = '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},'
    hello += '"clientInfo":{"name":"t","version":"1"}}}\n'
    done = subprocess.run(
        [str(ours["command"]), *map(str, list(ours["args"]))],
        input=hello,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["result"]["serverInfo"]["name"] == "lighthouse"
