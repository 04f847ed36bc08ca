"""What Python programs do, whole ones given to python3: dangerous ones are stopped, those of every day are not.

The data files hold one program after another, separated by lines of ``%%``.
"""

from pathlib import Path

import pytest

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Request, Verdict
from lighthoused.gate.gate import Gate
from lighthoused.gate.local import local_gate

CWD = "/home/ann/src"
WORLD = World(home="/home/ann", roots=(CWD,), user="ann")


def programs(name: str) -> list[str]:
    return (Path(__file__).parent / "data" / name).read_text("utf-8").split("%%\n")


@pytest.fixture(scope="module")
def gate() -> Gate:
    return local_gate()


def judged(gate: Gate, program: str) -> Verdict:
    return gate.judge(Request("Bash", {"command": f"python3 - <<'E'\n{program}\nE"}, CWD, "agent"), WORLD)


def test_dangerous_programs_are_stopped(gate: Gate) -> None:
    assert [each for each in programs("python_stopped.txt") if judged(gate, each).verdict == "allow"] == []


def test_harmless_programs_are_allowed(gate: Gate) -> None:
    verdicts = {each: judged(gate, each) for each in programs("python_allowed.txt")}
    assert {each: verdict.rule for each, verdict in verdicts.items() if verdict.verdict != "allow"} == {}


@pytest.mark.parametrize(
    ("program", "kind"),
    [
        ("while True:\n    x.append(1)", "exhaust"),
        ("for p in range(1000):\n    s.connect((host, p))", "probe"),
        ("for w in open('w'):\n    c.login('ann', w)", "probe"),
        (
            "import os\nfor r, d, fs in os.walk('/home'):\n    for f in fs:\n        os.remove(os.path.join(r, f))",
            "delete",
        ),
        ("import builtins\nbuiltins.open = print", "disguise"),
        ("import socket\nsocket.socket(socket.AF_PACKET, socket.SOCK_RAW)", "trace"),
        ("import ctypes\nctypes.CFUNCTYPE(None)(1)()", "interpret"),
        ("s.bind(('0.0.0.0', 80))", "listen"),
        ("x = 'a' * 10**12", "exhaust"),
    ],
)
def test_what_is_found(gate: Gate, program: str, kind: str) -> None:
    assert kind in {effect.kind for effect in judged(gate, program).effects}


@pytest.mark.parametrize(
    "program",
    [
        "while True:\n    x.append(f.read())",
        "while True:\n    x.append(1)\n    if len(x) > 3:\n        break",
        "for p in (80, 443):\n    s.connect((host, p))",
        "for p in range(1000):\n    print(p)",
        "import ctypes\nf = ctypes.CFUNCTYPE(None)(print)",
        "s.bind(('127.0.0.1', 80))",
        "x = 'a' * 10**6",
        "x = bytes([99, 100, 101, 102, 103, 104, 105])",
        "import logging\nlogging.raiseExceptions = False",
    ],
)
def test_what_is_not_found(gate: Gate, program: str) -> None:
    assert judged(gate, program).verdict == "allow"


def test_arguments_of_any_number_do_not_break_it(gate: Gate) -> None:
    names = ["http.server.test", "os.kill", "os.walk", "open", "x.bind", "x.request", "range", "yaml.load", "os.execve"]
    names += [
        "next",
        "random.choice",
        "pip.main",
        "os.environ.items",
        "x.new",
        "runpy.run_path",
        "sys.path.insert",
        "sorted",
    ]
    for name in names:
        for arguments in ("", "*a", "**k", "x", "a, b", "host=1", "'a', 'b', 'c'"):
            verdict = judged(gate, f"for i in {name}({arguments}):\n    {name}({arguments})")
            assert verdict.rule != "error.policy_failed"
