"""Claude Code and Codex with our hooks installed, as their users have it: real daemon, settings, processes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests_support import agent_program
from tests_support.running import Running

SESSION = agent_program.SESSION


def bash(command: str) -> dict[str, Any]:
    return {"tool_name": "Bash", "tool_input": {"command": command}}


def event(name: str, **fields: Any) -> dict[str, Any]:
    return {"hook_event_name": name, **fields}


def install(running: Running, tmp_path: Path, program: str, *options: str) -> Path:
    settings = tmp_path / f"{program}.json"
    running.ctl("hook", "install", "--for", program, "--settings", str(settings), *options)
    return settings


def play(running: Running, program: str, settings: Path, *steps: dict[str, Any], **env: str) -> list[dict[str, Any]]:
    """What became of each step of a session."""
    done = subprocess.run(
        [sys.executable, agent_program.__file__, program, str(settings)],
        input="".join(json.dumps(step) + "\n" for step in steps),
        capture_output=True,
        text=True,
        cwd=running.current if running.current.exists() else None,
        env={**running.environment, **env},
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_session_of_claude_code(running: Running, tmp_path: Path) -> None:
    settings = install(running, tmp_path, "claude-code", "--failures")
    outcomes = play(
        running,
        "claude-code",
        settings,
        event("SessionStart", source="startup", model="some-model"),
        event("UserPromptSubmit", prompt="Please tidy up. " * 1000),
        bash("echo new > made.txt; ls"),
        bash("rm -rf ~"),
        bash("echo oops >&2; exit 3"),
        bash("head -c 300000 /dev/zero | tr '\\0' x"),
        event("SessionEnd", reason="prompt_input_exit"),
    )
    assert [one.get("decision") for one in outcomes] == [None, None, "allow", "deny", "allow", "allow", None]
    assert "Lighthouse: " in outcomes[3]["reason"]
    reports = [report for one in outcomes for report in one.get("reports", [])]
    assert reports == [[0, "", ""]] * 6

    told = running.events(session=SESSION)
    by_type = {kind: [one for one in told if one.type == kind] for kind in {one.type for one in told}}
    assert {one.agent for one in told} == {"claude-code"}
    assert by_type["session.started"][0].payload["source"] == "startup"
    assert by_type["session.ended"][0].payload == {"reason": "prompt_input_exit"}
    prompt = by_type["prompt.submitted"][0].payload
    assert prompt["prompt"].startswith("Please tidy up.")
    assert len(prompt["prompt"]) == 200
    assert prompt["bytes"] > 16_000

    judged = {one.payload["input"]["command"]: one.correlation for one in by_type["gate.judged"]}
    made, failed, large = [one.payload for one in by_type["tool.finished"]]
    assert [one["outcome"] for one in (made, failed, large)] == ["done", "failed", "done"]
    assert made["request"] == judged["echo new > made.txt; ls"]
    assert "status code 3" in failed["error"]
    assert 300_000 < large["output_bytes"] < 301_000
    assert [one.correlation for one in by_type["tool.finished"]] == [
        made["request"],
        failed["request"],
        large["request"],
    ]

    (created,) = [one for one in by_type["file.created"] if one.paths == ("demo/made.txt",)]
    assert created.agent == "claude-code"
    prompted = by_type["prompt.submitted"][0].seq
    running.ctl("undo", "demo", "--session", SESSION, "--since", f"@{prompted}", "--yes")
    assert not (running.current / "made.txt").exists()


def test_another_session_of_the_same_program(running: Running, tmp_path: Path) -> None:
    settings = install(running, tmp_path, "claude-code", "--agent", "ada")
    play(
        running,
        "claude-code",
        settings,
        event("SessionStart", source="startup"),
        bash("touch first"),
        event("SessionStart", source="clear", session_id="second-one"),
        bash("touch second"),
    )
    created = {one.paths[0]: (one.agent, one.session) for one in running.events(type="file.created", agent="ada")}
    assert created["demo/first"] == ("ada", SESSION)
    assert created["demo/second"] == ("ada", "second-one")


def test_the_first_call_attributes_where_no_session_start_was_seen(running: Running, tmp_path: Path) -> None:
    settings = install(running, tmp_path, "claude-code")
    ctl = f"{sys.executable} -m lighthoused.cli.launch"
    outcomes = play(running, "claude-code", settings, bash("touch made"), bash(f"{ctl} token list"))
    assert outcomes[1]["exit"] != 0
    (created,) = [one for one in running.events(type="file.created") if one.paths == ("demo/made",)]
    assert (created.agent, created.session) == ("claude-code", SESSION)


def test_what_lighthouse_runs_keeps_its_name_and_session(running: Running, tmp_path: Path) -> None:
    settings = install(running, tmp_path, "claude-code")
    steps = [event("SessionStart", source="startup"), bash("touch made")]
    running.ctl(
        *("run", "--agent", "eve", "--session", "night", "--"),
        *(sys.executable, agent_program.__file__, "claude-code", str(settings)),
        input="".join(json.dumps(step) + "\n" for step in steps),
        cwd=running.current,
    )
    assert {(one.agent, one.session) for one in running.events(type="tool.finished")} == {("eve", "night")}


def test_a_hook_run_by_hand_makes_nobody_an_agent(running: Running, tmp_path: Path) -> None:
    settings = install(running, tmp_path, "claude-code")
    line = json.loads(settings.read_text())["hooks"]["SessionStart"][0]["hooks"][0]["command"]
    given = json.dumps({"hook_event_name": "SessionStart", "session_id": "s1", "source": "startup"})
    script = f"echo '{given}' | {line}; {sys.executable} -m lighthoused.cli.launch --json agents"
    done = subprocess.run(
        ["bash", "-i"], input=script, env=running.environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert [one.agent for one in running.events(type="session.started")] == ["claude-code"]


def test_codex_goes_on_by_its_own_rules_or_is_denied(running: Running, tmp_path: Path) -> None:
    settings = install(running, tmp_path, "codex", "--unreachable", "ask")
    outcomes = play(
        running,
        "codex",
        settings,
        event("SessionStart", source="startup"),
        bash("echo x > made.txt"),
        bash("rm -rf ~"),
        bash("exit 3"),
    )
    assert [(one["decision"], one["reason"]) for one in outcomes[1::2]] == [("go on", "")] * 2
    assert outcomes[2]["decision"] == "deny"
    assert [one.payload["outcome"] for one in running.events(type="tool.finished")] == ["done", "done"]
    assert {one.agent for one in running.events(type="tool.finished")} == {"codex"}
    assert running.stop() == 0
    (gone,) = play(running, "codex", settings, bash("ls"))
    assert gone["decision"] == "deny"
    assert "cannot be reached" in gone["reason"]


def test_an_escalation_ends_before_the_program_gives_up(running: Running, tmp_path: Path) -> None:
    config = tmp_path / "lighthouse.toml"
    config.write_text("[gate]\napproval_deadline_s = 1\n")
    running.stop()
    running.flags = ("--config", str(config))
    running.start()
    for program in ("claude-code", "codex"):
        settings = install(running, tmp_path, program, "--config", str(config))
        (handler,) = json.loads(settings.read_text())["hooks"]["PreToolUse"][0]["hooks"]
        assert "--wait 21 " in handler["command"]
        assert handler["timeout"] == 31
        (outcome,) = play(running, program, settings, bash("git push --force"))
        assert outcome["decision"] == "deny"
        assert "answered" in outcome["reason"]


@pytest.mark.parametrize("configured", ["deny", "ask"])
def test_no_daemon_is_never_an_allow(running: Running, tmp_path: Path, configured: str) -> None:
    config = tmp_path / "lighthouse.toml"
    config.write_text(f'[gate]\nhook_unreachable = "{configured}"\n')
    settings = install(running, tmp_path, "claude-code", "--config", str(config))
    running.stop()
    outcomes = play(running, "claude-code", settings, bash("ls"), event("SessionEnd", reason="other"))
    assert outcomes[0]["decision"] == configured
    assert "lighthoused serve" in outcomes[0]["reason"]
    code, out, err = outcomes[1]["reports"][0]
    assert (code, out) == (1, "")
    assert "did not record this SessionEnd" in err


def test_status_tells_whether_hooks_are_there_and_run(running: Running, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()

    def rows() -> list[tuple[str, ...]]:
        done = running.ctl(
            "hook", "status", "--json", cwd=running.current, env={**running.environment, "HOME": str(home)}
        )
        return [
            (one["program"], one["scope"], one["state"], "judged" if one["last_judged"] else "never")
            for one in json.loads(done.stdout)
        ]

    assert rows() == []
    running.ctl("hook", "install", cwd=running.current)
    settings = running.current / ".claude/settings.json"
    assert rows() == [("claude-code", "project", "installed", "never")]
    play(running, "claude-code", settings, bash("ls"))
    assert rows() == [("claude-code", "project", "installed", "judged")]
    settings.write_text(settings.read_text().replace("/hook.py ", "/gone/lighthoused/cli/hook.py "))
    (home / ".codex").mkdir()
    (home / ".codex/hooks.json").write_text("{")
    gone, broken = rows()
    assert "is gone: install it again" in gone[2]
    assert broken[:2] == ("codex", "user")
    assert "is not valid JSON" in broken[2]
