"""The ring of keys that sign tokens: a file with a line ``<key id> <hex key>`` for each.

The last one signs, all of them verify: a new key is added long before the old one is retired. The ring is in the state
and changed by us, or it is a credential that whoever started us manages. Knows no tokens.
"""

import os
import secrets
from pathlib import Path

from lighthoused.core.errors import Conflict, Corrupt, Invalid, NotFound

KEY_BYTES = 32
MAX_KEYS = 16
MAX_FILE = 64 * 1024


class KeyRing:
    """Signing keys by id. `managed`: somebody else's file, which is only read."""

    def __init__(self, keys: dict[str, bytes], path: Path | None = None, *, managed: bool = False) -> None:
        self.keys = keys
        self.path = path
        self.managed = managed

    @property
    def signing(self) -> str:
        """Id of the newest key."""
        return list(self.keys)[-1]

    @classmethod
    def load(cls, path: Path, *, managed: bool = False) -> "KeyRing":
        """The ring in a file; one of our own is made with one key if it is not there. Raises Corrupt, Invalid."""
        if not managed and not path.exists():
            _write(path, dict([_new_key()]))
        return cls(_read(path), path, managed=managed)

    def reread(self) -> None:
        """Take what the file holds now. Raises Corrupt, Invalid, and keeps the keys from before."""
        if self.path is not None:
            self.keys = _read(self.path)

    def rotate(self) -> str:
        """Add a key, which signs from now on; its id. Raises Conflict, Invalid."""
        path = self._own()
        if len(self.keys) >= MAX_KEYS:
            raise Invalid(f"The ring holds {MAX_KEYS} keys, the most there may be.", "Retire one that is not needed.")
        name, key = _new_key()
        changed = {**self.keys, name: key}
        _write(path, changed)
        self.keys = changed
        return name

    def retire(self, name: str) -> None:
        """Remove a key: tokens that it signed are refused from now on. Raises Conflict, Invalid, NotFound."""
        path = self._own()
        if name not in self.keys:
            raise NotFound(f"There is no key {name!r}.", "`lighthousectl token keys` lists them.")
        if name == self.signing:
            raise Invalid(f"{name} signs new tokens.", "`lighthousectl token rotate` first, and issue tokens anew.")
        changed = {each: key for each, key in self.keys.items() if each != name}
        _write(path, changed)
        self.keys = changed

    def _own(self) -> Path:
        if self.managed or self.path is None:
            raise Conflict(
                "The key ring is a credential, which the daemon does not change.",
                "Add or remove a line there (`lighthousectl token newkey` makes one), "
                "then `systemctl restart lighthoused`.",
            )
        return self.path


def new_line() -> str:
    """A new key as a line of a ring's file."""
    return _line(*_new_key())


def _new_key() -> tuple[str, bytes]:
    return f"k{secrets.token_hex(4)}", secrets.token_bytes(KEY_BYTES)


def _line(name: str, key: bytes) -> str:
    return f"{name} {key.hex()}\n"


def _read(path: Path) -> dict[str, bytes]:
    try:
        with open(path, encoding="ascii") as file:
            lines = file.read(MAX_FILE).splitlines()
    except UnicodeDecodeError:
        raise Corrupt(f"{path} is no key ring: it is not text.") from None
    except OSError as error:
        raise Invalid(f"The key ring {path} cannot be read: {error.strerror}.") from None
    keys = {}
    for line in filter(str.strip, lines):
        name, _, key = line.partition(" ")
        try:
            keys[name] = bytes.fromhex(key)
        except ValueError:
            keys[name] = b""
        if not name or len(keys[name]) < KEY_BYTES:
            raise Corrupt(f"{path} has a line that is no key.", "Each is '<id> <64 or more hex digits>'.")
    if not keys:
        raise Corrupt(f"{path} holds no key.", "`lighthousectl token newkey` makes one.")
    return keys


def _write(path: Path, keys: dict[str, bytes]) -> None:
    """Make a private file that is there whole or not at all."""
    partial = path.with_name(path.name + ".new")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(_line(name, key) for name, key in keys.items())
        file.flush()
        os.fsync(descriptor)
    partial.rename(path)
