"""Where policies come from: those of the package, and ``*.rego`` files in directories. Bounded."""

import re
from importlib import resources
from pathlib import Path

from lighthoused.core.errors import Invalid

MAX_FILES = 200
MAX_BYTES = 1 << 20
_PACKAGE = re.compile(r"^\s*package\s+lighthouse\s*$", re.MULTILINE)


def builtin() -> dict[str, str]:
    """The default policies by name."""
    folder = resources.files("lighthoused.policy") / "default"
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".rego")), key=lambda item: item.name)
    return {f"default/{item.name}": item.read_text("utf-8") for item in files}


def of_user(folders: tuple[Path, ...]) -> dict[str, str]:
    """The user's policies by path. A directory that does not exist has none. Raises Invalid."""
    sources: dict[str, str] = {}
    for folder in folders:
        for path in _files(folder):
            if len(sources) >= MAX_FILES:
                raise Invalid(f"There are more than {MAX_FILES} policies in {folder}.")
            source = _read(path)
            check(str(path), source)
            sources[str(path)] = source
    return sources


def check(name: str, source: str) -> None:
    """Whether a policy is of the size and package that policies have. Raises Invalid."""
    if len(source.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise Invalid(f"The policy {name} has more than {MAX_BYTES} bytes.")
    if not _PACKAGE.search(source):
        raise Invalid(f"The policy {name} is not in package lighthouse.", "Begin it with: package lighthouse")


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*.rego")) if folder.is_dir() else []
    except OSError as error:
        raise Invalid(f"The policies in {folder} cannot be read: {error.strerror}.") from None


def _read(path: Path) -> str:
    try:
        with open(path, "rb") as opened:
            content = opened.read(MAX_BYTES + 1)
        return content.decode()
    except OSError as error:
        raise Invalid(f"The policy {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        if len(content) > MAX_BYTES:
            raise Invalid(f"The policy {path} has more than {MAX_BYTES} bytes.") from None
        raise Invalid(f"The policy {path} is not UTF-8 text (byte {error.start}).") from None
