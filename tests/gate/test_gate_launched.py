"""A command is judged for what it does in wrappers that were written down before the gate was asked about them."""

import pytest
from tests_support.wrappings import wrapped, wrappers

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Request
from lighthoused.gate.gate import Gate
from lighthoused.gate.local import local_gate

CWD = "/home/ann/src"
WORLD = World(home="/home/ann", roots=(CWD,), mount="/mnt/lh", user="ann")
SEEN, SUSPECT = wrappers("seen", "launched.toml"), wrappers("suspect", "launched.toml")


@pytest.fixture(scope="module")
def gate() -> Gate:
    return local_gate()


def allowed(gate: Gate, templates: dict[str, str], command: str) -> list[str]:
    """The names of the wrappers in which a command is allowed."""
    asked = {name: Request("Bash", {"command": wrapped(each, command)}, CWD, "ann") for name, each in templates.items()}
    return [name for name, request in asked.items() if gate.judge(request, WORLD).verdict == "allow"]


@pytest.mark.parametrize("command", ["rm -rf /srv/data", "chmod -R 777 /etc"])
def test_what_does_harm_is_stopped(gate: Gate, command: str) -> None:
    assert allowed(gate, SEEN, command) == []


def test_what_does_harm_is_stopped_in_suspect_wrappers(gate: Gate) -> None:
    assert allowed(gate, SUSPECT, "rm -rf /srv/data") == []


@pytest.mark.parametrize("command", ["cat /srv/notes", "ls -la"])
def test_what_is_harmless_is_allowed(gate: Gate, command: str) -> None:
    assert set(SEEN) - set(allowed(gate, SEEN, command)) == set()
