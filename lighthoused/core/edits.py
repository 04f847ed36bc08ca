"""What a file tool's call would make of a file: which files it changes, and the text after it. Pure.

Knows the inputs of Write, Edit, MultiEdit and their namesakes; must not know where files are or who reads them.
"""

import posixpath
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

PATH_KEYS = ("file_path", "path", "filePath", "target_file")
WHOLE = frozenset({"Write", "write_file", "create_file"})
PARTS = frozenset({"Edit", "MultiEdit", "edit_file", "replace"})
PATCHES = frozenset({"apply_patch"})
PATCH_KEYS = ("input", "patch", "command")
EDITORS = WHOLE | PARTS
"""Tools whose outcome can be told from their input and the file."""


class Edited(NamedTuple):
    """The text after the call; or why it cannot be told, then the call may fail."""

    text: str
    problem: str = ""


def edited_path(tool: str, given: Mapping[str, Any], cwd: str) -> str:
    """The absolute path of the file that the call would change, "" where that cannot be told."""
    if tool not in EDITORS:
        return ""
    for key in PATH_KEYS:
        value = given.get(key)
        if isinstance(value, str) and value and "\0" not in value:
            return posixpath.normpath(posixpath.join(cwd, value))
    return ""


def patch_of(tool: str, given: Mapping[str, Any]) -> str:
    """The patch that the call is, "" where it is none."""
    found = next((given[key] for key in PATCH_KEYS if key in given), "") if tool in PATCHES else ""
    if isinstance(found, list) and found:
        found = found[-1]
    return found if isinstance(found, str) else ""


def edited(tool: str, given: Mapping[str, Any], before: str) -> Edited:
    """What the call makes of a file with this text."""
    if tool in WHOLE:
        content = given.get("content", given.get("contents"))
        return Edited(content) if isinstance(content, str) else Edited("", "The call has no content.")
    steps = given.get("edits", [given])
    if not isinstance(steps, Sequence) or isinstance(steps, str):
        return Edited(before, "The call's edits are no list.")
    text = before
    for step in steps:
        text, problem = _step(step, text)
        if problem:
            return Edited(before, problem)
    return Edited(text)


def _step(step: Any, text: str) -> Edited:
    if not isinstance(step, Mapping):
        return Edited(text, "An edit of the call is no table.")
    old, new = step.get("old_string"), step.get("new_string")
    if not isinstance(old, str) or not isinstance(new, str):
        return Edited(text, "An edit of the call has no old_string and new_string.")
    count = text.count(old) if old else 0
    if not old:
        return Edited(new) if not text else Edited(text, "The call inserts into a file that is not empty, nowhere.")
    if not count:
        return Edited(text, "What the call wants to replace is not in the file as it is now.")
    if count > 1 and step.get("replace_all") is not True:
        return Edited(text, f"What the call wants to replace is in the file {count} times, and it says not which.")
    return Edited(text.replace(old, new))
