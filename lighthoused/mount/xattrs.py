"""Extended attributes under the mount (xattr(7)): those that files have, and those that tell where they come from."""

import errno
from collections.abc import Sequence

from lighthoused.mount.moment import Past
from lighthoused.mount.nodes import Nodes, is_current
from lighthoused.mount.provenance import Provenance
from lighthoused.tree.attributes import OWN
from lighthoused.tree.reading import Reading
from lighthoused.tree.refusal import refuse

_UNSUPPORTED = (b"system.", b"security.selinux")
"""Those that nothing here has: saying so makes programs stop asking for each file (ls -l does)."""


def check_supported(name: bytes) -> None:
    """Raises OSError EOPNOTSUPP."""
    if name.startswith(_UNSUPPORTED):
        raise refuse(errno.EOPNOTSUPP)


class Xattrs:
    """Reads the extended attributes of any number."""

    def __init__(self, reading: Reading, nodes: Nodes, provenance: Provenance) -> None:
        self._reading = reading
        self._nodes = nodes
        self._provenance = provenance

    async def value(self, number: int, name: bytes) -> bytes:
        """One attribute. Raises OSError ENODATA, ENOENT, ESTALE, or ENOSPC, EIO where content must become a version."""
        value = await self._told(number, name) if name.startswith(OWN) else self._stored(number).get(name)
        if value is None:
            raise refuse(errno.ENODATA)
        return value

    def names(self, number: int) -> Sequence[bytes]:
        """The names of all attributes. Raises OSError ENOENT, ESTALE."""
        versioned = is_current(number) or isinstance(self._nodes.virtual(number), Past)
        return [*self._stored(number), *(self._provenance.names if versioned else ())]

    def _stored(self, number: int) -> dict[bytes, bytes]:
        if not is_current(number):
            return self._nodes.virtual(number).attributes().xattrs
        inode = self._reading.status(number)
        if inode is None:
            raise refuse(errno.ENOENT)
        return inode.xattrs

    async def _told(self, number: int, name: bytes) -> bytes | None:
        if is_current(number):
            return await self._provenance.value(name, number)
        node = self._nodes.virtual(number)
        return await self._provenance.value(name, node.ino, node.at) if isinstance(node, Past) else None
