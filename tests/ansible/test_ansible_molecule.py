"""`molecule test`, for those who want it: it shows what test_ansible_site does, once more and from a repository."""

import os
import subprocess
from pathlib import Path

import pytest
from tests_support.machine import missing
from tests_support.provisioning import ANSIBLE, environment, tools

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not os.environ.get("LIGHTHOUSE_MOLECULE"), reason="LIGHTHOUSE_MOLECULE=1 runs molecule"),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]


def test_the_scenario_passes(tmp_path: Path) -> None:
    command = [tools() / "molecule", "test"]
    done = subprocess.run(
        command,
        cwd=ANSIBLE,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
