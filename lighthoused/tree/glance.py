"""A file of `current/` as a person is shown it. Reads the tree itself, never the mount, and follows no link."""

import trio

from lighthoused.core.inode import Inode
from lighthoused.core.sight import FileView, kind_of, seen_as
from lighthoused.tree.node import Node
from lighthoused.tree.projects import Projects
from lighthoused.tree.reading import Reading


class Glance:
    """Looks at files below `mount` ("": nothing is mounted). `of` is for the trio thread and takes less than 1 ms."""

    def __init__(self, projects: Projects, reading: Reading, mount: str) -> None:
        self._projects = projects
        self._reading = reading
        self._mount = mount

    def of(self, path: str) -> FileView:
        """The file at a normal absolute path, as it is now."""
        found = self._inside(path)
        if found is None:
            return FileView(path, "elsewhere")
        node = self._at(*found)
        if node is None:
            return FileView(path, "absent")
        view = kind_of(path, node.mode, node.size, node.mtime, node.target)
        return view or seen_as(path, self._reading.read(node, 0, node.size))

    def text(self, path: str) -> str | None:
        """What a file holds now, if it is a short text; worker threads of the trio run may ask this, too."""
        try:
            trio.lowlevel.current_task()
        except RuntimeError:
            return trio.from_thread.run_sync(self.text, path)
        view = self.of(path)
        return view.text if view.state == "text" else None

    def _inside(self, path: str) -> tuple[int, str] | None:
        """A project's root and the path below it; None where `path` is not in a project's present."""
        if not self._mount or not path.startswith(self._mount + "/"):
            return None
        name, _, below = path[len(self._mount) + 1 :].partition("/")
        room, _, within = below.partition("/")
        project = self._projects.find(name)
        return (project.root, within) if project is not None and room == "current" and within else None

    def _at(self, root: int, within: str) -> Inode | Node | None:
        """What is there, or the first link on the way to it."""
        ino = root
        node: Inode | Node | None = None
        for part in within.encode("utf-8", "surrogatepass").split(b"/"):
            entry = self._reading.entry(ino, part)
            node = self._reading.status(entry.ino) if entry is not None else None
            if entry is None or node is None or node.target:
                return node
            ino = entry.ino
        return node
