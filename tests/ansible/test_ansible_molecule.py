"""`./dev molecule`, for those who want it: it shows what test_ansible_site does, once more and from a repository."""

import os

import pytest
from tests_support import molecule
from tests_support.machine import missing

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not os.environ.get("LIGHTHOUSE_MOLECULE"), reason="LIGHTHOUSE_MOLECULE=1 runs molecule"),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]


def test_the_scenario_passes() -> None:
    assert molecule.run() == 0
