"""The image of this checkout, and a directory that containers share mounts in."""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.engine import Engine, missing
from tests_support.machine import NoFiles
from tests_support.packages import build
from tests_support.sharing import OWNER, Place


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """podman with the image; a skip with the reason where there can be none."""
    if reason := missing():
        pytest.skip(reason)
    build("onedir")
    made = Engine(tmp_path_factory.mktemp("engine"))
    try:
        made.build()
        yield made
    except NoFiles as reason:
        pytest.skip(str(reason))
    finally:
        made.close()


@pytest.fixture(scope="session")
def shared_mount(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory on a mount that is shared, as all are under systemd."""
    directory = tmp_path_factory.mktemp("shared")
    subprocess.run(["mount", "--bind", directory, directory], check=True)
    subprocess.run(["mount", "--make-shared", directory], check=True)
    yield directory
    subprocess.run(["umount", "--lazy", "--recursive", directory], check=False)


@pytest.fixture
def place(engine: Engine, shared_mount: Path) -> Iterator[Place]:
    """A place of its own for each test."""
    directory = Path(tempfile.mkdtemp(dir=shared_mount))
    directory.chmod(0o755)
    subprocess.run(["chown", str(OWNER), directory], check=True)
    made = Place(engine, directory)
    yield made
    made.close()
