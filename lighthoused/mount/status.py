"""``status/``: what the daemon knows about itself, made up when a file is opened, like procfs."""

import stat
from collections.abc import Callable, Mapping, Sequence

from lighthoused.core.inode import Inode
from lighthoused.mount.vnode import Entry, Owner, Vdir, Vnode

Render = Callable[[], bytes]
"""Present content of one file."""


class StatusFile(Vnode):
    """One file of ``status/``."""

    def __init__(self, owner: Owner, key: tuple[str, ...], render: Render) -> None:
        self.key = key
        self._owner = owner
        self._render = render

    def attributes(self) -> Inode:
        return self._owner.attributes(stat.S_IFREG | 0o444)

    async def content(self) -> bytes:
        return self._render()


class StatusDir(Vdir):
    """The files of ``status/`` of one project."""

    def __init__(self, owner: Owner, project: str, files: Mapping[str, Render]) -> None:
        super().__init__(owner, ("status", project))
        self._files = [
            Entry(name.encode(), StatusFile(owner, ("status", project, name), files[name])) for name in sorted(files)
        ]

    async def entries(self) -> Sequence[Entry]:
        return self._files
