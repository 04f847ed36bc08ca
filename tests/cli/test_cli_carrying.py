"""A project that is imported through the mount."""

import os
import socket
import struct
from pathlib import Path

import pytest
from tests_support.running import Running


def test_a_directory_is_copied_with_links_times_and_modes(running: Running, tmp_path: Path) -> None:
    source = tmp_path / "other"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "script").write_text("#!/bin/sh\n")
    (source / "sub" / "script").chmod(0o750)
    (source / "link").symlink_to("sub/script")
    os.link(source / "sub" / "script", source / "again")
    os.utime(source / "again", ns=(1, 2))
    running.ctl("project", "import", "--copy", str(source))
    there = running.mount / "other" / "current"
    status = (there / "sub" / "script").stat()
    assert (status.st_mode & 0o7777, status.st_mtime_ns, status.st_nlink) == (0o750, 2, 2)
    assert (there / "link").readlink() == Path("sub/script")
    assert (there / "again").read_text() == "#!/bin/sh\n"


def test_a_name_that_is_taken_is_refused_and_nothing_is_copied(running: Running, tmp_path: Path) -> None:
    source = tmp_path / "other"
    source.mkdir()
    (source / "new").write_text("new")
    done = running.ctl("project", "import", "--copy", str(source), "--name", "demo", check=False)
    assert done.returncode == 1
    assert "demo" in done.stderr
    assert not (running.current / "new").exists()


def entry(tag: int, rights: int, id: int = 0xFFFFFFFF) -> bytes:
    return struct.pack("<HHI", tag, rights, id)


def test_of_access_lists_the_modes_are_kept(running: Running, tmp_path: Path) -> None:
    """acl(5): owner rwx, user 1 r-x, group r-x, mask r-x, other nothing."""
    acl = struct.pack("<I", 2) + entry(1, 7) + entry(2, 5, 1) + entry(4, 5) + entry(16, 5) + entry(32, 0)
    source = tmp_path / "listed"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "script").write_text("x")
    (source / "plain").write_text("x")
    (source / "plain").chmod(0o640)
    for path in (source / "sub", source / "sub" / "script"):
        try:
            os.setxattr(path, "system.posix_acl_access", acl)
        except OSError as error:
            pytest.skip(f"no access lists here: {error}")
    done = running.ctl("project", "import", "--copy", str(source))
    assert "2 entries have lists of access rights (ACLs), which are not kept" in done.stderr
    there = running.mount / "listed" / "current"
    for name in ("sub", "sub/script", "plain"):
        assert (there / name).stat().st_mode == (source / name).stat().st_mode, name
        assert (there / name).stat().st_mtime_ns == (source / name).stat().st_mtime_ns


def test_what_cannot_be_copied_is_told(running: Running, tmp_path: Path) -> None:
    source = tmp_path / "sockets"
    source.mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(source / "sock"))
        (source / "kept").write_text("x" * 10)
        done = running.ctl("project", "import", "--copy", str(source), check=False)
    there = running.mount / "sockets" / "current"
    assert (there / "kept").read_text() == "x" * 10
    assert done.returncode == 0 or "could be copied" in done.stderr
