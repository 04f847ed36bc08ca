"""What the view knows, and its numbers."""

from typing import Any

from lighthoused.protocol.messages.log import EventView
from lighthoused.top.board import Board
from lighthoused.top.drawing import duration, seconds, size
from lighthoused.top.numbers import gauge, look, percentile, rate

BEFORE = """# TYPE x_seconds histogram
x_seconds_bucket{le="0.001",m="a"} 10
x_seconds_bucket{le="0.01",m="a"} 10
x_seconds_bucket{le="+Inf",m="a"} 10
x_seconds_count{m="a"} 10
# TYPE g gauge
g 5
"""
AFTER = BEFORE.replace('"0.01",m="a"} 10', '"0.01",m="a"} 110').replace('Inf",m="a"} 10', 'Inf",m="a"} 110')
AFTER = AFTER.replace('count{m="a"} 10', 'count{m="a"} 110')


def event(seq: int, kind: str, payload: Any, stream: str = "gate/a") -> EventView:
    return EventView(seq, seq, stream, 1, kind, 1, "a", "", 0, 0, "", "", 0, (), payload, "", "")


def test_rates_and_percentiles_are_of_what_came_between() -> None:
    before, after = look(BEFORE, 0.0), look(AFTER, 10.0)
    assert rate(before, after, "x_seconds_count") == 10
    assert percentile(0.99, before, after, "x_seconds") == 0.01
    assert percentile(0.99, before, before, "x_seconds") == 0
    assert percentile(0.99, before, after, "x_seconds", m="b") == 0
    assert gauge(after, "g") == 5
    assert rate(after, before, "x_seconds_count") == 0


def test_events_are_counted_by_agent_and_gaps_noticed() -> None:
    board = Board()
    given = {"tool": "Bash", "input": {"command": "ls"}, "verdict": "allow", "tier": "policy", "latency_us": 7}
    board.fold(event(1, "gate.judged", given))
    board.fold(event(5, "gate.hits", {"hits": {"x": ["allow", 3], "y": ["deny", 1], "z": "odd"}}))
    board.fold(event(6, "file.written", None, "tree/demo"))
    board.fold(event(7, "gate.judged", "odd"))
    (doer,) = board.doers()
    assert (doer.answers["allow"], doer.answers["deny"], doer.changes) == (4, 1, 1)
    assert board.skipped == 3
    assert [row.times for row in board.verdicts] == [1, 3, 1, 1]


def test_numbers_are_short() -> None:
    assert [seconds(value) for value in (0, 0.00025, 0.0015, 30.0, float("inf"))] == [
        "-",
        "250 us",
        "1.5 ms",
        "30 s",
        ">30 s",
    ]
    assert [size(value) for value in (0, 2048, 5 << 30)] == ["0 B", "2 KiB", "5 GiB"]
    assert duration(3723) == "1:02:03"
