"""PowerShell: its statements as commands, by about_Parsing; cmdlets that work on files as the programs they are like.

Reads strings, variables that were set to text, pipelines, blocks and sub-expressions. What else cmdlets do is for the
knowledge base (windows.toml), which knows them by their names in lower case.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import NamedTuple

from lighthoused.gate.programs.builtins import unseen
from lighthoused.gate.programs.cmdlets import ALIASES, CMDLETS, Arguments
from lighthoused.gate.shell.bounds import Unresolvable
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import Input, State
from lighthoused.gate.shell.text import FETCHED, GLOB, UNKNOWN, opaque, unmarked, wholly_opaque

NAMES = ("pwsh", "powershell", "pwsh-preview")
MAX_SOURCE = 1 << 16
MAX_NESTED = 12
_DOWNLOADS = re.compile(r"(?i)\.(Download(String|Data|File)|OpenRead|GetStringAsync|GetByteArrayAsync)\b")
_METHOD = re.compile(r"(\.|::)\w+$")
_ASSIGNS = re.compile(r"\$[\w:{}]+\s*=(?!=)")
_SOCKET = re.compile(r"(?i)Net\.Sockets|TcpClient|TcpListener|UdpClient")
_STATICS = (
    (re.compile(r"(?i)\]::(Delete|DeleteDirectory)\(\s*['\"]([^'\"]+)"), "rm"),
    (re.compile(r"(?i)\]::(WriteAll\w+|AppendAll\w+|Create)\(\s*['\"]([^'\"]+)"), "tee"),
    (re.compile(r"(?i)\]::(ReadAll\w+|ReadLines|OpenRead)\(\s*['\"]([^'\"]+)"), "cat"),
)
_SYNTAX = frozenset(
    {"if", "else", "elseif", "foreach", "for", "while", "do", "until", "try", "catch", "finally", "function", "param"}
    | {"return", "throw", "switch", "in", "begin", "process", "end", "foreach-object", "%"}
)
_BREAKS = frozenset(";\n|&")


class _Item(NamedTuple):
    """A command of a pipeline: its fields, and text that stands for what it gives on."""

    words: list[str]
    separator: str


def powershell(run: Run, argv: list[str], state: State) -> str:
    """pwsh and powershell with their flags (about_Pwsh)."""
    words = argv[1:]
    while words and words[0].startswith(("-", "/")) and len(words[0]) > 1:
        flag = words.pop(0).lower().replace("/", "-", 1)
        if ("-encodedcommand".startswith(flag) and len(flag) > 1) or flag == "-ec":
            return read(run, _decoded(words[0] if words else ""), state)
        if "-command".startswith(flag):
            return read(run, " ".join(map(unmarked, words)), state)
        if "-file".startswith(flag) and words:
            return run.command(["source", *words], state.fork())
        if flag in (
            "-executionpolicy",
            "-ep",
            "-ex",
            "-exec",
            "-version",
            "-windowstyle",
            "-w",
            "-workingdirectory",
            "-wd",
        ):
            words = words[1:]
    if words and (argv[0].startswith("powershell") or words == ["-"]):
        source = state.stdin.all() if words == ["-"] else " ".join(map(unmarked, words))
        return read(run, source, state)
    if words:
        return run.command(["source", *words], state.fork())
    return read(run, state.stdin.all(), state) if state.stdin.text is not None else UNKNOWN


def read(run: Run, source: str, state: State) -> str:
    """Add the effects of source; what it prints."""
    if wholly_opaque(source) and source.strip():
        unseen(run, source, "powershell")
        return UNKNOWN
    if len(source) > MAX_SOURCE:
        raise Unresolvable(f"PowerShell code has more than {MAX_SOURCE} characters.")
    return _Reading(run, state.fork()).script(source)


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-16-le")
    except (ValueError, binascii.Error):
        return UNKNOWN


class _Reading:
    """One walk through the source. Variables are known where they were set to text."""

    def __init__(self, run: Run, state: State) -> None:
        self._run = run
        self._state = state
        home = (state.value("HOME") or (UNKNOWN,))[0]
        self._home = home
        self._names = {"home": home, "env:userprofile": home, "env:home": home, "true": "true", "false": "false"} | {
            "env:systemroot": "C:/Windows", "env:windir": "C:/Windows", "env:systemdrive": "C:", "null": "",
            "env:programfiles": "C:/Program Files", "env:temp": "/tmp", "env:tmp": "/tmp", "pwd": state.cwd,
            "profile": f"{home}/Documents/PowerShell/profile.ps1", "env:appdata": f"{home}/AppData/Roaming",
        }  # fmt: skip
        self._nested = 0

    def script(self, source: str) -> str:
        """Statements; what they print."""
        self._nested += 1
        self._run.charge(1 + (len(source) >> 8))
        if self._nested > MAX_NESTED:
            raise Unresolvable(f"PowerShell code is nested more than {MAX_NESTED} levels deep.")
        self._statics(source)
        output, piped = "", ""
        paths: list[str] = []
        for item in self._items(source):
            if item.words:
                piped, paths = self._command(item.words, piped, paths)
            if item.separator != "|":
                output, piped, paths = output + piped, "", []
        self._nested -= 1
        return FETCHED if _DOWNLOADS.search(source) else output

    def _statics(self, source: str) -> None:
        """Methods of .NET on files, and sockets that a program is put on."""
        for pattern, program in _STATICS:
            for found in pattern.finditer(source):
                self._run.command([program, self._path(found[2])], self._state)
        if _DOWNLOADS.search(source):
            self._run.findings.add("fetch", "powershell", "network", program="powershell")
        if _SOCKET.search(source) and re.search(r"(?i)\biex\b|invoke-expression|GetStream|Start-Process", source):
            note = "It connects a shell to the network."
            self._run.findings.add("listen", "socket", "network", program="powershell", place="shell", note=note)

    def _items(self, source: str) -> Iterator[_Item]:
        """The commands in order, each with what separates it from the next."""
        words: list[str] = []
        called = False
        at = 0
        while at < len(source):
            character = source[at]
            if character in _BREAKS and not (character == "&" and not words):
                yield _Item(words, character)
                words, called = [], False
                at += 1
            elif character.isspace() or character in "&,":
                called = called or character == "&"
                at += 1
            elif character == "#":
                end = source.find("\n", at)
                at = len(source) if end < 0 else end
            elif character in "{}":
                at = self._block(source, at, words)
            else:
                if (not words or words[1:] == ["="]) and not called and _is_expression(source, at):
                    words.append("write-output")
                word, at = self._word(source, at)
                words.append(word)
        yield _Item(words, "")

    def _block(self, source: str, at: int, words: list[str]) -> int:
        """A block runs, whoever gets it; the words before it are their own command."""
        end = _balanced(source, at, "{", "}")
        inner = source[at + 1 : end]
        if source[at] == "{":
            remote = bool(words) and ALIASES.get(words[0].lower(), words[0].lower()) == "invoke-command"
            place = self._run.findings.place
            before = place.remote
            place.remote = "remote" if remote and len(words) > 1 else before
            self.script(inner)
            place.remote = before
        return min(end + 1, len(source))

    def _word(self, source: str, at: int) -> tuple[str, int]:
        """A word from here, of strings, variables and sub-expressions, and where it ends."""
        made = ""
        while at < len(source) and not source[at].isspace() and source[at] not in ";|,{}":
            character = source[at]
            if character in "'\"":
                text, at = self._string(source, at)
                made += text
            elif character == "(" and made.isalpha():
                break
            elif character == "(" and _METHOD.search(made):
                made = FETCHED if _DOWNLOADS.search(made) else UNKNOWN
                at = _balanced(source, at, "(", ")") + 1
            elif character == "(" or source.startswith(("$(", "@("), at):
                start = at if character == "(" else at + 1
                end = _balanced(source, start, "(", ")")
                made += self.script(source[start + 1 : end]) or UNKNOWN
                at = end + 1
            elif character == "$":
                found = re.compile(r"\$\{?([\w:]+|_)\}?").match(source, at)
                text = self._names.get(found[1].lower(), UNKNOWN) if found else "$"
                made += f"${found[1]}" if found and not made and re.match(r"\s*=[^=]", source[found.end() :]) else text
                at = found.end() if found else at + 1
            elif character == "`":
                made += source[at + 1 : at + 2]
                at += 2
            elif character == "=" and (made.startswith("$") or not made):
                return made or "=", at if made else at + 1
            elif character == ")":
                at += 1
            else:
                made += GLOB + character if character in "*?" else character
                at += 1
        return made, max(at, 0)

    def _string(self, source: str, at: int) -> tuple[str, int]:
        quote = source[at]
        end = at + 1
        while end < len(source) and source[end] != quote:
            end += 2 if source[end] == "`" and quote == '"' else 1
        text = source[at + 1 : end]
        if quote == '"':
            known = self._names
            text = re.sub(r"\$\{?([\w:]+)\}?", lambda found: known.get(found[1].lower(), UNKNOWN), text)
        return re.sub(r"[*?]", lambda found: GLOB + found[0], text) if "\\" in text or "/" in text else text, end + 1

    def _path(self, text: str) -> str:
        """A path as the gate resolves it."""
        return self._home + text[1:] if text == "~" or text.startswith(("~/", "~\\")) else text

    def _command(self, words: list[str], piped: str, paths: list[str]) -> tuple[str, list[str]]:
        """Run a command; what it prints, and the paths it hands on."""
        name = words[0]
        if name.startswith("$") and len(words) > 2 and words[1] == "=":
            value = self._command(words[2:], "", [])[0] if words[2][:1].isalpha() else words[2]
            self._names[name[1:].lower()] = value
            return "", []
        while name in (".", "&") and len(words) > 1:
            words = words[1:]
            name = words[0]
        name = name.lower().removesuffix(".exe")
        name = ALIASES.get(name, name)
        arguments = Arguments.of([self._path(word) for word in words[1:]])
        if name in ("where-object", "?", "where", "select-object", "sort-object"):
            return piped, [f"{path}/some{UNKNOWN}" for path in paths] if "where" in name or name == "?" else paths
        cmdlet = CMDLETS.get(name)
        if cmdlet is not None:
            child = self._state.fork(Input(piped or UNKNOWN))
            return cmdlet(self._run, arguments, paths, child)
        if name == "invoke-expression":
            text = " ".join(arguments.words) or arguments.named.get("-command") or piped or UNKNOWN
            if not opaque(text):
                return self.script(text), []
            unseen(self._run, text, "powershell")
            return UNKNOWN, []
        if re.fullmatch(r"[a-z]+-[a-z]\w+", name):
            return self._run.command([name, *map(str.lower, arguments.flat())], self._state), []
        if name in _SYNTAX:
            return self._command(words[1:], piped, paths) if len(words) > 1 and words[1][:1].isalpha() else ("", [])
        return self._run.command([name, *map(self._path, words[1:])], self._state), []


def _balanced(source: str, at: int, opening: str, closing: str) -> int:
    """Where the bracket at `at` closes; the end of the source where it does not."""
    depth = 0
    quote = ""
    for place in range(at, len(source)):
        character = source[place]
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == opening:
            depth += 1
        elif character == closing:
            depth -= 1
            if depth <= 0:
                return place
    return len(source)


def _is_expression(source: str, at: int) -> bool:
    """Whether a statement is a value, not a command: a text, a number, a variable that is not set here."""
    if source[at] == "$":
        return _ASSIGNS.match(source, at) is None and not source.startswith("$(", at)
    return source[at] in "'\"[-" or source[at].isdigit()
