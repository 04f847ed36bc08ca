"""The wheel, as pip installs it into a fresh environment."""

import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest
from tests_support.packages import ROOT, build

import lighthoused

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def test_it_says_what_it_is() -> None:
    wheel = build("wheel")
    said = metadata(wheel)
    assert said["Version"] == lighthoused.__version__
    assert said["License-Expression"] == "Apache-2.0"
    assert said["License-File"] == "LICENSE"
    with tarfile.open(next(wheel.parent.glob("lighthoused-*.tar.gz"))) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml", "lighthoused/policy/default/main.rego"} <= names


def test_the_source_distribution_builds_the_same_wheel(tmp_path: Path) -> None:
    wheel = build("wheel")
    with tarfile.open(next(wheel.parent.glob("lighthoused-*.tar.gz"))) as source:
        source.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    again = [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "dist", unpacked]
    done = subprocess.run(again, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = (tmp_path / "dist").iterdir()
    with zipfile.ZipFile(wheel) as first, zipfile.ZipFile(made) as second:
        assert sorted(first.namelist()) == sorted(second.namelist())


def test_it_runs_from_a_fresh_environment(tmp_path: Path) -> None:
    wheel = build("wheel")
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "-c", ROOT / "requirements.lock", wheel], check=True)
    ctl = tmp_path / "venv/bin/lighthousectl"
    version = subprocess.run([ctl, "--version"], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert lighthoused.__version__ in version.stdout
    judged = subprocess.run([ctl, "check", "--local", "rm -rf ~"], capture_output=True, text=True, cwd=tmp_path)
    assert judged.returncode == 1, judged.stderr
