"""What programs of the local machine do, family by family: dangerous and harmless commands side by side.

The data files say what must be denied, stopped (denied or escalated) and allowed in the profile balanced.
"""

import tomllib
from pathlib import Path

import pytest

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Request
from lighthoused.gate.gate import Gate
from lighthoused.gate.local import local_gate

CWD = "/home/user/project"
WORLD = World(home="/home/user", roots=(CWD,), user="user")
WANTED = {"denied": ("deny",), "stopped": ("deny", "escalate"), "allowed": ("allow",)}
FAMILIES = {
    name: family
    for path in sorted((Path(__file__).parent / "data" / "local").glob("*.toml"))
    for name, family in tomllib.loads(path.read_text("utf-8")).items()
}


@pytest.fixture(scope="module")
def gate() -> Gate:
    return local_gate()


@pytest.mark.parametrize("family", FAMILIES)
def test_family(gate: Gate, family: str) -> None:
    wrong = []
    for wanted, commands in FAMILIES[family].items():
        for line in filter(None, commands.splitlines()):
            command = line.replace("\\nwhile", "\nwhile")
            verdict = gate.judge(Request("Bash", {"command": command}, CWD, "agent"), WORLD)
            if verdict.verdict not in WANTED[wanted]:
                wrong.append(f"{line}: {verdict.verdict} by {verdict.rule}, wanted {wanted}")
    assert wrong == []
