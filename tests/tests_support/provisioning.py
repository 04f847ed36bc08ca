"""Ansible, in an environment of its own, against a test machine."""

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import pytest

from tests_support.machine import Machine, cache

ROOT = Path(__file__).parents[2]
ANSIBLE = ROOT / "ansible"
REQUIREMENTS = ANSIBLE / "requirements.txt"
CONNECTION = ROOT / "tests/ansible/connection"
HASHI_VAULT = {"ansible": "12.3.0", "hvac": "2.4.0"}
COLLECTION = "ansible_collections/community/hashi_vault/"
HOST = "agents-1.example.org"
_RECAP = re.compile(rf"^{re.escape(HOST)} +: (.*)$", re.MULTILINE)


def tools() -> Path:
    """The directory of ansible-playbook, ansible-lint and molecule; kept. Skips where they cannot be installed."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:12]
    place = cache() / f"ansible-{wanted}"
    cache().mkdir(parents=True, exist_ok=True)
    with open(cache() / "ansible.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "done").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
            pip = [place / "bin/python", "-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS]
            made = subprocess.run(pip, capture_output=True, text=True, check=False)
            if made.returncode:
                pytest.skip(f"Ansible cannot be installed: {made.stderr.strip()[-300:]}")
            (place / "done").touch()
    return place / "bin"


def hashi_vault() -> Path:
    """A directory with the collection community.hashi_vault and what it imports; kept. Skips where it cannot be had.

    Elsewhere it comes from Galaxy; the package `ansible` has it, too, with some hundred others.
    """
    place = cache() / "-".join(("hashi-vault", *HASHI_VAULT.values()))
    if not place.exists():
        pip = [tools() / "python", "-m", "pip"]
        with tempfile.TemporaryDirectory(dir=cache()) as partial:
            wheel, target = Path(partial, "wheel"), Path(partial, "target")
            fetch = [*pip, "download", "--quiet", "--no-deps", f"--dest={wheel}", f"ansible=={HASHI_VAULT['ansible']}"]
            imported = [*pip, "install", "--quiet", f"--target={target}", f"hvac=={HASHI_VAULT['hvac']}"]
            for step in (fetch, imported):
                made = subprocess.run(step, capture_output=True, text=True, check=False)
                if made.returncode:
                    pytest.skip(f"community.hashi_vault cannot be had: {made.stderr.strip()[-300:]}")
            with ZipFile(next(wheel.iterdir())) as archive:
                archive.extractall(target, [name for name in archive.namelist() if name.startswith(COLLECTION)])
            target.rename(place)
    return place


def environment(work: Path) -> dict[str, str]:
    """What Ansible is started with, so that it knows this checkout and leaves nothing in a home directory."""
    return {
        "PATH": f"{tools()}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "HOME": str(work),
        "ANSIBLE_HOME": str(work / "ansible"),
        "ANSIBLE_CONFIG": str(ANSIBLE / "ansible.cfg"),
        "ANSIBLE_CONNECTION_PLUGINS": str(CONNECTION),
        "ANSIBLE_NOCOLOR": "1",
        "PYTHONPATH": str(ROOT / "tests"),
    }


class Played(NamedTuple):
    """What a playbook came to."""

    code: int
    said: str

    @property
    def counts(self) -> dict[str, int]:
        """The recap: ok, changed, unreachable, failed, ..."""
        found = _RECAP.search(self.said)
        assert found, self.said
        return {name: int(count) for name, _, count in (pair.partition("=") for pair in found[1].split())}


class Provisioning:
    """Playbooks run against one machine, with variables that stay the same."""

    def __init__(self, machine: Machine, work: Path, variables: dict[str, Any]) -> None:
        self._work = work
        connection = {"ansible_connection": "machine", "ansible_machine_leader": machine.leader}
        host = {HOST: {**connection, "ansible_python_interpreter": "/usr/bin/python3", **variables}}
        for monitored in (False, True):
            groups = {"lighthouse": {"hosts": host}, "monitoring": {"hosts": {HOST: {}} if monitored else {}}}
            self._inventory(monitored).write_text(json.dumps(groups))

    def play(
        self,
        playbook: str | Path,
        *arguments: str,
        check: bool = True,
        monitored: bool = False,
        libraries: Path | None = None,
        **variables: Any,
    ) -> Played:
        """Run a playbook with more variables.

        `monitored`: for the group monitoring, too; `libraries`: a directory with collections and what they import.
        """
        extra = [f"--extra-vars={json.dumps(variables)}"] if variables else []
        inventory = f"--inventory={self._inventory(monitored)}"
        command = ["ansible-playbook", inventory, *extra, *arguments, ANSIBLE / playbook]
        done = subprocess.run(
            command,
            env={**environment(self._work), **({} if libraries is None else _finding(libraries))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if check:
            assert done.returncode == 0, done.stdout
        return Played(done.returncode, done.stdout)

    def _inventory(self, monitored: bool) -> Path:
        return self._work / ("monitored.json" if monitored else "inventory.json")


def _finding(libraries: Path) -> dict[str, str]:
    return {"ANSIBLE_COLLECTIONS_PATH": str(libraries), "PYTHONPATH": f"{ROOT / 'tests'}:{libraries}"}
