"""`.lighthouseignore`: which paths of a project are kept but not versioned. The only file that imports pathspec.

The syntax is gitignore's; the file is looked for in the project's root alone. Without one, `DEFAULTS` are in force.
Rules are those of the moment that a version was made: a rule written today takes no history away. Nothing under a
`.git` is ever unversioned, nor is `.lighthouseignore` itself.
"""

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache

from pathspec import GitIgnoreSpec

from lighthoused.core.inode import Inode, dentry_key
from lighthoused.core.names import shown
from lighthoused.store.schema import DENTRIES, NOW, number
from lighthoused.store.store import Store
from lighthoused.tree.reading import Reading

NAME = b".lighthouseignore"
DEFAULTS = (
    "node_modules/",
    "target/",
    "__pycache__/",
    ".venv/",
    "venv/",
    ".tox/",
    ".cache/",
    ".mypy_cache/",
    ".pytest_cache/",
    ".ruff_cache/",
    ".gradle/",
    ".next/",
    "*.pyc",
)
MAX_SIZE = 64 * 1024
MAX_CHANGES = 1000
"""Versions of the file that are read, the newest."""


class Rules:
    """The rules of one project over time."""

    def __init__(self, since: list[int], texts: list[str | None]) -> None:
        self._since = since
        self._specs = [_spec(text) for text in texts]
        self._default = _spec(None)
        self.ignores = lru_cache(100_000)(self._ignores)

    @classmethod
    def read(cls, store: Store, reading: Reading, root: int) -> "Rules":
        """The rules as the versions of the file say, up to now."""
        since: list[int] = []
        texts: list[str | None] = []
        for seq in sorted(_changes(store, root))[-MAX_CHANGES:]:
            text = _text(reading, root, seq)
            if not texts or text != texts[-1]:
                since.append(seq)
                texts.append(text)
        return cls(since, texts)

    def epoch(self, seq: int) -> int:
        """Which rules were in force at a seq; for `ignores`."""
        return bisect_right(self._since, seq) - 1

    def _ignores(self, path: bytes, epoch: int) -> bool:
        """Whether a path within the project (a file's) is not versioned."""
        if path == NAME or b".git" in path.split(b"/"):
            return False
        spec = self._specs[epoch] if epoch >= 0 else self._default
        return spec.match_file(shown(path))


def _changes(store: Store, root: int) -> set[int]:
    """seqs at which the file may have changed."""
    seqs: set[int] = set()
    files: set[int] = set()
    for key, _ in store.rows.under(DENTRIES, dentry_key(root, NAME)):
        seq = NOW - number(key[-8:])
        seqs.add(seq)
        entry = store.versions.dentry(root, NAME, seq)
        if entry is not None:
            files.add(entry.ino)
    for ino in files:
        seqs.update(seq for seq, _ in store.versions.inode_versions(ino))
    return seqs


def _text(reading: Reading, root: int, at: int) -> str | None:
    """What the file said, None where there was none."""
    ino = reading.walk(root, NAME, at)
    inode = reading.inode(ino, at) if ino is not None else None
    if not isinstance(inode, Inode) or not inode.is_file:
        return None
    return reading.read(inode, 0, MAX_SIZE).decode("utf-8", "replace")


def _spec(text: str | None) -> GitIgnoreSpec:
    lines: Iterable[str] = DEFAULTS if text is None else text.splitlines()
    return GitIgnoreSpec.from_lines([line for line in lines if _is_pattern(line)])


def _is_pattern(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True
