"""Secrets as files: those that systemd passes (systemd.exec(5), Credentials), found by name; and reading one.

Knows names and files, neither what a secret is for nor the configuration. A file that `systemd-creds encrypt` made is
passed as ``NAME.encrypted``, decrypted. What a file holds is in no message.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from lighthoused.core.errors import Invalid

DIRECTORY = "CREDENTIALS_DIRECTORY"
PREFIX = "lighthouse."
ENCRYPTED = ".encrypted"
MAX_SECRET = 1 << 20


def passed(name: str, environ: Mapping[str, str]) -> Path | Literal[""]:
    """The file of a credential that systemd passed, "" where it passed none by this name.

    What a reload runs is shown the directory and may not enter it: nothing was passed to it.
    """
    directory = environ.get(DIRECTORY, "")
    if not directory:
        return ""
    files = (Path(directory, PREFIX + name + ending) for ending in ("", ENCRYPTED))
    return next((file for file in files if os.path.exists(file)), "")


def names_passed(environ: Mapping[str, str]) -> list[str]:
    """All credentials of ours that systemd passed."""
    try:
        found = os.listdir(environ.get(DIRECTORY, ""))
    except OSError:
        return []
    return sorted(name.removeprefix(PREFIX).removesuffix(ENCRYPTED) for name in found if name.startswith(PREFIX))


def read_secret(file: Path, what: str) -> bytes:
    """What a file holds. Raises Invalid, with `what` it is and the file."""
    try:
        with open(file, "rb") as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                raise Invalid(f"{what}, {file}, is no file.")
            held = opened.read(MAX_SECRET + 1)
    except OSError as error:
        raise Invalid(f"{what}, {file}, cannot be read: {error.strerror}.", "See docs/operations.md.") from None
    if len(held) > MAX_SECRET:
        raise Invalid(f"{what}, {file}, has over {MAX_SECRET} bytes, which no secret needs.")
    return held


def read_line(file: Path, what: str) -> str:
    """A secret that is one line of printable ASCII, as a header takes it. Raises Invalid."""
    try:
        text = read_secret(file, what).decode("ascii").strip()
    except UnicodeDecodeError:
        text = ""
    if not text or not text.isprintable() or " " in text:
        raise Invalid(f"{what}, {file}, must be one line of printable ASCII without spaces.")
    return text
