"""Loops that use the machine up are told from those that wait, work or end."""

import pytest

from lighthoused.gate.shell import ast, loops
from lighthoused.gate.shell.bounds import Deadline
from lighthoused.gate.shell.reader import Reader

BOMBS = (
    "while true; do ls & done",
    "while :; do (ls; ls) & done",
    "until false; do echo x; ls & done",
    "for ((;;)); do ls & done",
)
BUSY = ("while true; do :; done", "while [ 1 ]; do i=$((i+1)); done", "for ((;;)); do :; done")
HARMLESS = (
    "while true; do ls; done",
    "while true; do ls & sleep 1; done",
    "while true; do ls & wait; done",
    "while read -r x; do :; done",
    "while true; do break; done",
    "while [ $x ]; do :; done",
    "while true; do x=$(ls); done",
    "for ((i=0;i<3;i++)); do ls & done",
)


def kind(source: str) -> str:
    command = Reader(Deadline(1.0)).read(source)
    while isinstance(command, ast.Sequence):
        command = command.parts[0]
    assert isinstance(command, ast.While | ast.Counted)
    return loops.endless(command)


@pytest.mark.parametrize("source", BOMBS)
def test_a_loop_that_starts_processes_for_ever(source: str) -> None:
    assert kind(source) == "bomb"


@pytest.mark.parametrize("source", BUSY)
def test_a_loop_that_does_nothing_for_ever(source: str) -> None:
    assert kind(source) == "busy"


@pytest.mark.parametrize("source", HARMLESS)
def test_other_loops(source: str) -> None:
    assert kind(source) == ""
