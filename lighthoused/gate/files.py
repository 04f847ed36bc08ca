"""Contents of files that are known while a request is analysed: those it writes itself, and those from before.

The tree is looked at only where content decides what a file does when it runs (`get`); reading a file as data (`in`,
`[]`) sees what agents wrote. Must not know what is done with contents.
"""

from collections.abc import Callable
from typing import Any

Look = Callable[[str], str | None]
"""The content of a file at an absolute path; None where it is not known."""


class Files(dict[str, str]):
    """A dict of what this request wrote, in front of what was there.

    `looked`: the tree was asked for something. `used`: content from before was found. `asked`: paths whose content was
    asked for and not known. `forgotten`: paths whose content is known no more.
    """

    def __init__(self, remembered: Look | None = None, tree: Look | None = None, mount: str = "") -> None:
        super().__init__()
        self._remembered = remembered
        self._tree = tree
        self._mount = mount.rstrip("/") + "/"
        self._seen: dict[str, str | None] = {}
        self.looked = False
        self.used = False
        self.asked: set[str] = set()
        self.forgotten: set[str] = set()

    def get(self, path: str, default: Any = None) -> Any:
        """What the file holds now, as far as it is known."""
        if super().__contains__(path):
            return super().__getitem__(path)
        found = self._in_tree(path) if self._tree is not None else None
        if found is None:
            found = self._before(path)
        return default if found is None else found

    def pop(self, path: str, *default: Any) -> Any:
        """Know no more what the file holds, which had been known before."""
        self._seen[path] = None
        self.forgotten.add(path)
        return super().pop(path, *default)

    def __bool__(self) -> bool:
        return len(self) > 0 or self._remembered is not None or self._tree is not None

    def __contains__(self, path: object) -> bool:
        return super().__contains__(path) or (isinstance(path, str) and self._before(path) is not None)

    def __getitem__(self, path: str) -> str:
        if not super().__contains__(path):
            found = self._before(path)
            if found is not None:
                return found
        return super().__getitem__(path)

    def _in_tree(self, path: str) -> str | None:
        if path in self.forgotten or not path.startswith(self._mount):
            return None
        assert self._tree is not None
        self.looked = True
        return self._tree(path)

    def _before(self, path: str) -> str | None:
        """What an earlier request wrote there."""
        if self._remembered is None:
            return None
        if path not in self._seen:
            self._seen[path] = found = self._remembered(path)
            if found is None:
                self.asked.add(path)
            else:
                self.used = True
        return self._seen[path]
