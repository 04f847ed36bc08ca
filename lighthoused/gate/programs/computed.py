"""Source of perl, ruby, node, php, lua and awk with what it can compute of itself filled in as string literals.

Decoders of literals, arguments, the environment and standard input. Text in, text out: must not run anything.
"""

import base64
import binascii
import codecs
import re
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote

from lighthoused.gate.programs.strings import assigned
from lighthoused.gate.shell.quoting import ansi
from lighthoused.gate.shell.text import UNKNOWN, opaque

MAX_ROUNDS = 3
MAX_FILLED = 1 << 16
_STRING = r"(?:\"((?:[^\"\\]|\\.)*+)\"|'((?:[^'\\]|\\.)*+)')"


class Surroundings(NamedTuple):
    """What a program is started with. `lookup` gives a variable of the environment."""

    arguments: tuple[str, ...]
    lookup: Callable[[str], str | None]
    stdin: str | None


def quoted(text: str) -> str:
    """A literal that all these languages read alike."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def filled(source: str, language: str, given: Surroundings) -> str:
    """The source with literals in place of what can be computed."""
    source = _filled_in(source, language, given)
    for _ in range(MAX_ROUNDS):
        before = source
        for shape, make in _SHAPES:
            source = shape.sub(lambda found, make=make: _shaped(found, make), source)  # type: ignore[misc]
        for pattern, decode in _DECODERS:
            source = pattern.sub(lambda found, decode=decode: _decoded(found, decode), source)  # type: ignore[misc]
        if source == before or len(source) > MAX_FILLED:
            break
    source = _MEMBER.sub(r".\1(", source)
    if language == "php":
        names = assigned(source)
        source = _CALLED.sub(lambda found: f"{names.get(found[1], found[0][:-1])}(", source)
    return source


_MEMBER = re.compile(r"\[\s*+[\"'](\w++)[\"']\s*+\]\s*+\(")
"""A method by its name in a literal."""
_CALLED = re.compile(r"\$(\w++)\s*+\(")


def _shaped(found: re.Match[str], make: Callable[[re.Match[str]], str]) -> str:
    try:
        return quoted(make(found))
    except (ValueError, IndexError, OverflowError, TypeError):
        return found[0]


def _decoded(found: re.Match[str], decode: Callable[[str], str]) -> str:
    text = next((group for group in found.groups() if group is not None), "")
    try:
        return quoted(decode(text))
    except (ValueError, binascii.Error, OverflowError):
        return found[0]


def _base64(text: str) -> str:
    text = re.sub(r"\s|\\n", "", text)
    return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-8", "replace")


def _hex(text: str) -> str:
    return bytes.fromhex(re.sub(r"\\x|\s", "", text)).decode("utf-8", "replace")


def _numbers(text: str) -> str:
    found = re.findall(r"0x[0-9a-fA-F]{1,6}|\d{1,7}", text)
    return "".join(chr(int(each, 16 if "x" in each else 10)) for each in found)


def _backwards(text: str) -> str:
    return text[::-1]


def _joined(found: re.Match[str]) -> str:
    """A list of literals as one text; between them what ``between`` says."""
    texts = [_text(each) for each in re.finditer(_STRING, found["list"])]
    return (found["between"] or found["after"] or "").join(texts)


def _text(found: re.Match[str]) -> str:
    return ansi(found[1]) if found[1] is not None else found[2]


def _exchanged(found: re.Match[str]) -> str:
    """``"a_b".tr("_", " ")``, ``.replace(/_/g, " ")``, ``gsub``."""
    text, old, new = found["text"], found["old"], ansi(found["new"])
    if found["name"] == "strtr":
        text, old, new = found["old"], found["new"], found["text"]
    if found["name"] in ("tr", "strtr"):
        old, new = _letters(old), _letters(new)
        return text.translate(dict(zip(map(ord, old), new + new[-1:] * len(old), strict=False)))
    return text.replace(ansi(old), new)


def _folded(found: re.Match[str]) -> str:
    """Two literals that are put together."""
    return "".join(_text(each) for each in re.finditer(_STRING, found["list"] + found["second"]))


def _letters(source: str) -> str:
    """The characters of a list of tr, with its ranges."""
    return re.sub(r"(\w)-(\w)", lambda each: "".join(map(chr, range(ord(each[1]), ord(each[2]) + 1))), source)


def _formatted(found: re.Match[str]) -> str:
    """``sprintf("%s %s", "a", "b")`` of literals and numbers."""
    given = [each[1] or each[2] or each[3] for each in re.finditer(rf"{_STRING}|(\d+)", found["list"])]

    def one(mark: re.Match[str]) -> str:
        text = given.pop(0)
        return chr(int(text)) if mark[0].endswith("c") and text.isdecimal() else text

    return re.sub(r"%[sdvc]|\{\}", one, ansi(found["text"]))


def _call(names: str) -> str:
    return rf"(?<![\w.])(?:{names})\s*+\(?\s*+{_STRING}\s*+\)?(?:\s*+\.toString\([^)]*\))?"


_DECODERS: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = tuple(
    (re.compile(pattern), decode)
    for pattern, decode in (
        (_call(r"(?:MIME::Base64::)?decode_base64|base64_decode|atob|Base64\.(?:strict_|urlsafe_)?decode64"), _base64),
        (rf"Buffer\.from\(\s*{_STRING}\s*,\s*['\"]base64(?:url)?['\"]\s*\)(?:\.toString\([^)]*\))?", _base64),
        (rf"Buffer\.from\(\s*{_STRING}\s*,\s*['\"]hex['\"]\s*\)(?:\.toString\([^)]*\))?", _hex),
        (rf"Buffer\.from\(\s*{_STRING}\s*\)\.toString\([^)]*\)", str),
        (r"Buffer\.from\(\s*\[([\d\s,x]+)\]\s*\)(?:\.toString\([^)]*\))?", _numbers),
        (rf"{_STRING}\.unpack1?\(\s*['\"]m0?['\"]\s*\)(?:\.first|\[0\])?", _base64),
        (rf"\[\s*{_STRING}\s*\]\.pack\(\s*['\"]H\*['\"]\s*\)", _hex),
        (rf"pack\s*\(?\s*['\"]H\*?\d*['\"]\s*,\s*{_STRING}\s*\)?", _hex),
        (r"pack\s*\(?\s*['\"][CUWc]\*['\"]\s*,\s*([\d\s,x]+)\)?", _numbers),
        (r"\[([\d\s,x]+)\]\.pack\(\s*['\"][CUc]\*['\"]\s*\)", _numbers),
        (r"\[([\d\s,x]+)\]\.map\(&:chr\)\.join(?:\(['\"]{2}\))?", _numbers),
        (_call("hex2bin"), _hex),
        (_call("decodeURIComponent|decodeURI|unescape|urldecode|rawurldecode|uri_unescape|CGI\\.unescape"), unquote),
        (
            rf"{_STRING}\.scan\(/\.\.?(?:\.|\{{2\}})?/\)\.map\s*+(?:\(&:hex\)|\{{[^}}]*hex[^}}]*\}})(?:\.pack\([^)]*\)|\.map\(&:chr\)\.join)",
            _hex,
        ),
        (_call("str_rot13"), lambda text: codecs.encode(text, "rot13")),
        (rf"(?:scalar\s+)?reverse\s*\(?\s*{_STRING}\s*\)?", _backwards),
        (_call("strrev|string\\.reverse"), _backwards),
        (rf"\(\s*+{_STRING}\s*+\):(?:reverse)\(\)", _backwards),
        (
            r"join\s*+\(?\s*+[\"']{2}\s*+,\s*+map\s*+(?:\{\s*+chr[^}]*+\}|chr(?:\(\$_\))?\s*+,)\s*+\(?([\d\s,x]++)\)?\s*+\)?",
            _numbers,
        ),
        (
            r"implode\(\s*+(?:[\"']{2}\s*+,\s*+)?array_map\(\s*+[\"']chr[\"']\s*+,\s*+(?:\[|array\()([\d\s,x]++)[\])]\s*+\)\s*+\)",
            _numbers,
        ),
        (
            r"\[([\d\s,x]++)\]\.map\([^()]*+String\.from(?:CharCode|CodePoint)(?:\([^()]*+\))?\)"
            r"\.join\(['\"`]{2}\)",
            _numbers,
        ),
        (r"String\.from(?:CharCode|CodePoint)\(\s*\.\.\.\[([\d\s,x]++)\]\s*\)", _numbers),
        (rf"{_STRING}\.(?:reverse\b|split\(['\"]{{2}}\)\.reverse\(\)\.join\(['\"]{{2}}\))", _backwards),
        (r"String\.from(?:CharCode|CodePoint)\(([\d\s,x]+)\)", _numbers),
        (r"string\.char\(([\d\s,x]+)\)", _numbers),
        (r"(?<![\w.])chr\s*\(\s*(\d+)\s*\)", _numbers),
        (rf"{_STRING}\.(?:decode|strip|trim|chomp|to_s|toString|toLowerCase|downcase)(?:\(\))?", str),
    )
)
_ONE_STRING = r"(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+')"
_MORE = rf"(?P<list>{_ONE_STRING}(?:\s*+,\s*+{_ONE_STRING})*+)"
_PLAIN = r"[\"'](?P<{}>[^\"'\\]*+)[\"']"
_SHAPES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (
            rf"\[\s*+{_MORE}\s*+\]\.join\(\s*+(?:[\"'](?P<after>[^\"']*+)[\"'])?(?P<between>(?!))?\s*+\)",
            _joined,
        ),
        (
            r"(?:join|implode)\s*+\(?\s*+[\"'](?P<between>[^\"']*+)[\"']\s*+,\s*+(?:array\(|\[|qw\(|\()?\s*+"
            rf"{_MORE}(?P<after>(?!))?\s*+[\])]{{0,2}}",
            _joined,
        ),
        (rf"(?P<list>{_ONE_STRING})\s*+(?:\.{{1,2}}|\+|~)\s*+(?P<second>{_ONE_STRING})", _folded),
        (rf"\[\s*+{_MORE}\s*+\]\s*+\*\s*+[\"'](?P<after>[^\"']*+)[\"'](?P<between>(?!))?", _joined),
        (
            _PLAIN.format("text") + r"\)?[.:](?P<name>tr|replace|replaceAll|gsub|sub)!?\(\s*+(?:/(?=[^/]+/g?)|[\"'])"
            r"(?P<old>[^\"'/\\]++)(?:/g?|[\"'])\s*+,\s*+" + _PLAIN.format("new") + r"\s*+\)",
            _exchanged,
        ),
        (
            r"(?P<name>str_replace|strtr)\(\s*+"
            + _PLAIN.format("old")
            + r"\s*+,\s*+"
            + _PLAIN.format("new")
            + r"\s*+,\s*+"
            + _PLAIN.format("text")
            + r"\s*+\)",
            _exchanged,
        ),
        (
            r"(?:sprintf|(?:[Ss]tring|util)?\.?format|fmt\.Sprintf|format!)\s*+\(\s*+\"(?P<text>[^\"]*+)\"\s*+,\s*+"
            rf"(?P<list>(?:{_ONE_STRING}|\d++)(?:\s*+,\s*+(?:{_ONE_STRING}|\d++))*+)\s*+\)",
            _formatted,
        ),
        (rf"\"(?P<text>[^\"]*+%s[^\"]*+)\"\s*+%\s*+\[\s*+{_MORE}\s*+\]", _formatted),
    )
)
_ALL = re.compile(
    r"\"@ARGV\"|@ARGV\b|\*ARGV\b|ARGV\.join\([^)]*\)|process\.argv\.slice\(\d\)(?:\.join\([^)]*\))?|Deno\.args\b(?!\[)"
)
_ONE = re.compile(
    r"\$ARGV\[(\d)\]|\bARGV\[(\d)\]|process\.argv\[(\d)\]|\$argv\[(\d)\]|\barg\[(\d)\]|Deno\.args\[(\d)\]"
)
_FIRST = re.compile(r"\bshift\b(?:\s*\(?\s*@ARGV\)?)?|\bARGV\.shift\b|\bARGV\.first\b")
_FIRST_INDEX = {"perl": 0, "ruby": 0, "node": 1, "php": 1, "awk": 1, "lua": 1}
_ENVIRONMENT = re.compile(
    r"\$ENV\{['\"]?(\w+)['\"]?\}|\bENV(?:\.fetch\(|\[)['\"](\w+)['\"][)\]]|process\.env(?:\.|\[['\"])(\w+)(?:['\"]\])?"
    r"|(?:os\.)?getenv\(['\"](\w+)['\"]\)|(?:ENVIRON|\$_ENV|\$_SERVER)\[['\"](\w+)['\"]\]"
)
_INPUT = re.compile(
    r"<STDIN>|<>|\$stdin\.read|STDIN\.(?:read|gets)|\bgets\b"
    r"|(?:require\(['\"](?:node:)?fs['\"]\)|fs)\.readFileSync\((?:0|['\"]/dev/stdin['\"])[^)]*\)"
    r"(?:\.toString\([^)]*\))?|io\.read\([^)]*\)|file_get_contents\(['\"]php://stdin['\"]\)|stream_get_contents\(STDIN\)"
)


def _filled_in(source: str, language: str, given: Surroundings) -> str:
    arguments = given.arguments
    if arguments:
        start = _FIRST_INDEX.get(language, 0)
        source = _ALL.sub(lambda found: _every(found, arguments), source)
        source = _ONE.sub(lambda found: _argument(found, arguments, start), source)
        if language in ("perl", "ruby"):
            source = _FIRST.sub(lambda found: quoted(arguments[0]), source)
    source = _ENVIRONMENT.sub(lambda found: _variable(found, given), source)
    if given.stdin and not opaque(given.stdin):
        text = quoted(given.stdin.rstrip("\n"))
        source = _INPUT.sub(lambda found: text, source)
        if language == "awk":
            for old, new in _AWK_EXCHANGE.findall(source):
                text = text.replace(old, new)
            source = re.sub(r"(?<![\w$])\$0\b", lambda found: text, source)
        elif language == "perl":
            source = re.sub(r"\$_\b(?!\[)", lambda found: text, source)
    return source


_AWK_EXCHANGE = re.compile(r"\bgsub\s*+\(\s*+/([\w@,:;=%~ -]++)/\s*+,\s*+\"([^\"\\&]*+)\"\s*+(?:,\s*+\$0\s*+)?\)")


def _every(found: re.Match[str], arguments: tuple[str, ...]) -> str:
    """All arguments, as a list or as one text."""
    if "join" in found[0] or found[0].startswith('"'):
        return quoted(" ".join(arguments))
    return ", ".join(map(quoted, arguments))


def _argument(found: re.Match[str], arguments: tuple[str, ...], start: int) -> str:
    at = int(next(group for group in found.groups() if group is not None)) - start
    return quoted(arguments[at]) if 0 <= at < len(arguments) else found[0]


def _variable(found: re.Match[str], given: Surroundings) -> str:
    value = given.lookup(next(group for group in found.groups() if group is not None))
    return found[0] if value is None or UNKNOWN in value else quoted(value)
