"""A command line is taken at its word where it says that it removes something, and not where it only mentions it."""

import pytest

from lighthoused.gate.programs.removing import says_it_removes

REMOVES = [
    "delete cluster prod",
    "db:drop",
    "apps:destroy shop",
    "bucket-delete b",
    "DeleteInstance --id 1",
    "resource service-instance-delete x",
    "remove-database prod",
    "user remove ann",
    "db reset",
    "cluster rm a",
    "remove --force app",
    "--purge-all",
    "-deleteduplicates true",
    "delete x --dry-run=false",
]
SPARES = [
    "list delete-jobs",
    "get deleted",
    "create drop-table",
    "plugin remove x",
    "cache clear",
    "reset",
    "delete --help",
    "help destroy",
    "delete x --dry-run",
    "auth can-i delete pods",
    "run drop.sql",
    "drop-down",
    "no-delete",
    "remove-old.py",
    "--truncate 80",
]


def says(line: str, elsewhere: bool = False) -> bool:
    words = line.split()
    flags = [word for word in words if word.startswith("-")]
    return says_it_removes([word for word in words if not word.startswith("-")], flags, elsewhere)


@pytest.mark.parametrize("line", REMOVES)
def test_what_says_that_it_removes_something(line: str) -> None:
    assert says(line)


@pytest.mark.parametrize("line", SPARES)
def test_what_only_mentions_it(line: str) -> None:
    assert not says(line)


def test_a_program_for_things_elsewhere_is_believed_without_a_thing() -> None:
    assert says("apikey revoke 7", elsewhere=True)
    assert not says("apikey revoke 7")
