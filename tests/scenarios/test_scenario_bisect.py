"""The first change after which a command fails, found by running it in the past."""

import json

import pytest
from tests_support.running import Running


@pytest.fixture
def worked(running: Running) -> tuple[Running, int]:
    """Agents write numbers into a file; the daemon, and the seq before the first."""
    start = running.head()
    for number in range(8):
        script = f"echo other > other{number}; echo {number} > number; echo done >> log"
        running.ctl("run", "--agent", f"agent{number}", "--", "sh", "-c", script, cwd=running.current)
    return running, start


def test_the_guilty_event_and_agent_are_found(worked: tuple[Running, int]) -> None:
    running, start = worked
    test = ("sh", "-c", "test ! -e number || test $(cat number) -lt 5")
    done = running.ctl("bisect", "demo", "--since", f"@{start}", "--json", "--", *test)
    found = json.loads(done.stdout)
    assert (found["agent"], found["type"], found["exact"]) == ("agent5", "file.written", True)
    assert found["paths"] == ["demo/number"]
    assert (running.project / f"history/@{found['bad']}/number").read_text() == "5\n"
    assert (running.project / f"history/@{found['good']}/number").read_text() != "5\n"
    assert found["runs"] < 14
    shown = running.ctl("bisect", "demo", "--since", f"@{start}", "--until", "now", "--", *test)
    assert "agent5" in shown.stdout
    assert f"diff @{found['good']} @{found['bad']}" in shown.stderr
    assert ": good" in shown.stderr


def test_moments_that_cannot_be_judged_are_passed_over(worked: tuple[Running, int]) -> None:
    running, start = worked
    script = 'n=$(cat number 2>/dev/null || echo 0); case $n in 3|4) exit 125;; esac; test "${n:-0}" -lt 5'
    done = running.ctl("bisect", "demo", "--since", f"@{start}", "--json", "--", "sh", "-c", script)
    found = json.loads(done.stdout)
    assert found["exact"] is False
    assert found["bad"] > found["good"]
    assert found["agent"] == "agent5"


def test_what_makes_no_sense_is_refused(worked: tuple[Running, int]) -> None:
    running, start = worked
    since = ("--since", f"@{start}")
    for arguments, said in (
        ((*since, "--", "true"), "does not fail at the end"),
        ((*since, "--", "false"), "fails at the beginning"),
        (("--since", "now", "--", "false"), "Nothing changed"),
        ((*since, "--", "no-such-command"), "no-such-command cannot be used"),
        ((*since, "--", "sh", "-c", "kill -9 $$"), "ended with -9"),
    ):
        done = running.ctl("bisect", "demo", *arguments, check=False)
        assert done.returncode == 1, done.stdout
        assert said in done.stderr
