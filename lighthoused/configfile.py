"""The configuration file: TOML read into the settings of each section.

Every refusal names the file, the key and what is allowed; all of them are reported at once. Must not know defaults, nor
what else says how something is set (`configured`).
"""

import difflib
import tomllib
from collections.abc import Mapping
from typing import Any

from lighthoused.config import SECTIONS, Right, kinds_of
from lighthoused.core.errors import Invalid
from lighthoused.settings import Url

MAX_FILE = 1 << 20
"""Bytes."""
Sections = dict[str, dict[str, Any]]
"""The settings of each section by name, as far as they are set."""


class BadConfig(Invalid):
    """The configuration is refused; `problems` has one sentence for each thing that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems), hint="`lighthousectl config check` checks the file again.")
        self.problems = tuple(problems)


def read(file: str, *, required: bool) -> dict[str, Any] | None:
    """The tables of a file; None where there is none and none is `required`. Raises BadConfig."""
    try:
        with open(file, "rb") as opened:
            data = opened.read(MAX_FILE + 1)
    except FileNotFoundError:
        if required:
            raise BadConfig([f"{file}: there is no such file."]) from None
        return None
    except OSError as error:
        raise BadConfig([f"{file}: cannot be read: {error.strerror}."]) from None
    if len(data) > MAX_FILE:
        raise BadConfig([f"{file}: the file is over {MAX_FILE} bytes, which no configuration needs."])
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise BadConfig([f"{file}: is not UTF-8 text (byte {error.start})."]) from None
    except tomllib.TOMLDecodeError as error:
        raise BadConfig([f"{file}: is not valid TOML: {error}."]) from None
    except RecursionError:
        raise BadConfig([f"{file}: is nested too deeply."]) from None


def sections_of(found: dict[str, Any], file: str) -> Sections:
    """Every section with its settings as read. Raises BadConfig for everything unknown or refused in the file."""
    problems: list[str] = []
    sections: Sections = {name: {} for name in SECTIONS}
    for name, values in found.items():
        if name not in SECTIONS:
            problems.append(f"{file}: [{name}] is no section; {_nearest(name, SECTIONS)}.")
        elif not isinstance(values, dict):
            problems.append(f"{file}: {name} must be a section: [{name}] with its keys below it.")
        else:
            sections[name] = _settings(name, values, file, problems)
    if problems:
        raise BadConfig(problems)
    return sections


def rights_of(found: Any, file: str) -> tuple[Right, ...]:
    """The rules of `[[rights]]`, in their order. Raises BadConfig."""
    if not isinstance(found, list) or not all(isinstance(rule, dict) for rule in found):
        raise BadConfig([f"{file}: rights must be tables: [[rights]] with agent, paths and access below each."])
    problems: list[str] = []
    rights = []
    for values in found:
        accepted = _settings("rights", values, file, problems)
        missing = [name for name in Right.__struct_fields__ if name not in values]
        problems += [f"{file}: rights.{name} must be given." for name in missing]
        if not missing and not problems:
            rights.append(Right(**accepted))
    if problems:
        raise BadConfig(problems)
    return tuple(rights)


def _settings(section: str, values: dict[str, Any], file: str, problems: list[str]) -> dict[str, Any]:
    kinds = kinds_of(Right if section == "rights" else SECTIONS[section])
    accepted: dict[str, Any] = {}
    for key, value in values.items():
        kind = kinds.get(key)
        if kind is None:
            problems.append(f"{file}: {section}.{key} is no setting; {_nearest(key, kinds)}.")
            continue
        try:
            accepted[key] = kind.read(value)
        except ValueError:
            found = "what it is" if isinstance(kind, Url) and isinstance(value, str) else _spelled(value)
            problems.append(f"{file}: {section}.{key} must be {kind.allowed}, not {found}.")
    return accepted


def _nearest(word: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f'did you mean "{near[0]}"' if near else "known are " + ", ".join(sorted(known))


def _spelled(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
