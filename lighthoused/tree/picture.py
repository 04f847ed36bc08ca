"""The shape of all projects at one seq, in memory: which inodes there are, and which names stand for them.

`lacks` says where it does not hold together, and `mended` how it is to be so that it does. Must not know the store.
"""

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lighthoused.core.inode import Dentry
from lighthoused.core.names import shown

Name = tuple[int, bytes]
MAX_DEPTH = 1000


class Known(NamedTuple):
    """What the shape of the tree depends on in an inode's version."""

    seq: int
    mode: int
    nlink: int
    parent: int
    name: bytes

    @property
    def is_dir(self) -> bool:
        return stat.S_ISDIR(self.mode)


class Lack(NamedTuple):
    """One thing that is wrong with an inode or an entry of it, and what would mend it ("" where nothing can)."""

    ino: int
    kind: str
    message: str
    remedy: str


@dataclass(slots=True)
class Mended:
    """The state that names and inodes are to have. `adopted`: inodes to be put into their project's lost+found."""

    removed: set[Name] = field(default_factory=set)
    kinds: dict[Name, Dentry] = field(default_factory=dict)
    adopted: list[int] = field(default_factory=list)
    links: dict[int, int] = field(default_factory=dict)
    places: dict[int, Name] = field(default_factory=dict)


class Picture:
    """Filled by `tree.fsck`; `roots` are the projects' root directories by number."""

    def __init__(self, roots: Mapping[int, str]) -> None:
        self.roots = roots
        self.inodes: dict[int, Known] = {}
        self.entries: dict[Name, Dentry] = {}

    def check(self) -> tuple[list[Lack], Mended]:
        """Everything that is wrong, and how it is to be instead."""
        return _Check(self).run()

    def path(self, ino: int) -> str:
        """How the inode is called, as far as that can be told."""
        return shown(b"/".join(reversed([self.inodes[above].name for above in self._way_up(ino)])))

    def project(self, ino: int) -> str:
        """The project that the inode is in, "" where that cannot be told."""
        return next((self.roots[above] for above in self._way_up(ino) if above in self.roots), "")

    def _way_up(self, ino: int) -> Iterator[int]:
        for _ in range(MAX_DEPTH):
            if ino not in self.inodes:
                return
            yield ino
            ino = self.inodes[ino].parent


class _Check:
    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._inodes = picture.inodes
        self._lacks: list[Lack] = []
        self._mended = Mended()
        self._below: dict[int, list[int]] = {}
        self._names: dict[int, list[Name]] = {}

    def run(self) -> tuple[list[Lack], Mended]:
        for ino, project in self._picture.roots.items():
            if ino not in self._inodes:
                self._lack(ino, "root", f"Project {project!r} has no root directory (inode {ino}).", "")
        self._sort_entries()
        self._one_name_per_directory()
        self._adopt_orphans()
        self._count()
        return self._lacks, self._mended

    def _lack(self, ino: int, kind: str, message: str, remedy: str) -> None:
        self._lacks.append(Lack(ino, kind, message, remedy))

    def _sort_entries(self) -> None:
        """Keep the entries that lead from a directory to an inode."""
        for key, entry in self._picture.entries.items():
            parent, name = key
            directory, inode = self._inodes.get(parent), self._inodes.get(entry.ino)
            where = f"{shown(name)!r} in {self._picture.path(parent) or f'inode {parent}'}"
            if inode is None:
                self._drop(key, f"{where} stands for inode {entry.ino}, which is not there.")
            elif directory is None or not directory.is_dir or self._is_removed(parent):
                self._drop(key, f"{where} is in no directory.")
            else:
                self._names.setdefault(entry.ino, []).append(key)
                if entry.kind != stat.S_IFMT(inode.mode):
                    self._lack(parent, "kind", f"{where} has another kind than inode {entry.ino}.", "its kind is set")
                    self._mended.kinds[key] = Dentry(entry.ino, stat.S_IFMT(inode.mode))

    def _is_removed(self, ino: int) -> bool:
        """Whether a directory was removed: no link is counted, and no name stands for it."""
        if self._inodes[ino].nlink or ino in self._picture.roots:
            return False
        known = self._inodes[ino]
        entry = self._picture.entries.get((known.parent, known.name))
        return entry is None or entry.ino != ino

    def _drop(self, key: Name, message: str) -> None:
        self._lack(key[0], "entry", message, "the entry is removed")
        self._mended.removed.add(key)

    def _one_name_per_directory(self) -> None:
        for ino, names in self._names.items():
            known = self._inodes[ino]
            if known.is_dir:
                place = (known.parent, known.name)
                kept = place if place in names else names[0]
                for key in names:
                    if key != kept:
                        path = self._picture.path(ino)
                        self._drop(key, f"Directory {path} is also called {shown(key[1])!r} in inode {key[0]}.")
                self._names[ino] = [kept]
        for ino, names in self._names.items():
            for parent, _ in names:
                self._below.setdefault(parent, []).append(ino)

    def _adopt_orphans(self) -> None:
        reached: set[int] = set()
        self._reach(self._picture.roots, reached)
        lost = sorted(ino for ino, known in self._inodes.items() if known.nlink and ino not in reached)
        for ino in lost:
            if not self._names.get(ino):
                self._adopt(ino, reached)
        for ino in lost:
            if ino not in reached:
                self._mended.removed.update(self._names.pop(ino))
                self._adopt(ino, reached)

    def _adopt(self, ino: int, reached: set[int]) -> None:
        known = self._inodes[ino]
        what = "Directory" if known.is_dir else "File"
        message = f"{what} {self._picture.path(ino)} (inode {ino}) has {known.nlink} links and cannot be reached."
        self._lack(ino, "orphan", message, f"it is called lost+found/#{ino}")
        self._mended.adopted.append(ino)
        self._reach((ino,), reached)

    def _reach(self, start: Mapping[int, str] | tuple[int, ...], reached: set[int]) -> None:
        todo = list(start)
        while todo:
            ino = todo.pop()
            if ino not in reached:
                reached.add(ino)
                todo.extend(self._below.get(ino, ()))

    def _count(self) -> None:
        """Link counts and places as they follow from the names that stay."""
        adopted = set(self._mended.adopted)
        for ino, known in self._counted(adopted):
            names = self._names.get(ino, [])
            if known.is_dir:
                wanted = 2 + sum(self._inodes[below].is_dir for below in self._below.get(ino, ()))
                if names and names[0] != (known.parent, known.name):
                    message = f"{self._picture.path(ino)} is how directory {ino} calls itself, which is elsewhere."
                    self._lack(ino, "place", message, "its place is set")
                    self._mended.places[ino] = names[0]
            else:
                wanted = len(names) + (ino in adopted)
            if known.nlink != wanted:
                if ino not in adopted:
                    message = f"{self._picture.path(ino)} (inode {ino}) has {known.nlink} links, not {wanted}."
                    self._lack(ino, "links", message, "the link count is set")
                self._mended.links[ino] = wanted

    def _counted(self, adopted: set[int]) -> Iterator[tuple[int, Known]]:
        for ino, known in self._inodes.items():
            if known.nlink or self._names.get(ino) or ino in adopted or ino in self._picture.roots:
                yield ino, known
