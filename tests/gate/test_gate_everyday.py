"""What developers type all day is let through: none is denied, less than one in a hundred needs a person."""

from pathlib import Path

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Request
from lighthoused.gate.local import local_gate

CWD = "/home/user/project"
WORLD = World(home="/home/user", roots=(CWD,), user="user")
COMMANDS = [
    line.replace("\\n", "\n") if "<<" in line else line
    for line in (Path(__file__).parent / "data" / "everyday.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


def test_everyday_commands_are_allowed() -> None:
    gate = local_gate()
    verdicts = {command: gate.judge(Request("Bash", {"command": command}, CWD, "agent"), WORLD) for command in COMMANDS}
    assert len(verdicts) >= 300
    stopped = {command: verdict.rule for command, verdict in verdicts.items() if verdict.verdict != "allow"}
    assert not [command for command, verdict in verdicts.items() if verdict.verdict == "deny"], stopped
    assert len(stopped) < len(verdicts) / 100, stopped
