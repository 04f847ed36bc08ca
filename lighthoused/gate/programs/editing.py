"""sed and awk on input that is known: subsets of both that can hide commands, computed exactly or not at all."""

import re
from typing import NamedTuple

from lighthoused.gate.programs.builtins import code
from lighthoused.gate.programs.lines import Options, blurred, given
from lighthoused.gate.programs.regexes import MAX_TEXT, compiled
from lighthoused.gate.shell.quoting import ansi
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import UNKNOWN, opaque, unmarked

MAX_COMMANDS = 32
_ADDRESS = re.compile(r"(\d{1,6}|\$|/(?:[^/\\]|\\.)*/)(?:,(\d{1,6}|\$))?\s*(!?)\s*")
_SIMPLE = re.compile(r"([dpqPD=]|e(?:\s+([^\n]+))?)\s*(?:[;\n}]|$)")


class _Command(NamedTuple):
    """`name` s, y, d, p, q or e; `text` the replacement or the command of e."""

    first: str
    last: str
    negated: bool
    name: str
    pattern: re.Pattern[str] | None = None
    text: str = ""
    flags: str = ""


def sed(run: Run, argv: list[str], state: State) -> str | None:
    """The output, where the script and the input are known; None leaves it to the knowledge base."""
    options = Options(argv[1:], "efl", {"expression": "e:", "quiet": "n", "silent": "n", "regexp-extended": "E"})
    flags = options.flags
    if "e" not in flags and "f" not in flags and options.words:
        flags["e"] = options.words.pop(0)
    extended = bool({"E", "r"} & flags.keys())
    commands = _script(unmarked(flags.get("e", "")), extended)
    in_place = "i" in flags or any(word.startswith("--in-place") for word in argv)
    if commands is None or "f" in flags:
        return None
    if in_place:
        for path in options.words:
            _rewrite(run, path, commands, flags, state)
        return None
    if options.words and not all(_known(run, path, state) for path in options.words):
        _runs(run, commands, state)
        return None
    text = given(run, options.words, state)
    if opaque(text) or len(text) > MAX_TEXT:
        _runs(run, commands, state)
        return None if options.words else blurred(text)
    return _applied(run, commands, text, "n" in flags, state)


def _known(run: Run, path: str, state: State) -> bool:
    return run.findings.targets.absolute(path, state.cwd) in state.files


def _rewrite(run: Run, path: str, commands: list[_Command], flags: dict[str, str], state: State) -> None:
    absolute = run.findings.targets.absolute(path, state.cwd)
    text = state.files.get(absolute)
    if text is not None:
        made = UNKNOWN if opaque(text) or len(text) > MAX_TEXT else _applied(run, commands, text, "n" in flags, state)
        state.write(absolute, made, False)


def _runs(run: Run, commands: list[_Command], state: State) -> None:
    """What the script runs on input that is not known."""
    for command in commands:
        if command.name == "e" or (command.name == "s" and "e" in command.flags):
            code(run, command.text or UNKNOWN, state.fork(), "sed")


def _script(source: str, extended: bool) -> list[_Command] | None:
    made: list[_Command] = []
    at = 0
    while at < len(source):
        if source[at] in " \t\n;":
            at += 1
            continue
        if len(made) >= MAX_COMMANDS:
            return None
        found = _ADDRESS.match(source, at)
        first, last, negated = (found[1], found[2] or "", bool(found[3])) if found else ("", "", False)
        at = found.end() if found else at
        parsed = _parse(source, at, extended)
        if parsed is None:
            return None
        command, at = parsed
        made.append(command._replace(first=first, last=last, negated=negated))
    return made


def _parse(source: str, at: int, extended: bool) -> tuple[_Command, int] | None:
    if source[at : at + 1] in ("s", "y") and at + 1 < len(source):
        mark = re.escape(source[at + 1])
        piece = rf"((?:[^\\{mark}]|\\.)*+)" if source[at + 1] != "\\" else "(?!)"
        found = re.compile(rf"[sy]{mark}{piece}{mark}{piece}{mark}([gipeIE0-9]*)\s*(?:[;\n}}]|$)", re.DOTALL).match(
            source, at
        )
        if found is None:
            return None
        old = found[1].replace("\\" + source[at + 1], source[at + 1])
        new = found[2].replace("\\" + source[at + 1], source[at + 1])
        flags = re.IGNORECASE if set(found[3]) & set("iI") else re.NOFLAG
        pattern = compiled(old, extended, flags) if source[at] == "s" else re.compile(re.escape(old))
        if pattern is None:
            return None
        return _Command("", "", False, source[at], pattern, new, found[3]), found.end()
    found = _SIMPLE.match(source, at)
    return None if found is None else (_Command("", "", False, found[1][0], None, found[2] or ""), found.end())


def _applied(run: Run, commands: list[_Command], text: str, quiet: bool, state: State) -> str:
    lines = text.split("\n")
    lines = lines[:-1] if lines[-1] == "" else lines
    out: list[str] = []
    for number, line in enumerate(lines, 1):
        run.charge(1)
        space: str | None = line
        for command in commands:
            if space is None or not _addressed(command, number, len(lines), space):
                continue
            space = _one(run, command, space, out, state)
            if command.name == "q":
                return "".join(each + "\n" for each in (*out, *([] if quiet or space is None else [space])))
        if not quiet and space is not None:
            out.append(space)
    return "".join(each + "\n" for each in out)


def _one(run: Run, command: _Command, space: str, out: list[str], state: State) -> str | None:
    """What a command makes of a line; None deletes it."""
    if command.name == "d":
        return None
    if command.name == "p":
        out.append(space)
    elif command.name == "e":
        out.append(code(run, command.text or space, state.fork(), "sed").rstrip("\n"))
    elif command.name == "y" and command.pattern:
        old = re.sub(r"\\(.)", r"\1", command.pattern.pattern)
        return space.translate(dict(zip(map(ord, old), command.text, strict=False)))
    elif command.name == "s" and command.pattern:
        return _substituted(run, command, space, out, state)
    return space


def _substituted(run: Run, command: _Command, space: str, out: list[str], state: State) -> str:
    assert command.pattern is not None
    digits = re.search(r"\d+", command.flags)
    wanted = int(digits[0][:6]) if digits else 1
    seen = 0

    def replaced(found: re.Match[str]) -> str:
        nonlocal seen
        seen += 1
        return _filled(command.text, found) if seen == wanted or ("g" in command.flags and seen >= wanted) else found[0]

    made = command.pattern.sub(replaced, space)
    if seen >= wanted and "e" in command.flags:
        made = code(run, made, state.fork(), "sed").rstrip("\n")
    if seen >= wanted and "p" in command.flags:
        out.append(made)
    return made


def _filled(text: str, found: re.Match[str]) -> str:
    def part(each: re.Match[str]) -> str:
        if each[0] == "&":
            return found[0]
        mark = each[1]
        if mark.isdigit():
            return (found[int(mark)] or "") if int(mark) <= (found.re.groups or 0) else ""
        return {"n": "\n", "t": "\t"}.get(mark, mark)

    return re.sub(r"&|\\(.)", part, text, flags=re.DOTALL)


def _addressed(command: _Command, number: int, count: int, line: str) -> bool:
    if not command.first:
        return True
    if command.first.startswith("/"):
        pattern = compiled(command.first[1:-1], False)
        hit = pattern is None or pattern.search(line) is not None
    else:
        first = count if command.first == "$" else int(command.first)
        last = first if not command.last else count if command.last == "$" else int(command.last)
        hit = first <= number <= max(first, last)
    return hit != command.negated


_AWK = re.compile(r"\s*(BEGIN|END|NR\s*==\s*\d+|/(?:[^/\\]|\\.)*/|)\s*\{\s*print\s*([^{}|>]*?);?\s*\}\s*")
_TERM = re.compile(r"\s*(?:\"((?:[^\"\\]|\\.)*)\"|\$(NF|\d+)|([A-Za-z_]\w*)|(,))\s*")


def awk_output(run: Run, source: str, separator: str, names: dict[str, str], paths: list[str], state: State) -> str:
    """What a program prints that consists of ``pattern { print ... }`` only; else nobody knows."""
    at, rules = 0, []
    while found := _AWK.match(source, at):
        if found.end() == at:
            break
        rules.append((found[1], found[2]))
        at = found.end()
    if at < len(source) or not rules:
        return UNKNOWN
    out = [_printed(terms, "", separator, names) for when, terms in rules if when == "BEGIN"]
    rest = [rule for rule in rules if rule[0] != "BEGIN"]
    if rest:
        text = given(run, paths, state)
        if opaque(text) or len(text) > MAX_TEXT:
            return blurred(text)
        lines = text.split("\n")
        for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines, 1):
            run.charge(1)
            out.extend(_printed(terms, line, separator, names) for when, terms in rest if _matches(when, line, number))
    return UNKNOWN if None in out else "".join(f"{line}\n" for line in out)


def _matches(when: str, line: str, number: int) -> bool:
    if when.startswith("NR"):
        return int(when.partition("==")[2]) == number
    if when.startswith("/"):
        pattern = compiled(when[1:-1], True)
        return pattern is not None and pattern.search(line) is not None
    return when == ""


def _printed(terms: str, line: str, separator: str, names: dict[str, str]) -> str | None:
    """One line of output; None where it cannot be told."""
    if not terms:
        return line
    fields = line.split() if separator == " " else line.split(separator)
    made = ""
    at = 0
    while at < len(terms):
        found = _TERM.match(terms, at)
        if found is None:
            return None
        if found[1] is not None:
            made += ansi(found[1])
        elif found[2]:
            index = len(fields) if found[2] == "NF" else int(found[2][:6])
            made += line if index == 0 else fields[index - 1] if index <= len(fields) else ""
        elif found[3]:
            made += names.get(found[3], "")
        else:
            made += " "
        at = found.end()
    return made
