"""A TOML file that others write too: as `jsonfile.Document`, edits that leave every other byte as it is."""

from collections.abc import Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from lighthoused.cli.jsonfile import Place


class TomlDocument:
    """Tables as text. `value` is what it says. Raises ValueError for what is no TOML."""

    def __init__(self, text: str) -> None:
        try:
            self._document: Any = tomlkit.parse(text)
        except TOMLKitError as error:
            raise ValueError(f"it is not valid TOML: {error}") from None
        self._has_removed = False

    @property
    def text(self) -> str:
        """The file's new text. Where something was taken out of its end, the empty lines before it go, too."""
        text = tomlkit.dumps(self._document)
        return text.rstrip("\n") + "\n" * bool(text.strip()) if self._has_removed else text

    @property
    def value(self) -> dict[str, Any]:
        """What it says, in plain types."""
        plain: dict[str, Any] = self._document.unwrap()
        return plain

    def set(self, at: Place, key: str, value: Any) -> None:
        """Add a member, which is not there yet, to the table at a path."""
        holder = self._at(at)
        made = tomlkit.item(value, _parent=holder if at else None)
        if isinstance(value, dict) and all(isinstance(one, dict | list) for one in value.values()):
            made = tomlkit.table(is_super_table=True)
            for name, one in value.items():
                made.append(name, tomlkit.item(one, _parent=made))
        holder[key] = made

    def append(self, at: Place, value: Any) -> None:
        """Add a table to the array of tables at a path."""
        self._at(at).append(tomlkit.item(value))

    def remove(self, at: Place) -> None:
        """Take out the member or item at a path."""
        del self._at(at[:-1])[at[-1]]
        self._has_removed = True

    def _at(self, at: Sequence[str | int]) -> Any:
        found = self._document
        for step in at:
            found = found[step]
        return found
