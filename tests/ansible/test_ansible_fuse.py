"""The role's check of FUSE: on a machine where it works, and where each of its parts is missing."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.machine import Machine, booted
from tests_support.provisioning import ANSIBLE, environment

BREAK = {
    "There is no /dev/fuse. mknod": "rm /dev/fuse",
    "/dev/fuse is no device.": "rm /dev/fuse; : > /dev/fuse",
    "There is no fusermount3. apt-get install fuse3.": "mv /usr/bin/fusermount3 /usr/bin/fusermount3.away",
    "is not set-uid root. The mount of a user": "chmod u-s /usr/bin/fusermount3",
}
MEND = """rm -f /dev/fuse; mknod -m 0666 /dev/fuse c 10 229
[ ! -e /usr/bin/fusermount3.away ] || mv /usr/bin/fusermount3.away /usr/bin/fusermount3
chmod u+s /usr/bin/fusermount3"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with booted(tmp_path_factory.mktemp("fuse")) as found:
        yield found


def checked(machine: Machine, work: Path) -> str:
    """What the module says, asked without the rest of the role."""
    command = ["ansible", "all", "--inventory=m,", "--module-name=lighthouse_fuse", "--connection=machine"]
    command += [f"--extra-vars={json.dumps({'ansible_machine_leader': machine.leader})}"]
    variables = {**environment(work), "ANSIBLE_LIBRARY": str(ANSIBLE / "roles/lighthoused/library")}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    return done.stdout


def test_it_works_and_leaves_nothing(machine: Machine, tmp_path: Path) -> None:
    before = machine.run("cat", "/proc/self/mountinfo")
    assert "SUCCESS" in checked(machine, tmp_path)
    assert machine.run("cat", "/proc/self/mountinfo") == before
    assert machine.run("find", "/tmp", "-name", "lighthouse-fuse*") == ""


@pytest.mark.parametrize("sentence", BREAK)
def test_what_is_missing_is_named(machine: Machine, tmp_path: Path, sentence: str) -> None:
    machine.shell(BREAK[sentence])
    try:
        said = checked(machine, tmp_path)
    finally:
        machine.shell(MEND)
    assert "FUSE 3 does not work here." in said
    assert sentence in said
