"""Programs that turn text into text: the output is computed where the input is known, so hidden code is found."""

import base64
import binascii
import bz2
import codecs
import gzip
import lzma
import re
import zlib
from collections.abc import Callable
from functools import partial
from itertools import pairwise

from lighthoused.gate.programs.editing import sed
from lighthoused.gate.programs.lines import LINES, blurred, given
from lighthoused.gate.shell.bounds import decimal
from lighthoused.gate.shell.quoting import ansi
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import UNKNOWN, literal, opaque, origin, unmarked

MAX_DECODED = 1 << 20
_FORMAT = re.compile(r"%(?:%|[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?([bqsdiouxXeEfgGc])|\(([^)]*)\)T)")


def echo(run: Run, argv: list[str], state: State) -> str:
    """Both with and without -e the escapes are taken, as shells differ."""
    words = argv[1:]
    newline = "\n"
    escapes = False
    while words and re.fullmatch(r"-[neE]+", words[0]):
        flags = words.pop(0)
        newline = "" if "n" in flags else newline
        escapes = "e" in flags or escapes
    text = " ".join(words)
    return (ansi(text) if escapes else text) + newline


def printf(run: Run, argv: list[str], state: State) -> str:
    words = argv[1:]
    variable = ""
    if len(words) > 1 and words[0] == "-v":
        variable, words = words[1], words[2:]
    if words and words[0] == "--":
        words = words[1:]
    run.expander.hidden(variable, state)
    if not words:
        return ""
    output = _format(words[0], words[1:])
    if variable:
        state.assign(variable, (output,))
        return ""
    return output


def _format(pattern: str, arguments: list[str]) -> str:
    """The pattern is used again until the arguments are used up."""
    made = []
    plain = unmarked(pattern)
    rest = list(arguments)
    for _ in range(256):
        before = len(rest)
        at = 0
        for found in _FORMAT.finditer(plain):
            made.append(ansi(plain[at : found.start()]))
            made.append(_converted(found, rest))
            at = found.end()
        made.append(ansi(plain[at:]))
        if not rest or len(rest) == before:
            break
    return "".join(made)


def _converted(found: re.Match[str], rest: list[str]) -> str:
    if found[0] == "%%":
        return "%"
    if found[1] is None:
        return UNKNOWN
    argument = rest.pop(0) if rest else ""
    if found[1] == "b":
        return ansi(argument)
    if found[1] == "c":
        return argument[:1]
    if found[1] in "xXo" and (value := decimal(argument)) is not None:
        return format(value, found[1])
    return argument


def tee(run: Run, argv: list[str], state: State) -> str:
    append = any(word in ("-a", "--append") for word in argv[1:])
    text = state.stdin.all()
    for path in argv[1:]:
        if not path.startswith("-"):
            run.findings.path("append" if append else "write", path, state.cwd, program="tee")
            run.redirects.keep_output(run.findings.targets.absolute(path, state.cwd), text, append, state)
    return text


def base(run: Run, argv: list[str], state: State) -> str:
    """base64, base32, basenc."""
    text = _input(run, argv, state, ("-w", "--wrap", "-i", "-o"))
    decodes = any(re.fullmatch(r"-[a-z]*[dD][a-z]*|--decode|--d\w*", word) for word in argv[1:])
    name = (
        argv[0] if argv[0] != "basenc" else next((word[2:] for word in argv[1:] if word.startswith("--base")), "base64")
    )
    if not decodes:
        return (
            origin(text) or UNKNOWN
            if opaque(text) or name not in _ENCODE
            else _ENCODE[name](_bytes(text)).decode() + "\n"
        )
    return _decoded(text, _DECODE.get(name, _base64))


def _bytes(text: str) -> bytes:
    """The bytes of text; binary data is kept as Latin-1."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _base32(text: str) -> bytes:
    text = re.sub(r"\s", "", text)
    return base64.b32decode(text + "=" * (-len(text) % 8), casefold=True)


def _base16(text: str) -> bytes:
    return bytes.fromhex(text)


def _bits(text: str) -> bytes:
    bits = re.sub(r"[^01]", "", text)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))


def _base64(text: str) -> bytes:
    text = re.sub(r"\s", "", text)
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_" if set(text) & set("-_") else None)


_DECODE: dict[str, Callable[[str], bytes]] = {"base32": _base32, "base16": _base16, "base2msbf": _bits}
_ENCODE = {"base64": base64.b64encode, "base32": base64.b32encode, "base16": base64.b16encode}


def xxd(run: Run, argv: list[str], state: State) -> str:
    """Only reverting a plain dump."""
    flags = "".join(word[1:] for word in argv[1:] if word.startswith("-"))
    text = _input(run, argv, state, ("-l", "-s", "-c", "-g"))
    return _decoded(text, _bits if "b" in flags else _unhex) if "r" in flags else UNKNOWN


def _unhex(text: str) -> bytes:
    lines = [re.sub(r"^[0-9a-fA-F]+:\s", "", line).split("  ")[0] for line in text.split("\n")]
    return bytes.fromhex(re.sub(r"[^0-9a-fA-F]", "", "".join(lines)))


def openssl(run: Run, argv: list[str], state: State) -> str | None:
    """openssl base64 -d, openssl enc -base64 -d."""
    words = argv[1:]
    if not {"-base64", "-a", "base64"} & set(words) or "-d" not in words:
        return None
    paths = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "-in"]
    return _decoded(given(run, paths, state), _base64)


def decompress(run: Run, argv: list[str], state: State) -> str | None:
    """gunzip, zcat, bunzip2, xzcat, ... of what is known, as far as text can carry it."""
    words = [word for word in argv[1:] if not word.startswith("-")]
    name = argv[0].removeprefix("un").removesuffix("cat")
    unpack = _UNPACK.get(name if name else "z", _inflate)
    flags = "".join(word for word in argv[1:] if word.startswith("-"))
    if len(argv) <= 2 and "d" not in flags and name in _PACK and state.stdin.text is not None and argv[0] in _PACK:
        text = state.stdin.all()
        return blurred(text) if opaque(text) else _PACK[name](_bytes(unmarked(text))).decode("latin-1")
    reads = argv[0].startswith("un") or argv[0].endswith("cat") or argv[0] in ("gunzip", "bunzip2") or "d" in flags
    if not reads or (words and not argv[0].endswith("cat") and "c" not in flags):
        return None
    return _decoded(given(run, words, state), unpack)


def _inflate(text: str) -> bytes:
    return zlib.decompressobj(wbits=47).decompress(text.encode("latin-1"), MAX_DECODED)


def _bunzip(text: str) -> bytes:
    return bz2.BZ2Decompressor().decompress(text.encode("latin-1"), MAX_DECODED)


def _unxz(text: str) -> bytes:
    return lzma.LZMADecompressor().decompress(text.encode("latin-1"), MAX_DECODED)


_UNPACK: dict[str, Callable[[str], bytes]] = {
    **dict.fromkeys(("bunzip2", "bzip2", "bz", "pbzip2", "lbzip2"), _bunzip),
    **dict.fromkeys(("xz", "lzma", "unxz", "unlzma"), _unxz),
}


_PACK: dict[str, Callable[[bytes], bytes]] = {
    **dict.fromkeys(("gzip", "pigz"), partial(gzip.compress, mtime=0)),
    **dict.fromkeys(("bzip2", "pbzip2", "lbzip2"), bz2.compress),
    "xz": lzma.compress,
}


def _decoded(text: str, decode: Callable[[str], bytes]) -> str:
    """The decoded text; bytes that are no UTF-8 are kept as Latin-1, so that a decompressor finds them."""
    if opaque(text):
        return origin(text)
    try:
        made = decode(unmarked(text))
    except (ValueError, binascii.Error, zlib.error, OSError, EOFError, lzma.LZMAError):
        return UNKNOWN
    try:
        return literal(made.decode("utf-8"))
    except UnicodeDecodeError:
        return made.decode("latin-1")


def tr(run: Run, argv: list[str], state: State) -> str:
    words = [unmarked(word) for word in argv[1:] if not re.fullmatch(r"-[cdsCt]+", word)]
    flags = "".join(word[1:] for word in argv[1:] if re.fullmatch(r"-[cdsCt]+", word))
    text = state.stdin.all()
    if opaque(text) or "c" in flags.lower() or not words:
        return origin(text) or UNKNOWN
    first = _set(words[0])
    if "d" in flags:
        return text.translate(dict.fromkeys(map(ord, first)))
    if len(words) < 2:
        return text
    second = _set(words[1])
    second += second[-1:] * (len(first) - len(second))
    return text.translate(dict(zip(map(ord, first), second, strict=False)))


_CLASSES = {
    "[:lower:]": "abcdefghijklmnopqrstuvwxyz",
    "[:upper:]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "[:digit:]": "0123456789",
    "[:space:]": " \t\n\r\v\f",
}


def _set(source: str) -> str:
    """A set of tr: ranges and classes."""
    for name, members in _CLASSES.items():
        source = source.replace(name, members)
    source = ansi(source)
    return re.sub(r"(.)-(.)", _range, source, flags=re.DOTALL)


def _range(found: re.Match[str]) -> str:
    first, last = ord(found[1]), ord(found[2])
    return "".join(map(chr, range(first, last + 1))) if first <= last < first + 512 else found[0]


def rot13(run: Run, argv: list[str], state: State) -> str:
    text = _input(run, argv, state)
    return origin(text) or codecs.encode(text, "rot13")


def _input(run: Run, argv: list[str], state: State, values: tuple[str, ...] = ()) -> str:
    """What a filter reads: the files named, else standard input."""
    words = iter(argv[1:])
    paths = []
    for word in words:
        if word in values:
            next(words, "")
        elif not word.startswith("-"):
            paths.append(word)
    return "".join(run.redirects.contents(path, state) for path in paths) if paths else state.stdin.all()


def pwd(run: Run, argv: list[str], state: State) -> str:
    return state.cwd + "\n"


def mktemp(run: Run, argv: list[str], state: State) -> str:
    return f"/tmp/tmp.{UNKNOWN}\n"


def resolved(run: Run, argv: list[str], state: State) -> str:
    """realpath, readlink."""
    words = [word for word in argv[1:] if not word.startswith("-")]
    return run.findings.targets.absolute(words[-1], state.cwd) + "\n" if words else ""


def dirname(run: Run, argv: list[str], state: State) -> str:
    return "".join(
        (word.rstrip("/").rpartition("/")[0] or ("/" if word.startswith("/") else ".")) + "\n" for word in argv[1:2]
    )


def basename(run: Run, argv: list[str], state: State) -> str:
    return "".join(
        word.rstrip("/").rpartition("/")[2].removesuffix(argv[2] if len(argv) > 2 else "") + "\n" for word in argv[1:2]
    )


MAX_NUMBERS = 1000
"""Of a longer sequence only the first are told."""


def seq(run: Run, argv: list[str], state: State) -> str:
    form = next((after for word, after in pairwise(argv) if word in ("-f", "--format")), "")
    if form and "%" not in form:
        return f"{unmarked(form)}\n"
    numbers = [int(word) for word in argv[1:] if re.fullmatch(r"-?\d{1,6}", word)]
    if not numbers or len(numbers) > 2:
        return UNKNOWN
    first = numbers[0] if len(numbers) > 1 else 1
    told = range(first, min(numbers[-1], first + MAX_NUMBERS) + 1)
    rest = f"{UNKNOWN}\n" if numbers[-1] > first + MAX_NUMBERS else ""
    return "".join(f"{number}\n" for number in told) + rest


FILTERS = {
    "echo": echo,
    "printf": printf,
    "tee": tee,
    "base64": base,
    "base32": base,
    "basenc": base,
    "xxd": xxd,
    "openssl": openssl,
    "gunzip": decompress,
    "zcat": decompress,
    "gzip": decompress,
    **dict.fromkeys(
        ("pigz", "bzip2", "bunzip2", "bzcat", "xz", "unxz", "xzcat", "lzma", "unlzma", "lzcat"), decompress
    ),
    "tr": tr,
    "rot13": rot13,
    "caesar": rot13,
    "sed": sed,
    "gsed": sed,
    "pwd": pwd,
    "mktemp": mktemp,
    "realpath": resolved,
    "readlink": resolved,
    "dirname": dirname,
    "basename": basename,
    "seq": seq,
    **LINES,
}
