"""A stand-in for Claude Code and Codex: runs the hooks of a settings file exactly as it says, then the tool calls.

Run as a process of its own: ``python agent_program.py claude-code|codex SETTINGS < STEPS``. Each step is a JSON line, a
tool call or another event; for each it prints a line with what the hooks decided and how the call ended. How hooks are
chosen, run and understood follows https://docs.claude.com/en/docs/claude-code/hooks (decisions, exit codes, timeouts;
whatever is no decision lets the call go on) and codex-rs/hooks (no allow and no ask; exit code 2 needs a reason).
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

SESSION = os.environ.get("FAKE_SESSION", "5b1d9a52-0000-4000-8000-000000000001")


def handlers(settings: dict[str, Any], event: str, tool: str) -> list[dict[str, Any]]:
    found = []
    for group in settings.get("hooks", {}).get(event, []):
        matcher = group.get("matcher", "")
        if matcher in ("", "*") or re.fullmatch(matcher, tool):
            found += group["hooks"]
    return found


def run_hook(handler: dict[str, Any], event: dict[str, Any]) -> tuple[int, str, str]:
    try:
        done = subprocess.run(
            ["sh", "-c", handler["command"]],
            input=json.dumps(event),
            capture_output=True,
            text=True,
            timeout=handler.get("timeout", 60),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, "", "timed out"
    return done.returncode, done.stdout, done.stderr


def decision_of(program: str, code: int, out: str, err: str) -> tuple[str, str]:
    """``go on`` is what both programs do after anything that is no decision: by their own rules."""
    if code == 2:
        return ("deny", err) if err.strip() or program == "claude-code" else ("go on", "exit code 2 without a reason")
    if code != 0 or not out.strip():
        return "go on", f"exit code {code}" if code else ""
    try:
        said = json.loads(out)["hookSpecificOutput"]
        decision, reason = said["permissionDecision"], said["permissionDecisionReason"]
    except (ValueError, KeyError, TypeError):
        return "go on", "invalid output"
    if program == "codex" and decision != "deny":
        return "go on", f"unsupported permissionDecision:{decision}"
    return decision, reason


def decide(program: str, settings: dict[str, Any], event: dict[str, Any]) -> tuple[str, str]:
    found = [
        decision_of(program, *run_hook(handler, event))
        for handler in handlers(settings, "PreToolUse", event["tool_name"])
    ]
    for wanted in ("deny", "ask", "allow"):
        for decision, reason in found:
            if decision == wanted:
                return decision, reason
    return found[0] if found else ("go on", "no hook")


def call(program: str, settings: dict[str, Any], step: dict[str, Any], number: int) -> dict[str, Any]:
    event = {**step, "session_id": SESSION, "cwd": os.getcwd(), "hook_event_name": "PreToolUse"}
    event["tool_use_id"] = f"toolu_{number}"
    decision, reason = decide(program, settings, event)
    if decision in ("deny", "ask"):
        return {"decision": decision, "reason": reason}
    done = subprocess.run(["bash", "-c", step["tool_input"]["command"]], capture_output=True, text=True, check=False)
    response = {"stdout": done.stdout, "stderr": done.stderr, "interrupted": False, "isImage": False}
    if done.returncode and program == "claude-code":
        after = "PostToolUseFailure"
        event |= {"error": f"Command exited with non-zero status code {done.returncode}", "is_interrupt": False}
    else:
        after = "PostToolUse"
        event |= {"tool_response": done.stdout if program == "codex" else response}
    reports = [
        run_hook(one, {**event, "hook_event_name": after}) for one in handlers(settings, after, step["tool_name"])
    ]
    return {"decision": decision, "reason": reason, "exit": done.returncode, "out": done.stdout, "reports": reports}


def main() -> None:
    program, file = sys.argv[1:3]
    settings = json.loads(Path(file).read_text())
    for number, line in enumerate(sys.stdin):
        step = json.loads(line)
        if "tool_name" in step:
            outcome = call(program, settings, step, number)
        else:
            event = {"session_id": SESSION, "cwd": os.getcwd(), **step}
            outcome = {"reports": [run_hook(one, event) for one in handlers(settings, step["hook_event_name"], "")]}
        print(json.dumps(outcome), flush=True)


if __name__ == "__main__":
    main()
