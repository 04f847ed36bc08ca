"""The units, as systemd-analyze judges them (tests/machines runs them)."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests_support.packages import ROOT

EXPOSURE = 15
"""At most, in tenths: systemd-analyze's own scale goes to 100."""
UNITS = ROOT / "systemd"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze: apt-get install systemd")
def test_the_daemon_is_exposed_little() -> None:
    unit = UNITS / "lighthoused.service"
    judge = ["systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE}", str(unit)]
    done = subprocess.run(judge, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_unit_has_what_it_names() -> None:
    files = {path.name for path in UNITS.iterdir()}
    named = {word for path in UNITS.iterdir() if path.is_file() for word in _named(path)}
    assert named <= files, named - files


def _named(unit: Path) -> list[str]:
    lines = [line.partition("=") for line in unit.read_text().splitlines()]
    keys = ("Requires", "Requisite", "OnFailure", "OnSuccess", "Also", "Slice")
    return [word for key, _, value in lines if key in keys for word in value.split()]
