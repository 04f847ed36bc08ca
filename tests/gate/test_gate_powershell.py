"""PowerShell and cmd.exe: what is run is found in strings, variables, pipelines and blocks; what is said is not."""

import pytest

from lighthoused.core.effects import World
from lighthoused.gate.analysis import Analyser, standard

WORLD = World(home="/home/ann", roots=("/home/ann/src",), user="ann")


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return standard()


def deleted(analyser: Analyser, command: str) -> set[str]:
    analysis = analyser.analyse(command, "/home/ann/src", WORLD)
    assert not analysis.unresolved
    return {effect.target for effect in analysis.effects if effect.kind == "delete"}


@pytest.mark.parametrize(
    "source",
    [
        "Remove-Item /home/ann/x",
        "remove-item -Path /home/ann/x -Recurse -Force",
        "rm -rec -fo /home/ann/x",
        "rm ~/x",
        'rm "$HOME/x"',
        '$a = "/home/ann/x"; rm $a',
        '$a="/home/ann/x"; del $a',
        "if ($true) { rm ~/x }",
        "& { rm ~/x }",
        "try { rm ~/x } catch { }",
        "git status; rm ~/x",
        'iex "rm ~/x"',
        'Invoke-Expression -Command "rm ~/x"',
        "Get-ChildItem ~/x | Remove-Item",
        '[System.IO.File]::Delete("/home/ann/x")',
        "Start-Process rm -ArgumentList ~/x",
        'powershell -c "rm ~/x"',
        "Write-Output (rm ~/x)",
        "$x = $(rm ~/x)",
        "R`emove-Item ~/x",
    ],
)
def test_what_powershell_deletes(analyser: Analyser, source: str) -> None:
    assert "/home/ann/x" in deleted(analyser, f"pwsh -c '{source}'")


@pytest.mark.parametrize(
    "source",
    [
        'Write-Host "Remove-Item ~/x"',
        "# rm ~/x",
        'Select-String "rm ~/x" a.txt',
        '"rm ~/x"',
        "Remove-Item ~/x -WhatIf",
        '$a = "rm ~/x"; Write-Host $a',
    ],
)
def test_what_it_only_says(analyser: Analyser, source: str) -> None:
    assert deleted(analyser, f"pwsh -c '{source}'") == set()


def test_encoded_commands_are_decoded(analyser: Analyser) -> None:
    encoded = "cgBtACAAfgAvAHgA"
    assert deleted(analyser, f"powershell -NoProfile -enc {encoded}") == {"/home/ann/x"}


@pytest.mark.parametrize(
    ("command", "target"),
    [
        ("cmd /c 'del C:\\Windows\\x'", "/C:/Windows/x"),
        ("cmd.exe /c 'rd /s /q %SystemRoot%'", "/C:/Windows"),
        ("cmd /c 'cd x && del y'", "/home/ann/src/x/y"),
        ("cmd /c 'd^el C:\\x'", "/C:/x"),
    ],
)
def test_what_cmd_deletes(analyser: Analyser, command: str, target: str) -> None:
    assert target in deleted(analyser, command)


@pytest.mark.parametrize("source", ["(" * 5000, "{" * 5000, r"\$(" * 3000])
def test_source_that_is_nested_too_deeply_is_not_resolved(analyser: Analyser, source: str) -> None:
    analysis = analyser.analyse(f'powershell -c "{source}"', "/home/ann/src", WORLD)
    assert analysis.unresolved == "PowerShell code is nested more than 12 levels deep."


@pytest.mark.parametrize("source", ["'" * 4999, "`" * 100, "@" * 50, ""])
def test_strange_source_is_read_and_deletes_nothing(analyser: Analyser, source: str) -> None:
    assert deleted(analyser, f'powershell -c "{source}"') == set()
