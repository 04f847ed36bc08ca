"""A change to a file of settings that others own: shown before it is made, and told after."""

import difflib
from pathlib import Path
from typing import Any, Protocol

from lighthoused.cli import jsonfile
from lighthoused.cli.jsonfile import Document, Place
from lighthoused.cli.output import say, show_json
from lighthoused.cli.session import Session
from lighthoused.core.errors import Invalid


class Editable(Protocol):
    """Settings as text, whatever their format; edits leave every other byte as it is."""

    @property
    def text(self) -> str: ...

    @property
    def value(self) -> dict[str, Any]: ...

    def set(self, at: Place, key: str, value: Any) -> None: ...

    def append(self, at: Place, value: Any) -> None: ...

    def remove(self, at: Place) -> None: ...


def opened(file: Path, is_toml: bool) -> tuple[Editable, str]:
    """A file's settings and its text now, "" where there is none. Raises Invalid."""
    text = jsonfile.read_text(file)
    try:
        if not is_toml:
            return Document("{}\n" if text is None else jsonfile.checked(text)), text or ""
        from lighthoused.cli.tomlfile import TomlDocument

        return TomlDocument(text or ""), text or ""
    except ValueError as error:
        raise Invalid(f"{file} cannot be used: {error}.", jsonfile.MEND) from None


def change(session: Session, file: Path, before: str, after: str, dry_run: bool, outcome: tuple[str, str]) -> bool:
    """Write the new text, or only show how it differs; whether it was written. `outcome`: told if changed, if not.

    `before` "" is a file that is not there. Raises Invalid where it cannot be written.
    """
    changed = before != after
    if changed and not dry_run:
        jsonfile.write(file, after)
    diff = _diff(file, before, after) if dry_run else ""
    if session.as_json:
        show_json({"settings": str(file), "changed": changed, **({"diff": diff} if dry_run else {})})
    elif diff:
        say(diff.rstrip("\n"))
    else:
        say(f"{file}: {outcome[not changed]}")
    return changed and not dry_run


def _diff(file: Path, before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), str(file), str(file))
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)
