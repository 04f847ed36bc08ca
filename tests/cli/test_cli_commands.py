"""Every command of `lighthousectl` against a real daemon: for people, as JSON, and with nobody at the socket."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from tests_support.running import Running

from lighthoused.cli.lazily import commands_of
from lighthoused.cli.main import cli
from lighthoused.protocol.messages.agents import TokenIssueRequest, TokenRevokeRequest
from lighthoused.protocol.messages.projects import SnapshotCreateRequest

EXAMPLES = {
    "status": (["status"], r"lighthoused \S+, pid \d+: NORMAL(.|\n)*projects  demo\n"),
    "health": (["health"], r"(?s)^NORMAL: ready\n  daemon    ok\n  store     ok"),
    "degradation show": (["degradation", "show"], r"^normal since \d{4}-"),
    "project list": (["project", "list"], r"^demo\t"),
    "project import": (["project", "import", "SOURCE", "--name", "demo"], r"^demo is at .*/mnt/demo/current$"),
    "project export": (["project", "export", "demo", "NEW"], r"entries, \d+ bytes, as of @\d+"),
    "mirror list": (["mirror", "list"], r"^$"),
    "mirror status": (["mirror", "status"], r"^$"),
    "log tail": (["log", "tail", "-n", "2"], r"(?s)^@\d+ +\d{4}-\d\d-\d\d .*\n@\d+ "),
    "log query": (["log", "query", "--type", "agent.*", "--agent", "alice"], r"alice +agent\.registered +agents/alice"),
    "log verify": (["log", "verify"], r"^\d+ events, head \w{64}: whole$"),
    "history": (["history", "a.txt"], r"alice\tfile\.written\tdemo/a\.txt"),
    "blame": (["blame", "a.txt"], r"alice"),
    "fsck": (["fsck"], r"\d+ events"),
    "gc": (["gc", "--dry-run"], r"\d"),
    "diff": (["diff", "begin"], r"\+by alice"),
    "undo": (["undo", "--agent", "alice", "--yes"], r"(?s)^remove\tdemo/a\.txt.*done, as of @\d+|nothing to undo"),
    "snapshot create": (["snapshot", "create", "NAME"], r" is @\d+: history/snapshots/"),
    "snapshot list": (["snapshot", "list"], r"^demo\tbegin\t@\d+\t"),
    "snapshot delete": (["snapshot", "delete", "old-MODE"], r"^$"),
    "check": (["check", "ls"], r"^allow: "),
    "approvals": (["approvals"], r"^$"),
    "approvals list": (["approvals", "list"], r"^$"),
    "patterns": (["patterns"], r"^$"),
    "patterns list": (["patterns", "list"], r"^$"),
    "agents": (["agents"], r"^alice\talice-\w+\t\d+\t.*\tended$"),
    "reload": (["reload"], r"^\d+ policies in force; changed: nothing$"),
    "run": (["run", "--agent", "bob", "--", "echo", "hi"], r"^hi$"),
    "sandbox": (["sandbox"], r"(?s)^Landlock .*may write .*may read .*connects   any TCP port.*lacking"),
    "token issue": (["token", "issue", "--agent", "x", "--role", "viewer", "--ttl", "60"], r"^ey\w+\.\w+\.\S+$"),
    "token list": (["token", "list"], r"\tcarol\tagent\tall\t.*\trevoked$"),
    "token revoke": (["token", "revoke", "TOKEN"], r"^$"),
    "config check": (["config", "check"], r"^the defaults: ok$|config.toml: ok$"),
    "config show": (["config", "show"], r'^paths\.socket = ".*/sock"$'),
}
CTL = [sys.executable, "-m", "lighthoused.cli.launch"]
ELSEWHERE = {
    *("approvals show", "approvals approve", "approvals always", "approvals deny", "approvals watch"),
    *("patterns show", "patterns revoke"),
    "top",
    "notify test",
    *("hook", "hook install", "hook uninstall", "hook status"),
    *("mirror add", "mirror remove"),
    *(f"token {name}" for name in ("keys", "newkey", "rotate", "retire")),
    "degradation approve",
    *(f"perf {name}" for name in ("baseline", "compare", "list", "show")),
    *("mcp", "mcp install", "mcp uninstall"),
    *("kb list", "kb search", "kb show"),
    *(f"policy {name}" for name in ("list", "show", "put", "delete", "test", "explain", "reload")),
    *(f"backup {name}" for name in ("run", "list", "verify", "restore", "keygen")),
    "bisect",
}
WITHOUT_JSON = {"completion", "run"}
WITHOUT_DAEMON = {"config check", "config show", "fsck", "run", "sandbox"}


class Busy:
    """A daemon that has seen some work."""

    def __init__(self, running: Running, base: Path) -> None:
        self.running = running
        self.base = base
        with running.client() as client:
            for name in ("begin", "old-text", "old-json"):
                client.call(SnapshotCreateRequest(id=0, project="demo", name=name))
            self.token = client.call(TokenIssueRequest(id=0, agent="dave")).view.id
            revoked = client.call(TokenIssueRequest(id=0, agent="carol")).view.id
            client.call(TokenRevokeRequest(id=0, token_id=revoked))
        running.ctl("run", "--agent", "alice", "--", "sh", "-c", "echo by alice > a.txt", cwd=running.current)

    def ctl(self, *arguments: str, mode: str = "text") -> "subprocess.CompletedProcess[str]":
        stand_ins = {
            "SOURCE": str(self.running.source),
            "NEW": str(self.base / f"export-{mode}"),
            "NAME": f"made-{mode}",
            "old-MODE": f"old-{mode}",
            "TOKEN": self.token,
        }
        given = [stand_ins.get(argument, argument) for argument in arguments]
        return self.running.ctl(*given, check=False)


@pytest.fixture(scope="module")
def busy(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Busy:
    return Busy(running, tmp_path_factory.mktemp("busy"))


def commands(group: click.Group, above: str = "") -> Iterator[str]:
    for name, each in commands_of(group).items():
        if not isinstance(each, click.Group) or each.invoke_without_command:
            yield above + name
        if isinstance(each, click.Group):
            yield from commands(each, f"{above}{name} ")


def with_option(arguments: list[str], *option: str) -> list[str]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return [*arguments[:at], *option, *arguments[at:]]


def test_every_command_has_an_example() -> None:
    assert set(commands(cli)) - {"completion"} == set(EXAMPLES) | ELSEWHERE


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name != "undo"])
def test_for_people(busy: Busy, name: str) -> None:
    arguments, expected = EXAMPLES[name]
    done = busy.ctl(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert re.search(expected, done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in WITHOUT_JSON | {"undo"}])
def test_as_json(busy: Busy, name: str) -> None:
    done = busy.ctl(*EXAMPLES[name][0], "--json", mode="json")
    assert done.returncode == 0, done.stderr
    assert all(isinstance(json.loads(line), dict | list) for line in done.stdout.splitlines())
    assert done.stdout


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in WITHOUT_DAEMON])
def test_nobody_at_the_socket(name: str, tmp_path: Path) -> None:
    given = [str(tmp_path) if argument == "SOURCE" else argument for argument in EXAMPLES[name][0]]
    done = CliRunner().invoke(cli, with_option(given, "--socket", "/nobody"), catch_exceptions=False)
    assert done.exit_code == 3
    assert done.stdout == ""
    assert done.stderr == (
        "error: lighthoused does not answer at /nobody: No such file or directory.\n"
        "hint: Start it with 'lighthoused serve'.\n"
    )


def test_errors_as_json(busy: Busy) -> None:
    done = busy.ctl("status", "--socket", "/nobody", "--json")
    assert json.loads(done.stderr)["error"]["code"] == "unreachable"
    done = busy.ctl("--json", "snapshot", "delete", "none")
    assert done.returncode == 1
    assert json.loads(done.stderr)["error"]["code"] == "not_found"
    done = busy.ctl("log", "--json", "nope")
    assert done.returncode == 2
    assert json.loads(done.stderr)["error"]["hint"] == "See 'lighthousectl log --help'."


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["nope"], 2),
        (["status", "extra"], 2),
        (["log", "tail", "-n", "0"], 2),
        (["project", "import", "/nope"], 2),
        (["token", "issue", "--agent", "x", "--role", "king"], 2),
        (["token", "issue"], 2),
        (["completion", "tcsh"], 2),
        (["run", "--agent", "x"], 2),
        (["check"], 3),
        (["check", "--nope"], 3),
        (["check", "--batch", "/nope"], 3),
        (["check", "ls", "extra"], 3),
        (["approvals", "show", "none"], 1),
        (["token", "revoke", "none"], 1),
        (["token", "issue", "--agent", "a b"], 1),
        (["diff", "no-such-moment"], 1),
        (["history", "--project", "none"], 1),
        (["undo"], 1),
        (["log", "query", "--after", "-1"], 1),
    ],
)
def test_mistakes_have_an_exit_code_and_a_way_on(busy: Busy, arguments: list[str], code: int) -> None:
    done = busy.ctl(*arguments)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "hint: " in done.stderr or done.stderr.startswith("Usage: ")


def test_arguments_that_are_not_text_are_refused(busy: Busy) -> None:
    not_text = "ls \udcff"
    for arguments, code in ((["check", not_text], 3), (["run", "--agent", not_text, "--", "true"], 1)):
        done = busy.ctl(*arguments)
        assert done.returncode == code
        assert "error: An argument is not UTF-8 text: 'ls \\udcff'.\nhint: " in done.stderr


def test_a_working_directory_that_is_gone(busy: Busy, tmp_path: Path) -> None:
    for arguments, code in ((["history"], 1), (["check", "ls"], 3)):
        script = f'mkdir "{tmp_path}/gone"; cd "{tmp_path}/gone"; rmdir "$PWD"; exec "$@"'
        command = ["sh", "-c", script, "sh", sys.executable, "-P", "-m", "lighthoused.cli.launch", *arguments]
        done = subprocess.run(command, env=busy.running.environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert done.stderr.startswith("error: The working directory is gone")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(busy: Busy, shell: str) -> None:
    assert "_LIGHTHOUSECTL_COMPLETE" in busy.ctl("completion", shell).stdout


def test_undo_asks_first_and_is_done_once(busy: Busy) -> None:
    running = busy.running
    running.ctl("run", "--agent", "alice", "--", "sh", "-c", "echo again > b.txt", cwd=running.current)
    refused = busy.ctl("undo", "--agent", "alice")
    assert refused.returncode == 1
    assert "remove\tdemo/b.txt" in refused.stdout
    assert refused.stderr == "error: Undo has to be confirmed.\nhint: Add --yes.\n"
    assert busy.ctl("undo", "--agent", "alice", "--json").returncode == 1
    assert (running.current / "b.txt").exists()
    arguments, expected = EXAMPLES["undo"]
    done = busy.ctl(*arguments)
    assert done.returncode == 0
    assert re.search(expected, done.stdout, re.MULTILINE)
    assert not (running.current / "b.txt").exists()
    plan = json.loads(busy.ctl(*arguments, "--json").stdout)
    assert plan["steps"] == []
    assert busy.ctl(*arguments).stdout == "nothing to undo\n"


def test_following_the_log_shows_new_events(busy: Busy) -> None:
    running = busy.running
    command = ["log", "tail", "-n", "1", "-f", "--json"]
    following = subprocess.Popen([*CTL, *command], env=running.environment, stdout=subprocess.PIPE, text=True)
    assert following.stdout is not None
    first = json.loads(following.stdout.readline())
    with running.client() as client:
        client.call(SnapshotCreateRequest(id=0, project="demo", name="seen"))
    second = json.loads(following.stdout.readline())
    assert second["seq"] > first["seq"]
    following.send_signal(2)
    assert following.wait(10) == 130
    following.stdout.close()


def test_a_reader_that_leaves_is_no_error(busy: Busy) -> None:
    script = '"$@" log query | head -n 1; echo "${PIPESTATUS[0]}"'
    done = subprocess.run(
        ["bash", "-c", script, "bash", *CTL],
        env=busy.running.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Traceback" not in done.stderr
    assert done.stdout.startswith("@1 ")


@pytest.mark.parametrize("words", [["status"], ["--version"], ["log", "query"], ["approvals", "list"]])
def test_a_command_does_not_import_what_it_does_not_need(running: Running, words: list[str]) -> None:
    script = (
        "import sys; from lighthoused.cli.launch import main\n"
        f"sys.argv[1:] = {words!r}\ntry:\n    main()\nexcept SystemExit:\n    print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], env=running.environment, capture_output=True, text=True)
    modules = set(done.stdout.split())
    heavy = {"tree_sitter", "trio", "regopy", "structlog", "jwt", "numpy", "lighthoused.gate", "lighthoused.store"}
    assert "lighthoused.cli.main" in modules, done.stderr
    assert not modules & heavy
