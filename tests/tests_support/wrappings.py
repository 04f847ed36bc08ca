"""Ways to wrap a command, by placeholders for forms of it (tests/gate/data/wrappers.toml)."""

import base64
import binascii
import bz2
import codecs
import gzip
import json
import lzma
import shlex
import tomllib
import zlib
from pathlib import Path

_FILES = Path(__file__).parents[1] / "gate" / "data"


def forms(command: str) -> dict[str, str]:
    """The command plain, quoted and encoded, by the names of placeholders."""
    first, _, rest = command.partition(" ")
    data = command.encode()
    return {
        "c": command,
        "q": shlex.quote(command),
        "qq": shlex.quote(shlex.quote(command)),
        "bang": shlex.quote("!" + command),
        "eval": shlex.quote("1e " + command),
        "first": first,
        "head": first[0],
        "tail": first[1:],
        "mid": first[:-1],
        "end": first[-1],
        "rest": rest,
        "upper": first.upper(),
        "shout": command.upper(),
        "qrest": shlex.quote(rest),
        "ifs": command.replace(" ", "${IFS}"),
        "comma": command.replace(" ", ","),
        "colon": command.replace(" ", ":"),
        "under": command.replace(" ", "_"),
        "at": command.replace(" ", "@"),
        "rev": command[::-1],
        "hex": data.hex(),
        "hexs": "".join(f"\\x{byte:02x}" for byte in data),
        "hexname": "".join(f"\\x{byte:02x}" for byte in first.encode()),
        "octal": "".join(f"\\{byte:03o}" for byte in data),
        "octname": "".join(f"\\{byte:03o}" for byte in first.encode()),
        "hexlist": " ".join(f"{byte:02x}" for byte in data),
        "octlist": " ".join(f"{byte:03o}" for byte in data),
        "ords": str(list(data)),
        "rot": codecs.encode(command, "rot13"),
        "b64": base64.b64encode(data).decode(),
        "b64b64": base64.b64encode(base64.b64encode(data)).decode(),
        "b64rev": base64.b64encode(data).decode()[::-1],
        "b32": base64.b32encode(data).decode(),
        "gz": base64.b64encode(gzip.compress(data, mtime=0)).decode(),
        "bz": base64.b64encode(bz2.compress(data)).decode(),
        "xz": base64.b64encode(lzma.compress(data)).decode(),
        "zb": base64.b64encode(zlib.compress(data)).decode(),
        "json": json.dumps(command),
        **_spelled(command),
    }


def _spelled(command: str) -> dict[str, str]:
    """The command in pieces, as numbers, and in less usual codes."""
    data, words = command.encode(), command.split()
    return {
        "commas": ", ".join(map(json.dumps, words)),
        "quotedwords": ", ".join(map(json.dumps, words)),
        "commarest": ",".join(words[1:]),
        "reversewords": shlex.quote(" ".join(reversed(words))),
        "spacedq": command,
        "backslashed": command.replace(" ", "\\ "),
        "shoutq": shlex.quote(command.upper()),
        "spelled": " ".join(map(shlex.quote, command)),
        "spelledline": shlex.quote(" ".join(command.replace(" ", "_"))),
        "sprinkled": shlex.quote("@".join(command)),
        "doubled": "".join(f"{each}z" for each in command),
        "even": command[::2],
        "odd": command[1::2] + " " * (len(command) % 2),
        "len": str(len(data)),
        "ordlist": ",".join(map(str, data)),
        "ordspace": " ".join(map(str, data)),
        "plus3": str([byte + 3 for byte in data]),
        "bigint": str(int.from_bytes(data, "big")),
        "bits": " ".join(f"{byte:08b}" for byte in data),
        "xor7": bytes(byte ^ 7 for byte in data).hex(),
        "b85": base64.b85encode(data).decode(),
        "url": "".join(f"%{byte:02x}" for byte in data),
        "perlhex": f"system(q({command}))".encode().hex(),
        "caesar": shlex.quote("".join(map(_next_letter, command))),
        "uu": shlex.quote(binascii.b2a_uu(data[:45]).decode().rstrip("\n")),
    }


def _next_letter(letter: str) -> str:
    return chr((ord(letter) - 96) % 26 + 97) if letter.islower() else letter


def wrappers(table: str, file: str = "wrappers.toml") -> dict[str, str]:
    """Templates by name: of those that are ``seen`` through, or ``suspect`` whatever they wrap."""
    found: dict[str, dict[str, str]] = tomllib.loads((_FILES / file).read_text("utf-8"))
    return found[table]


def wrapped(template: str, command: str) -> str:
    """The command in a wrapper."""
    made = template
    for name, form in forms(command).items():
        made = made.replace(f"<{name}>", form)
    return made
