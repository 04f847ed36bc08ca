"""The Debian package, as far as it can be judged without installing it (tests/machines installs it)."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tests_support.packages import build

import lighthoused

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def deb() -> Path:
    return build("deb")


def test_lintian_finds_nothing(deb: Path) -> None:
    if shutil.which("lintian") is None:
        pytest.skip("no lintian")
    judge = ["lintian", "--display-info", "--tag-display-limit=0", "--allow-root", str(deb)]
    done = subprocess.run(judge, capture_output=True, text=True, check=False)
    found = [line for line in done.stdout.splitlines() if line.startswith(("E:", "W:", "I:"))]
    assert not found, "\n".join(found)
    assert done.returncode == 0, done.stderr


def test_it_says_what_it_is(deb: Path) -> None:
    said = subprocess.run(["dpkg-deb", "--field", deb], capture_output=True, text=True, check=True).stdout
    assert f"Version: {lighthoused.__version__}-1\n" in said
    listed = subprocess.run(["dpkg-deb", "--contents", deb], capture_output=True, text=True, check=True).stdout
    for file in (
        "./usr/bin/lighthousectl -> ",
        "./usr/share/man/man1/lighthousectl.1.gz",
        "./usr/share/bash-completion/completions/lighthousectl",
        "./lib/systemd/system/lighthoused.service",
        "./usr/share/doc/lighthoused/licenses/pyfuse3/",
    ):
        assert file in listed, file


def test_it_installs_where_the_c_library_is_older_than_here(deb: Path) -> None:
    """On Ubuntu 22.04, with 2.35, and what is later; built on Debian 12, with 2.36."""
    asked = subprocess.run(["dpkg-deb", "--field", deb, "Depends"], capture_output=True, text=True, check=True).stdout
    needed = dict(re.findall(r"([a-z0-9+-]+) \(>= ([0-9.]+)\)", asked))
    assert "libstdc++6" in needed
    assert not {"libfuse3-3", "libssl3", "libsqlite3-0"} & set(re.findall(r"[a-z0-9+-]+", asked)), asked
    if "VERSION_CODENAME=bookworm" in Path("/etc/os-release").read_text():
        assert tuple(map(int, needed["libc6"].split("."))) <= (2, 35)
