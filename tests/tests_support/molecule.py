"""`./dev molecule`: molecule with the versions, the connection and the machine that the tests use.

    python -m tests_support.molecule [ARGUMENT...]

Without arguments `molecule test`: all of the scenario, and nothing is left. What `converge` made stays until `destroy`.
"""

import subprocess
import sys

import pytest

from tests_support.machine import cache, missing
from tests_support.provisioning import ANSIBLE, environment, tools


def run(*arguments: str) -> int:
    """Run it where the scenario is; its exit code. Skips where its tools cannot be installed."""
    work = cache() / "molecule"
    work.mkdir(parents=True, exist_ok=True)
    command = [tools() / "molecule", *(arguments or ("test",))]
    return subprocess.run(command, cwd=ANSIBLE, env=environment(work), check=False).returncode


if __name__ == "__main__":
    if reason := missing():
        sys.exit(f"error: {reason}")
    try:
        sys.exit(run(*sys.argv[1:]))
    except pytest.skip.Exception as reason:
        sys.exit(f"error: {reason}")
