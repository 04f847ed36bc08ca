"""Which source of a setting wins, and what `lighthousectl config` and `lighthoused serve` say of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lighthoused.cli.main import cli
from lighthoused.config import SECTIONS
from lighthoused.configured import Flags, load

NAMES = ("state", "mount", "socket")
SOURCES = ("flag", "environment", "file", "default")
BAD = '[log]\nlevel = "loud"\ncolour = 1\n[nope]\n'


def ctl(*arguments: str, **environment: str) -> Result:
    cleared = {f"LIGHTHOUSE_{name}": None for name in ("STATE", "MOUNT", "SOCKET", "CONFIG")}
    return CliRunner(env={**cleared, **environment}).invoke(cli, arguments, catch_exceptions=False)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lowest", range(len(SOURCES)))
@pytest.mark.parametrize("highest", range(len(SOURCES)))
def test_the_first_source_that_says_something_wins(tmp_path: Path, name: str, highest: int, lowest: int) -> None:
    said = SOURCES[highest : lowest + 1]
    file = tmp_path / "config.toml"
    file.write_text(f'paths.{name} = "/file/{name}"' if "file" in said else "")
    environment = {"HOME": "/default"}
    if "environment" in said:
        environment[f"LIGHTHOUSE_{name.upper()}"] = f"/environment/{name}"
    flags = Flags(config=str(file))
    if "flag" in said:
        flags = flags._replace(**{name: f"/flag/{name}"})
    found = getattr(load(flags, environment, uid=1000).paths, name)
    assert found.parts[1] == (said[0] if said else "default")


def test_a_flag_names_the_file_before_the_environment_does(tmp_path: Path) -> None:
    for name, port in (("flag", 1), ("environment", 2)):
        (tmp_path / name).write_text(f"metrics.port = {port}")
    environment = {"HOME": "/home/ann", "LIGHTHOUSE_CONFIG": str(tmp_path / "environment")}
    assert load(Flags(), environment, uid=1000).metrics.port == 2
    assert load(Flags(config=str(tmp_path / "flag")), environment, uid=1000).metrics.port == 1
    assert load(Flags(), {"HOME": str(tmp_path)}, uid=1000).metrics.port == 9464


@pytest.mark.parametrize("name", ["STATE", "MOUNT", "SOCKET", "CONFIG"])
def test_an_empty_variable_says_nothing(tmp_path: Path, name: str) -> None:
    environment = {"HOME": str(tmp_path)}
    assert load(Flags(), {**environment, f"LIGHTHOUSE_{name}": ""}, uid=1000) == load(Flags(), environment, uid=1000)


def test_the_file_of_the_environment_must_exist(tmp_path: Path) -> None:
    done = ctl("config", "check", LIGHTHOUSE_CONFIG=str(tmp_path / "none"))
    assert done.exit_code == 1
    assert done.stderr == f"error: {tmp_path}/none: there is no such file.\n"


def test_what_is_shown_is_a_configuration_that_says_the_same(tmp_path: Path) -> None:
    text = '[rpc]\nsocket_mode = "0660"\n[gate]\npolicy_dirs = ["/a b", "/c"]\n[store]\nmap_size = "1.5GiB"\n'
    (tmp_path / "config.toml").write_text(text)
    shown = ctl("config", "show", "--config", str(tmp_path / "config.toml"), LIGHTHOUSE_STATE=str(tmp_path / "s"))
    assert shown.exit_code == 0
    assert "rpc.socket_mode = 0o660\n" in shown.stdout
    (tmp_path / "again.toml").write_text(shown.stdout)
    again = ctl("config", "show", "--json", "--config", str(tmp_path / "again.toml"))
    first = ctl(
        "config", "show", "--json", "--config", str(tmp_path / "config.toml"), LIGHTHOUSE_STATE=str(tmp_path / "s")
    )
    assert {**json.loads(again.stdout), "file": ""} == {**json.loads(first.stdout), "file": ""}
    assert json.loads(first.stdout)["file"] == str(tmp_path / "config.toml")


def test_check_names_every_problem(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(BAD)
    for done in (ctl("config", "check", str(file)), ctl("--config", str(file), "config", "check")):
        assert done.exit_code == 1
        assert done.stdout == ""
        assert done.stderr.splitlines() == [
            f'error: {file}: log.level must be one of "debug", "info", "warning", "error", not "loud".',
            f"error: {file}: log.colour is no setting; known are format, level.",
            f"error: {file}: [nope] is no section; known are {', '.join(sorted(SECTIONS))}.",
        ]
    as_json = ctl("config", "check", str(file), "--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stderr)["error"]["message"].count("\n") == 2
    file.write_text("")
    assert ctl("config", "check", str(file)).stdout == f"{file}: ok\n"
    assert json.loads(ctl("config", "check", str(file), "--json").stdout) == {"ok": True, "file": str(file)}


@pytest.mark.parametrize("command", [["status"], ["config", "show"], ["history"]])
def test_a_bad_file_stops_every_command(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "config.toml").write_text(BAD)
    done = ctl(*command, "--config", str(tmp_path / "config.toml"))
    assert done.exit_code == 1
    assert "log.level must be" in done.stderr
    assert done.stderr.endswith("hint: `lighthousectl config check` checks the file again.\n")


def test_a_bad_file_stops_the_daemon(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(BAD)
    command = [sys.executable, "-m", "lighthoused", "serve", "--config", str(tmp_path / "config.toml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path}/config.toml: log.level must be ")
    assert "Traceback" not in done.stderr
