"""The load test itself, short and without times: nothing fails, memory and descriptors stay within bounds."""

import os
from pathlib import Path

import pytest

from perf import agents
from perf.abuse import KINDS
from perf.sampling import slope_per_minute

AGENTS = 12
SECONDS = 20.0
MOST_MB = 700
MOST_DESCRIPTORS = 2500


@pytest.mark.slow
@pytest.mark.skipif(not os.access("/dev/fuse", os.R_OK | os.W_OK), reason="no /dev/fuse")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read in /proc")
def test_agents_are_served_whoever_else_is_there() -> None:
    outcome = agents.run(AGENTS, SECONDS)
    assert outcome.errors == []
    assert len(outcome.findings) == AGENTS
    done = [name for found in outcome.findings for name in found.samples]
    assert {"verdict, remembered", "verdict, new", "append", "create, write, close", "open, read, close"} <= set(done)
    assert [each.kind for each in outcome.whiles if each.kind] == list(KINDS)
    assert max(size.memory for size in outcome.sizes) < MOST_MB
    assert max(size.descriptors for size in outcome.sizes) < MOST_DESCRIPTORS
    assert outcome.sizes[-1].descriptors < outcome.sizes[0].descriptors + 1100


def test_a_slope_is_that_of_the_line() -> None:
    assert slope_per_minute([(0.0, 5.0), (30.0, 6.0), (60.0, 7.0)]) == pytest.approx(2.0)
    assert slope_per_minute([(0.0, 5.0)]) == 0.0
