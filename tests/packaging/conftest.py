"""What users install, built from this checkout where that was not done already."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"


@pytest.fixture(scope="session")
def built() -> Callable[[str], Path]:
    """Builds a form as `./dev build` does; where it is."""

    def build(form: str) -> Path:
        if sys.prefix != str(ROOT / ".venv"):
            pytest.skip("the packages are built from .venv: ./dev test")
        done = subprocess.run([ROOT / "packaging/build", form], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return one(
            {"onedir": "lighthoused", "onefile": "lighthoused-*-linux-*", "wheel": "*.whl", "deb": "*.deb"}[form]
        )

    return build


def one(pattern: str) -> Path:
    """The only file of `dist/` of this name."""
    (found,) = DIST.glob(pattern)
    return found
