"""What file tools make of a file, and effects in words."""

import pytest

from lighthoused.core.edits import edited, edited_path
from lighthoused.core.effects import KINDS
from lighthoused.core.verdicts import Effect
from lighthoused.core.wording import SCOPES, VERBS, in_words


@pytest.mark.parametrize(
    ("tool", "given", "before", "after"),
    [
        ("Write", {"content": "new"}, "old", "new"),
        ("Edit", {"old_string": "a", "new_string": "b"}, "xax", "xbx"),
        ("Edit", {"old_string": "a", "new_string": "b", "replace_all": True}, "aa", "bb"),
        ("Edit", {"old_string": "", "new_string": "b"}, "", "b"),
        (
            "MultiEdit",
            {"edits": [{"old_string": "a", "new_string": "b"}, {"old_string": "b", "new_string": "c"}]},
            "a",
            "c",
        ),
    ],
)
def test_what_a_call_makes_of_a_file(tool: str, given: dict[str, object], before: str, after: str) -> None:
    assert edited(tool, given, before) == (after, "")


@pytest.mark.parametrize(
    ("given", "before", "problem"),
    [
        ({"old_string": "a", "new_string": "b"}, "x", "not in the file"),
        ({"old_string": "a", "new_string": "b"}, "aa", "2 times"),
        ({"old_string": "", "new_string": "b"}, "x", "not empty"),
        ({"old_string": "a"}, "a", "no old_string and new_string"),
        ({"edits": "a"}, "a", "no list"),
        ({"edits": ["a"]}, "a", "no table"),
    ],
)
def test_a_call_that_would_fail_says_so(given: dict[str, object], before: str, problem: str) -> None:
    found = edited("Edit", given, before)
    assert found.text == before
    assert problem in found.problem


def test_the_file_that_is_changed() -> None:
    assert edited_path("Edit", {"file_path": "../b/./c"}, "/a/x") == "/a/b/c"
    assert edited_path("NotAnEditor", {"file_path": "/a"}, "/") == ""
    assert edited_path("Write", {"file_path": 3, "path": "/a\0"}, "/") == ""


def test_effects_in_words() -> None:
    assert set(VERBS) <= set(KINDS)
    assert in_words(Effect("unheard_of", "a")) == "unheard_of: a"
    assert all(" a" in in_words(Effect(kind, "a")) for kind in KINDS)
    effect = Effect("delete", "/srv/a", "system", recursive=True)
    assert in_words(effect) == "deletes /srv/a and all below it (of the system, cannot be undone)"
    assert in_words(Effect("power", certainty="possible")) == "perhaps halts, reboots or suspends the machine"
    assert all(" " in said or said in ("", "temporary") for said in SCOPES.values())
