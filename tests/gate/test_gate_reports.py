"""What agents' programs report, as events: bounded, whatever they say."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.gate.reports import MAX_TEXT, report_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 62), 1 << 62) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("tool_name", "tool_response", "tool_use_id", "error", "duration_ms", "prompt", "source", "reason", "cwd")
NAMES = ("PostToolUse", "PostToolUseFailure", "SessionStart", "SessionEnd", "UserPromptSubmit")


def finished(**fields: Any) -> dict[str, Any]:
    report = report_of({"hook_event_name": "PostToolUse", "tool_name": "Bash", **fields}, {})
    assert report is not None
    assert (report.kind, report.stream) == ("tool.finished", "gate")
    return report.payload


@pytest.mark.parametrize(
    ("response", "outcome", "error"),
    [
        ({"stdout": "x"}, "done", ""),
        ("some text", "done", ""),
        (None, "done", ""),
        ({"interrupted": True}, "interrupted", ""),
        ({"exit_code": 0}, "done", ""),
        ({"exit_code": 3, "stderr": "no"}, "failed", "no"),
        ({"isError": True}, "failed", ""),
        ({"success": False, "error": "why"}, "failed", "why"),
    ],
)
def test_how_a_call_ended(response: Any, outcome: str, error: str) -> None:
    told = finished(tool_response=response)
    assert (told["outcome"], told.get("error", "")) == (outcome, error)


def test_sizes_are_those_before_cutting() -> None:
    event = {"hook_event_name": "PostToolUse", "tool_response": None, "tool_input": {"command": "ls"}}
    report = report_of(event, {"tool_response": 7_000_000})
    assert report is not None
    assert report.payload["output_bytes"] == 7_000_000
    assert report.payload["input_bytes"] == len('{"command":"ls"}')


def test_other_events_are_none() -> None:
    assert report_of({"hook_event_name": "PreToolUse"}, {}) is None
    assert report_of({}, {}) is None


@given(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(FIELDS), JSON | st.text(min_size=3000)))
def test_whatever_is_said_is_an_event_of_bounded_size(name: str, fields: dict[str, Any]) -> None:
    report = report_of({**fields, "hook_event_name": name}, {})
    assert report is not None
    assert len(msgspec.msgpack.encode(report.payload)) < 4 * MAX_TEXT + 8000
