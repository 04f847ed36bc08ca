"""``history/``: moments by every way of writing them, agents and the log's files."""

import json
import os
import subprocess
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from tests_support.running import Running
from tests_support.waiting import until

from lighthoused.core.errors import Invalid
from lighthoused.protocol.messages.log import AppendRequest, NewEvent
from lighthoused.tree.moments import parse_time, shown_time


def three_states(running: Running) -> tuple[int, int, int]:
    """`kept.txt` becomes "one" and later "two"; times (ns) before, between and after."""
    file = running.current / "kept.txt"
    times = []
    for text in ("one", "two"):
        times.append(time.time_ns())
        file.write_text(text)
        running.settle()
    times.append(time.time_ns())
    before, between, after = times
    return before, between, after


def spelled(ns: int, zone: timezone, mark: str = "T") -> str:
    """RFC 3339 in a zone, to the nanosecond."""
    seconds, fraction = divmod(ns, 10**9)
    moment = datetime.fromtimestamp(seconds, zone)
    offset = moment.strftime("%z")
    return f"{moment:%Y-%m-%d}{mark}{moment:%H:%M:%S}.{fraction:09d}{offset[:3]}:{offset[3:]}"


def test_every_spelling_of_a_moment(running: Running) -> None:
    history = running.project / "history"
    for moment, text in zip(three_states(running), ("kept", "one", "two"), strict=True):
        local = datetime.fromtimestamp(moment // 10**9).strftime("%Y-%m-%d %H:%M:%S")
        for name in (
            shown_time(moment),
            shown_time(moment).lower(),
            shown_time(moment).replace("Z", "123456z"),
            spelled(moment, UTC),
            spelled(moment, timezone(timedelta(hours=5, minutes=30))),
            spelled(moment, timezone(-timedelta(hours=11)), " "),
            spelled(moment, timezone(-timedelta(hours=11)), "_"),
            f"{local}.{moment % 10**9:09d}",
        ):
            assert (history / name / "kept.txt").read_text() == text, name


def test_a_moment_between_two_events_shows_the_state_then(running: Running) -> None:
    three_states(running)
    written = [one for one in running.events(type="file.written") if one.paths == ("demo/kept.txt",)][-2:]
    history = running.project / "history"
    for at, text in (
        (written[0].time - 1, "kept"),
        (written[0].time, "one"),
        (written[1].time - 1, "one"),
        (written[1].time, "two"),
    ):
        assert (history / shown_time(at) / "kept.txt").read_text() == text
    assert (history / f"@{written[0].seq}" / "kept.txt").read_text() == "one"
    assert (history / f"@{written[1].seq - 1}" / "kept.txt").read_text() == "one"


@pytest.mark.parametrize("name", ["2026-1-31", "2026-01-31T12:00.5Z", "٢٠٢٦-01-31", "@1", "now", "nonsense", ""])
def test_what_is_no_time(name: str) -> None:
    assert parse_time(name) is None


@pytest.mark.parametrize(
    "name", ["2026-02-30T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:00+24:00", "0000-01-01"]
)
def test_times_that_do_not_exist(name: str) -> None:
    with pytest.raises(Invalid):
        parse_time(name)


def test_impossible_moments_are_not_there(running: Running) -> None:
    for name in ("2026-02-30", "9999-01-01T00:00:00Z", "1969-01-01T00:00:00Z", "@0", "@1_0", "now", "999999999w", "x"):
        with pytest.raises(FileNotFoundError):
            os.stat(running.project / "history" / name)


def test_leap_seconds_and_fine_fractions_are_times() -> None:
    assert parse_time("2016-12-31T23:59:60Z") == parse_time("2017-01-01T00:00:00z")
    assert parse_time("1970-01-01T00:00:00.1234567899Z") == 123456789
    assert parse_time("1970-01-01T00:00Z") == parse_time("1970-01-01T01:00:00+01:00") == 0


def test_how_long_ago_is_found_anew_each_time(running: Running) -> None:
    file = running.current / "kept.txt"
    ago = running.project / "history" / "1s" / "kept.txt"
    until(ago.exists)
    file.write_text("new")
    assert ago.read_text() == "kept"
    until(lambda: ago.read_text() == "new")


def test_a_snapshot_made_again_shows_the_new_one(running: Running) -> None:
    path = running.project / "history/snapshots/here/kept.txt"
    running.ctl("snapshot", "create", "here")
    assert path.read_text() == "kept"
    (running.current / "kept.txt").write_text("new")
    running.ctl("snapshot", "delete", "here")
    assert not path.exists()
    running.ctl("snapshot", "create", "here")
    assert path.read_text() == "new"


def test_agents_show_the_project_before_their_last_session(running: Running) -> None:
    agents = running.project / "history" / "agents"
    assert os.listdir(agents) == []
    for text in ("first", "second"):
        running.ctl("run", "--agent", "alice", "--", "sh", "-c", f"printf {text} > {running.current}/kept.txt")
        (running.current / "mine").write_text(text)
    assert os.listdir(agents) == ["alice"]
    assert (agents / "alice" / "kept.txt").read_text() == "first"
    assert (agents / "alice" / "mine").read_text() == "first"
    running.ctl("run", "--agent", "alice", "--", "true")
    assert (agents / "alice" / "kept.txt").read_text() == "second"
    for name in ("bob", "unknown", "owner"):
        assert not (agents / name).exists()


def test_events_are_files_of_json_lines(running: Running) -> None:
    (running.current / "new").write_text("x")
    running.settle()
    events = running.project / "history" / "events"
    assert os.listdir(events) == ["0000000001.jsonl"]
    file = events / "0000000001.jsonl"
    shown = [json.loads(line) for line in file.read_text().splitlines()]
    wanted = [one.seq for one in running.events() if one.paths]
    assert [one["seq"] for one in shown] == wanted
    assert file.stat().st_size == len(file.read_bytes())
    with pytest.raises(OSError):
        file.write_text("x")
    for name in ("0000000002.jsonl", "1.jsonl", "0000010001.jsonl", "x"):
        assert not (events / name).exists()


def test_the_newest_file_grows_and_tail_follows_it(running: Running) -> None:
    file = running.project / "history" / "events" / "0000000001.jsonl"
    before = file.stat().st_size
    following = ["tail", "-f", "-c", f"+{before + 1}", "-s", "0.05", str(file)]
    with subprocess.Popen(following, stdout=subprocess.PIPE) as tail:
        (running.current / "new").write_text("x")
        assert tail.stdout is not None
        assert json.loads(tail.stdout.readline())["type"] == "file.created"
        tail.terminate()
    assert file.stat().st_size > before


def test_finished_files_have_their_size_and_any_part_is_read(running: Running) -> None:
    with running.client() as client:
        for _ in range(25):
            new = tuple(NewEvent(stream="notes/a", type="noted", paths=("demo/x",)) for _ in range(1000))
            client.call(AppendRequest(id=0, events=new))
    events = running.project / "history" / "events"
    names = sorted(os.listdir(events))
    assert names == ["0000000001.jsonl", "0000010001.jsonl", "0000020001.jsonl"]
    middle = events / names[1]
    size = middle.stat().st_size
    content = middle.read_bytes()
    assert len(content) == size
    assert [json.loads(line)["seq"] for line in content.splitlines()] == list(range(10_001, 20_001))
    with open(middle, "rb") as file:
        for offset in (0, 1, size // 2, size - 5, size, size + 5):
            file.seek(offset)
            assert file.read(5000) == content[offset : offset + 5000]
    count = subprocess.run(["wc", "-l", *names], cwd=events, capture_output=True, text=True, check=True)
    assert int(count.stdout.split()[-2]) == len(running_lines(events))


def running_lines(events: Path) -> list[bytes]:
    return [line for file in sorted(events.iterdir()) for line in file.read_bytes().splitlines()]
