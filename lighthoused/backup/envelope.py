"""What is stored of each pack: compressed by zstd and, where there are recipients, encrypted by age (C2SP.org/age).

The machine that backs up needs the recipients (public keys) alone; only who restores needs the identity.
"""

from pathlib import Path
from typing import Any

import zstandard

from lighthoused.core.errors import Corrupt, Invalid
from lighthoused.credentials import read_secret

LEVEL = 6
PLAIN, AGE = b"P", b"A"


class Envelope:
    """`recipients` as ``age1...``; `identity`: a file with the ``AGE-SECRET-KEY-1...`` that opens."""

    def __init__(self, recipients: tuple[str, ...] = (), identity: Path | None = None) -> None:
        self._recipients = [_recipient(text) for text in recipients]
        self._identity = _identity(identity) if identity is not None else None

    @property
    def encrypts(self) -> bool:
        """Whether what is closed can be opened only with an identity."""
        return bool(self._recipients)

    def close(self, content: bytes) -> bytes:
        """Its stored form."""
        packed = zstandard.compress(content, LEVEL)
        if not self._recipients:
            return PLAIN + packed
        import pyrage

        return AGE + bytes(pyrage.encrypt(packed, self._recipients))

    def open(self, stored: bytes) -> bytes:
        """The content. Raises Invalid without the identity, Corrupt."""
        kind, packed = stored[:1], stored[1:]
        if kind == AGE:
            packed = self._decrypted(packed)
        try:
            return zstandard.decompress(packed)
        except zstandard.ZstdError as error:
            raise Corrupt(f"A pack of the backup cannot be read: {error}.") from None

    def _decrypted(self, packed: bytes) -> bytes:
        import pyrage

        if self._identity is None:
            raise Invalid("The backup is encrypted.", "Name the file of its identity with --identity.")
        try:
            return bytes(pyrage.decrypt(packed, [self._identity]))
        except pyrage.DecryptError as error:
            raise Corrupt(f"A pack of the backup cannot be decrypted: {error}.", "Is it the right identity?") from None


def new_identity() -> tuple[str, str]:
    """A secret identity and its public recipient."""
    import pyrage

    made = pyrage.x25519.Identity.generate()
    return str(made), str(made.to_public())


def recipients_in(file: Path) -> tuple[str, ...]:
    """Public keys in a file, one on each line; ``#`` begins a comment. Raises Invalid."""
    lines = read_secret(file, "The list of recipients").decode("utf-8", "replace").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _recipient(text: str) -> Any:
    import pyrage

    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise Invalid(
            f"{text[:12]!r}... is no recipient.", "It begins with age1: `lighthousectl backup keygen`."
        ) from None


def _identity(path: Path) -> Any:
    import pyrage

    try:
        lines = path.read_text("utf-8").splitlines()
        secret = next(line.strip() for line in lines if line.startswith("AGE-SECRET-KEY-"))
        return pyrage.x25519.Identity.from_str(secret)
    except (OSError, UnicodeDecodeError, StopIteration, pyrage.IdentityError):
        raise Invalid(f"{path} is no readable file with an age identity.") from None
