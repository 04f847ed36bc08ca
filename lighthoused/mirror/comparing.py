"""Is a directory empty or equal to a project? Asked before they are bound to each other."""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import trio

from lighthoused.mirror.entry import Entry, Seen, below
from lighthoused.mirror.inside import Inside
from lighthoused.mirror.outside import Changed, Outside
from lighthoused.protocol.messages.projects import Project
from lighthoused.tree.tree import Tree

Tell = Callable[[str, int, int], None]


async def first_difference(
    tree: Tree, project: Project, directory: Path, excluded: Callable[[bytes], bool], tell: Tell
) -> bytes | None:
    """A path that differs in more than its time, None where there is none or the directory is empty."""
    outside = Outside(directory, owners=False)
    inside = Inside(tree, project, owners=False)
    root = os.fsencode(directory)

    async def names(path: bytes) -> set[bytes]:
        found = await trio.to_thread.run_sync(outside.names, path)
        return {name for name in found if not excluded(root + b"/" + below(path, name))}

    try:
        if not await names(b""):
            return None
        todo = [b""]
        done = 0
        while todo:
            at = todo.pop()
            for name in sorted(await names(at) | set(inside.names(at))):
                path = below(at, name)
                state = await inside.settled(path)
                here = await trio.to_thread.run_sync(inside.seen, state, None)
                try:
                    there = await trio.to_thread.run_sync(outside.look, path, None)
                except Changed:
                    return path
                if _timeless(here) != _timeless(there):
                    return path
                if here is not None and here.entry.is_dir:
                    todo.append(path)
                done += 1
                tell("comparing", done, 0)
        return None
    finally:
        outside.close()


def _timeless(seen: Seen | None) -> Entry | None:
    return msgspec.structs.replace(seen.entry, mtime=0) if seen is not None else None
