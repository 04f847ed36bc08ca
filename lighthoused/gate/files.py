"""Contents of files that are known while a request is analysed: those it writes itself, and those from before.

Content from before is looked up only where it decides what a file does when it runs (`get`); reading it as data
(`in`, `[]`) sees what agents wrote, but does not look at the tree. Must not know what is done with contents.
"""

from collections.abc import Callable
from typing import Any

Look = Callable[[str], str | None]
"""The content of a file at an absolute path; None where it is not known."""


class Files(dict[str, str]):
    """A dict of what this request wrote, in front of what was there. `looked`: the tree was asked for something."""

    def __init__(self, remembered: Look | None = None, tree: Look | None = None) -> None:
        super().__init__()
        self._remembered = remembered
        self._tree = tree
        self._seen: dict[str, str | None] = {}
        self.looked = False

    def get(self, path: str, default: Any = None) -> Any:
        """What the file holds now, as far as it is known."""
        if super().__contains__(path):
            return super().__getitem__(path)
        if path not in self._seen:
            self._seen[path] = self._before(path)
        found = self._seen[path]
        return default if found is None else found

    def __contains__(self, path: object) -> bool:
        return super().__contains__(path) or self._was_written(path)

    def __getitem__(self, path: str) -> str:
        if not super().__contains__(path) and self._was_written(path):
            assert self._remembered is not None
            return self._remembered(path) or ""
        return super().__getitem__(path)

    def _before(self, path: str) -> str | None:
        if self._tree is not None:
            self.looked = True
            found = self._tree(path)
            if found is not None:
                return found
        return self._remembered(path) if self._remembered is not None else None

    def _was_written(self, path: object) -> bool:
        return self._remembered is not None and isinstance(path, str) and self._remembered(path) is not None
