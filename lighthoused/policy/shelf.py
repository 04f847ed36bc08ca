"""The directory of policies that were put by RPC: one file each, only its owner's, replaced atomically.

The log says what belongs here (`api/policies.py`); this only keeps files. Must not know what is in them.
"""

import os
import re
from pathlib import Path

from lighthoused.core.errors import Invalid, StoreFailed

SUFFIX = ".rego"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


class Shelf:
    """A directory, made when the first policy is put into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Where a policy of this name lies. Raises Invalid for what can be no name."""
        if not _NAME.fullmatch(name):
            raise Invalid(
                f"A policy cannot be called {name!r}.",
                "Use up to 64 lower case letters, digits, hyphens and underscores, such as team-rules.",
            )
        return self.folder / (name + SUFFIX)

    def write(self, name: str, source: str) -> None:
        """Put a policy here, whole or not at all. Raises StoreFailed."""
        path = self.path(name)
        new = path.with_suffix(".new")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(source.encode())
                opened.flush()
                os.fsync(descriptor)
            os.rename(new, path)
            self._sync()
        except OSError as error:
            raise StoreFailed(f"The policy {path} cannot be written: {error.strerror}.") from None

    def remove(self, name: str) -> None:
        """Take a policy away, if it is here. Raises StoreFailed."""
        path = self.path(name)
        try:
            path.unlink(missing_ok=True)
            if self.folder.is_dir():
                self._sync()
        except OSError as error:
            raise StoreFailed(f"The policy {path} cannot be removed: {error.strerror}.") from None

    def read(self, name: str) -> str | None:
        """The source of a policy; None where there is none that can be read."""
        try:
            return self.path(name).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def _sync(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
