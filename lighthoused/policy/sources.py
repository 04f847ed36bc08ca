"""Where policies come from: those of the package, and ``*.rego`` files in directories of the user. Bounded."""

import re
from importlib import resources
from pathlib import Path

from lighthoused.core.errors import Invalid

MAX_FILES = 200
MAX_BYTES = 1 << 20
_PACKAGE = re.compile(r"^\s*package\s+lighthouse\b", re.MULTILINE)


def builtin() -> dict[str, str]:
    """The default policies by name."""
    folder = resources.files("lighthoused.policy") / "default"
    return {f"default/{item.name}": item.read_text("utf-8") for item in folder.iterdir() if item.name.endswith(".rego")}


def of_user(folders: tuple[Path, ...]) -> dict[str, str]:
    """The user's policies by path. A directory that does not exist has none. Raises Invalid."""
    sources: dict[str, str] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.rego")) if folder.is_dir() else ():
            if len(sources) >= MAX_FILES:
                raise Invalid(f"There are more than {MAX_FILES} policies in {folder}.")
            source = _read(path)
            if not _PACKAGE.search(source):
                raise Invalid(f"The policy {path} is not in package lighthouse.", "Begin it with: package lighthouse")
            sources[str(path)] = source
    return sources


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise Invalid(f"The policy {path} has more than {MAX_BYTES} bytes.")
        return path.read_text("utf-8")
    except OSError as error:
        raise Invalid(f"The policy {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise Invalid(f"The policy {path} is not UTF-8 text (byte {error.start}).") from None
