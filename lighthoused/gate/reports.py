"""What an agent's program reports by its hooks, as events: sessions, prompts, and how tool calls ended.

A report is the agent's own word, unlike what the gate judged and what the mount saw. Bounded: of long texts only the
beginning is kept, of a tool's output only its size. Must not know sockets.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

MAX_TEXT = 2000
MAX_PROMPT = 200
MAX_SHORT = 400


class Report(NamedTuple):
    """An event to be: its type, whether it is about the agent itself or about a call, and its payload."""

    kind: str
    stream: str
    payload: dict[str, Any]


def report_of(event: Mapping[str, Any], sizes: Mapping[str, int], request: str = "") -> Report | None:
    """The event that a hook's event becomes, None where it is not one that is kept.

    `sizes` are those of fields that the hook cut (bytes), `request` is the hash of the verdict about the same call.
    """
    name = event.get("hook_event_name")
    if name in ("PostToolUse", "PostToolUseFailure"):
        return Report("tool.finished", "gate", _finished(event, sizes, request))
    if name == "SessionStart":
        return Report("session.started", "agents", _texts(event, "source", "model", "cwd"))
    if name == "SessionEnd":
        return Report("session.ended", "agents", _texts(event, "reason"))
    if name == "UserPromptSubmit":
        prompt = _text(event, "prompt", MAX_PROMPT)
        return Report("prompt.submitted", "agents", {"prompt": prompt, "bytes": _size(event, "prompt", sizes)})
    return None


def _finished(event: Mapping[str, Any], sizes: Mapping[str, int], request: str) -> dict[str, Any]:
    response = event.get("tool_response")
    outcome, error = _outcome(event, response if isinstance(response, dict) else {})
    payload: dict[str, Any] = {
        "tool": _text(event, "tool_name", MAX_SHORT),
        "outcome": outcome,
        "input_bytes": _size(event, "tool_input", sizes),
        "output_bytes": _size(event, "tool_response", sizes),
        "request": request,
        "call": _text(event, "tool_use_id", MAX_SHORT),
        **_texts(event, "cwd"),
    }
    duration = event.get("duration_ms")
    if isinstance(duration, int) and not isinstance(duration, bool) and 0 <= duration < 1 << 53:
        payload["duration_ms"] = duration
    if error:
        payload["error"] = error
    return payload


def _outcome(event: Mapping[str, Any], response: Mapping[str, Any]) -> tuple[str, str]:
    """``done``, ``failed`` or ``interrupted``, and what went wrong."""
    error = _text(event, "error", MAX_TEXT)
    if event.get("is_interrupt") is True or response.get("interrupted") is True:
        return "interrupted", error
    code = response.get("exit_code", response.get("exitCode", 0))
    failed = (
        event.get("hook_event_name") == "PostToolUseFailure"
        or any(response.get(key) is True for key in ("is_error", "isError"))
        or response.get("success") is False
        or (isinstance(code, int) and code != 0)
    )
    if not failed:
        return "done", ""
    return "failed", error or _text(response, "error", MAX_TEXT) or _text(response, "stderr", MAX_TEXT)


def _texts(event: Mapping[str, Any], *names: str) -> dict[str, str]:
    return {name: text for name in names if (text := _text(event, name, MAX_SHORT))}


def _text(event: Mapping[str, Any], name: str, most: int) -> str:
    value = event.get(name)
    return value[:most].encode(errors="replace").decode() if isinstance(value, str) else ""


def _size(event: Mapping[str, Any], name: str, sizes: Mapping[str, int]) -> int:
    if name in sizes:
        return sizes[name]
    value = event.get(name)
    return 0 if value is None else len(msgspec.json.encode(value))
