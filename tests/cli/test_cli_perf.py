"""`lighthousectl perf` with a real daemon: measured, kept, compared."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.running import Running

from lighthoused.protocol.messages.log import AppendRequest, NewEvent


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    base = tmp_path_factory.mktemp("perf")
    (base / "demo").mkdir()
    (base / "demo/kept.txt").write_text("kept")
    daemon = Running(base, base / "demo")
    daemon.start()
    daemon.ctl("perf", "baseline", "first", "--rounds", "7")
    yield daemon
    daemon.stop()


def kept(daemon: Running, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(daemon.ctl("perf", "show", name, "--json").stdout)
    return found


def put(daemon: Running, name: str, factor: float) -> None:
    """Keep what was measured first under another name, as if by a steady machine, and new verdicts so much slower."""
    found = kept(daemon, "first")
    for component, rounds in found["rounds"].items():  # type: ignore[attr-defined]
        if component.startswith("machine."):
            rounds[:] = [[20.0] * 3] * len(rounds)
            found["whole"][component] = [20.0] * 3  # type: ignore[index]
        elif component == "gate.uncached":
            rounds[:] = [[factor * (900.0 + number)] * 3 for number in range(len(rounds))]
    event = NewEvent(stream="perf/baselines", type="perf.baseline", payload={**found, "name": name})
    with daemon.client() as client:
        client.call(AppendRequest(id=0, events=(event,)))


def test_everything_is_measured_and_nothing_left_behind(measured: Running) -> None:
    rounds = kept(measured, "first")["rounds"]
    assert {"rpc.ping", "gate.cached", "gate.uncached", "log.append", "log.query"} < set(rounds)  # type: ignore[call-overload]
    assert {"mount.create", "mount.lookup", "mount.read", "mount.list", "history.look"} < set(rounds)  # type: ignore[call-overload]
    assert all(len(one) == 7 for one in rounds.values())  # type: ignore[attr-defined]
    assert [path.name for path in measured.current.iterdir()] == ["kept.txt"]
    assert measured.ctl("perf", "list").stdout.startswith("first\t")
    assert "gate.cached" in measured.ctl("perf", "show", "first").stdout


def test_the_same_is_not_slower_and_what_is_slower_is_told_by_exit_code(measured: Running) -> None:
    for name, factor in (("before", 1.0), ("same", 1.0), ("slow", 3.0)):
        put(measured, name, factor)
    done = measured.ctl("perf", "compare", "before", "--with", "same")
    assert "nothing is slower than before" in done.stdout
    done = measured.ctl("perf", "compare", "before", "--with", "slow", check=False)
    assert done.returncode == 1
    assert "slower than before: gate.uncached (p50), gate.uncached (p95)" in done.stdout
    done = measured.ctl("perf", "compare", "before", "--with", "slow", "--json", check=False)
    assert json.loads(done.stdout)["slower"] == ["gate.uncached"]
    assert measured.ctl("perf", "compare", "before", "--with", "slow", "--tolerance", "300").returncode == 0


def test_a_comparison_measures_anew(measured: Running) -> None:
    done = measured.ctl("perf", "compare", "first", "--rounds", "7", "--json", check=False)
    found = json.loads(done.stdout)
    assert (found["before"], found["now"]) == ("first", "now")
    assert done.returncode == (1 if found["slower"] else 0)


def test_what_cannot_be_compared_says_why(measured: Running) -> None:
    done = measured.ctl("perf", "compare", "none", check=False)
    assert (done.returncode, "No measurement 'none' is kept." in done.stderr) == (1, True)
    measured.ctl("perf", "baseline", "short", "--rounds", "3")
    done = measured.ctl("perf", "compare", "first", "--with", "short", check=False)
    assert "short has 3 rounds, too few" in done.stderr


def test_without_a_project_the_socket_is_measured(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    daemon = Running(tmp_path, tmp_path / "demo", "--no-mount")
    daemon.start()
    try:
        done = daemon.ctl("perf", "baseline", "--rounds", "3")
        assert "not measured: mount:" in done.stderr
        assert "mount.create" not in done.stdout
    finally:
        daemon.stop()


def test_an_agent_cannot_pretend(measured: Running) -> None:
    script = "lighthousectl perf baseline first --rounds 3"
    done = measured.ctl("run", "--agent", "alice", "--", "sh", "-c", script, check=False)
    assert done.returncode == 1
    assert "The stream 'perf/" in done.stderr
