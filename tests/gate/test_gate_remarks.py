"""Log lines about verdicts: whom they are about, what they leave out, how many there are."""

from structlog.testing import capture_logs

from lighthoused.core.verdicts import Request, Verdict
from lighthoused.gate.remarks import A_SECOND, Remarks

ASKED = Request("Bash", {"command": "curl -H 'token: hush'"}, "/", "claude", "s1", 1000)
DENIED = Verdict("deny", "policy", "files.delete-home", "hush", request="ab12")


def test_a_denial_is_told_without_what_was_asked() -> None:
    with capture_logs() as lines:
        Remarks(lambda: 0.0).judged(ASKED, DENIED)
    assert lines == [
        {
            "event": "gate.deny",
            "log_level": "info",
            "agent": "claude",
            "session": "s1",
            "uid": 1000,
            "tool": "Bash",
            "rule": "files.delete-home",
            "tier": "policy",
            "request": "ab12",
        }
    ]
    assert "hush" not in str(lines)


def test_what_is_simply_allowed_is_not_told_and_what_a_person_allowed_is() -> None:
    with capture_logs() as lines:
        for tier in ("policy", "memory", "human"):
            Remarks(lambda: 0.0).judged(ASKED, Verdict("allow", tier, "r", ""))
    assert [line["tier"] for line in lines] == ["human"]


def test_lines_are_bounded_and_the_rest_is_counted() -> None:
    now = [0.0]
    remarks = Remarks(lambda: now[0])
    with capture_logs() as lines:
        for _ in range(A_SECOND + 7):
            remarks.judged(ASKED, DENIED)
        now[0] = 1.5
        remarks.judged(ASKED, DENIED)
    assert len(lines) == A_SECOND + 1
    assert lines[-1]["left_out"] == 7
