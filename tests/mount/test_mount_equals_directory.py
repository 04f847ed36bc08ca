"""The mount equals a plain directory under the same random operations, and replaying the log equals the live state."""

import contextlib
import errno
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests_support.running import Running

from lighthoused.core.events import Event
from lighthoused.core.inode import decode_change, rows_of
from lighthoused.store.schema import DENTRIES, INODES, descending
from lighthoused.store.store import Store

NAMES = st.sampled_from(["a", "b", "c", "d/a", "d/b", "d/e/a", "é", "x" * 200])
OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), NAMES, st.binary(max_size=300), st.integers(0, 300_000)),
        st.tuples(st.just("append"), NAMES, st.binary(max_size=300)),
        st.tuples(st.just("truncate"), NAMES, st.integers(0, 400_000)),
        st.tuples(st.just("mkdir"), st.sampled_from(["d", "d/e", "f", "a"])),
        st.tuples(st.just("unlink"), NAMES),
        st.tuples(st.just("rmdir"), st.sampled_from(["d", "d/e", "f", "a"])),
        st.tuples(st.just("rename"), NAMES, NAMES),
        st.tuples(st.just("rename"), st.sampled_from(["d", "f", "d/e"]), st.sampled_from(["d", "f", "g", "f/h"])),
        st.tuples(st.just("link"), NAMES, NAMES),
        st.tuples(st.just("symlink"), NAMES, NAMES),
        st.tuples(st.just("chmod"), NAMES, st.integers(0, 0o777)),
    ),
    max_size=40,
)


def perform(root: Path, operation: tuple[Any, ...]) -> int:
    """Do it; 0 or the errno it was refused with."""
    kind, name, *rest = operation
    path = root / name
    try:
        if kind == "write":
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o644), "wb") as file:
                file.seek(rest[1])
                file.write(rest[0])
        elif kind == "append":
            with open(path, "ab") as file:
                file.write(rest[0])
        elif kind == "truncate":
            os.truncate(path, rest[0])
        elif kind in ("rename", "link"):
            getattr(os, kind)(path, root / rest[0])
        elif kind == "symlink":
            os.symlink(rest[0], path)
        elif kind == "chmod":
            os.chmod(path, rest[0], follow_symlinks=True)
        else:
            getattr(os, kind)(path)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def picture(root: Path) -> dict[str, tuple[Any, ...]]:
    """What is below a directory: kinds, modes, link counts, content."""
    found: dict[str, tuple[Any, ...]] = {}
    for directory, names, files in os.walk(root):
        for name in (*names, *files):
            path = Path(directory) / name
            status = path.lstat()
            shown: Any = None
            if stat.S_ISREG(status.st_mode):
                os.chmod(path, status.st_mode | 0o400)
                shown = path.read_bytes()
                os.chmod(path, status.st_mode & 0o7777)
            elif stat.S_ISLNK(status.st_mode):
                shown = os.readlink(path)
            links = status.st_nlink if not stat.S_ISDIR(status.st_mode) else 0
            found[str(path.relative_to(root))] = (status.st_mode, links, shown)
    return found


def emptied(root: Path) -> Path:
    for entry in root.iterdir():
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    return root


def test_the_mount_equals_a_plain_directory(running: Running, tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.mkdir()

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(OPERATIONS)
    def same(operations: list[tuple[Any, ...]]) -> None:
        emptied(plain)
        emptied(running.current)
        for operation in operations:
            assert perform(running.current, operation) == perform(plain, operation), operation
        assert picture(running.current) == picture(plain)

    same()
    seq = running.head()
    assert picture_of_past(running, seq) == picture(plain)
    assert running.stop() == 0
    assert replayed(running.state) == stored(running.state)


def picture_of_past(running: Running, seq: int) -> dict[str, tuple[Any, ...]]:
    """The same of ``history/@seq``, which is read-only: nothing may need a chmod there (tests run as root)."""
    target = running.mount.parent / "exported"
    running.ctl("project", "export", "demo", str(target), "--at", f"@{seq}")
    return picture(target)


def replayed(state: Path) -> dict[str, set[tuple[bytes, bytes]]]:
    """The tree's tables as folded from the log alone."""
    store = Store(state)
    tables: dict[str, set[tuple[bytes, bytes]]] = {INODES.name: set(), DENTRIES.name: set()}
    for _, value in store.log.raw(0, 1_000_000):
        event = msgspec.msgpack.decode(value[32:], type=Event)
        if event.stream.startswith("tree/"):
            for table, prefix, row in rows_of(decode_change(event.payload)):
                tables[table].add((prefix + descending(event.seq), row))
    store.close()
    return tables


def stored(state: Path) -> dict[str, set[tuple[bytes, bytes]]]:
    """The tree's tables as they are."""
    store = Store(state)
    with store.env.read() as txn:
        tables = {table.name: set(txn.cursor(db=store.env.table(table)).iternext()) for table in (INODES, DENTRIES)}
    store.close()
    return tables
