"""Other people's suites for filesystems, under the mount: pjdfstest, fio with verification, stress-ng.

pjdfstest runs where ``LIGHTHOUSE_PJDFSTEST`` names its directory with the compiled program; the others where installed.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.running import Running, serving

PJDFSTEST = os.environ.get("LIGHTHOUSE_PJDFSTEST", "")
PJDFSTEST_S = 3600
STRESSORS = """
access acl chdir chmod chown copy-file dentry dir dirdeep dirmany dnotify dup eventfd fallocate fcntl fd-fork fiemap
file-ioctl filename flock fpunch fsize fstat getdent handle inode-flags inotify io iomix lease link locka lockf lockmix
lockofd metamix mknod open readahead rename symlink touch unlink utime xattr
""".split()  # noqa: SIM905
needs = pytest.mark.skipif


def run(*command: str, cwd: Path, timeout: float = 250) -> str:
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def open_to_all() -> Iterator[Running]:
    """A daemon whose mount other users may enter; pytest's own directories are closed to them."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        base.chmod(0o755)
        config = base / "lighthouse.toml"
        config.write_text("[mount]\nallow_other = true\n")
        (base / "demo").mkdir()
        with serving(Running(base, base / "demo", "--config", str(config))) as daemon:
            yield daemon


@pytest.mark.timeout(PJDFSTEST_S)
@needs(not PJDFSTEST, reason="LIGHTHOUSE_PJDFSTEST names no directory of pjdfstest")
@needs(os.geteuid() != 0, reason="pjdfstest runs as root")
def test_pjdfstest_passes_whole(open_to_all: Running) -> None:
    here = open_to_all.current / "pjd"
    here.mkdir()
    said = run("prove", "--recurse", "--failures", f"{PJDFSTEST}/tests", cwd=here, timeout=PJDFSTEST_S)
    assert "All tests successful" in said


@needs(shutil.which("fio") is None, reason="fio is not installed")
@pytest.mark.parametrize("engine", ["psync", "mmap"])
def test_fio_reads_back_what_it_wrote(running: Running, engine: str) -> None:
    said = run(
        "fio",
        "--name=verified",
        f"--ioengine={engine}",
        "--rw=randrw",
        "--bsrange=4k-128k",
        "--size=24m",
        "--numjobs=2",
        "--verify=crc32c",
        "--verify_fatal=1",
        "--do_verify=1",
        "--fsync=200",
        cwd=running.current,
    )
    assert said.count("err= 0") == 2
    running.settle()


@needs(shutil.which("stress-ng") is None, reason="stress-ng is not installed")
def test_stress_ng_does_not_break_the_mount(running: Running) -> None:
    known = run("stress-ng", "--class", "filesystem?", cwd=running.current).split()
    there = [name for name in STRESSORS if name in known]
    for name in there:
        run("stress-ng", f"--{name}", "2", f"--{name}-ops", "50", "--timeout", "2", "--verify", cwd=running.current)
    assert len(there) > 20
    running.settle()
    assert (running.current / "kept.txt").read_text() == "kept"
    assert running.ctl("fsck").returncode == 0
