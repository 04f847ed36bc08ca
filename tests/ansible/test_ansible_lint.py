"""ansible-lint's judgement, by its strictest profile; what the documents say of the variables."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests_support.provisioning import ANSIBLE, environment, tools

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_ansible_lint_has_nothing_to_say(tmp_path: Path) -> None:
    command = [tools() / "ansible-lint", "--offline", "--profile=production", "--strict", "--nocolor", "."]
    done = subprocess.run(command, cwd=ANSIBLE, env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed: 0 failure(s), 0 warning(s)" in done.stderr


@pytest.mark.parametrize("role", ["lighthoused", "monitoring"])
def test_every_variable_is_specified_with_its_default(tmp_path: Path, role: str) -> None:
    place = ANSIBLE / "roles" / role
    specified = _read(place / "meta/argument_specs.yml", tmp_path)["argument_specs"]
    defaults = _read(place / "defaults/main.yml", tmp_path)
    options: dict[str, Any] = {}
    for entry in specified.values():
        options |= entry["options"]
    assert all(option["description"] and option["type"] for option in options.values())
    assert {name: option["default"] for name, option in options.items() if "default" in option} == defaults


def _read(file: Path, work: Path) -> Any:
    script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))"
    done = subprocess.run(
        [tools() / "python", "-c", script, file], env=environment(work), capture_output=True, check=True
    )
    return json.loads(done.stdout)
