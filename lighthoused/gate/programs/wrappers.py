"""Unwraps programs that run another command, by the table wrappers.toml. Must not know what the inner command does."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from itertools import dropwhile

import msgspec

from lighthoused.core.errors import Invalid
from lighthoused.core.prepared import prepared
from lighthoused.core.verdicts import Scope
from lighthoused.gate.programs.builtins import code
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import SECRET, UNKNOWN, ended, opaque, unmarked

_ONE_WORD = re.compile(r"[^\s]{1,64}\n?")
"""What may be a password that is typed for somebody."""


@prepared
class Wrapper(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A table of wrappers.toml, which says what the fields mean."""

    values: frozenset[str] = frozenset()
    skip: int = 0
    sub: frozenset[str] = frozenset()
    sub_values: frozenset[str] = frozenset()
    assignments: bool = False
    joined: bool = False
    source_flags: frozenset[str] = frozenset()
    after: str = ""
    remote: Scope | None = None
    privileged: bool = False
    persists: frozenset[str] = frozenset()
    stdin: bool = False
    sources: bool = False
    shell: bool = False
    program: str = ""
    pairs: frozenset[str] = frozenset()
    machine: bool = False
    slash: bool = False
    after_flags: frozenset[str] = frozenset()
    asking: frozenset[str] = frozenset()
    prints_secrets: bool = False
    bounds: bool = False


class Wrappers:
    """The family of programs that run the command in their arguments."""

    def __init__(self, table: dict[str, Wrapper]) -> None:
        self._table = table

    def __call__(self, run: Run, argv: list[str], state: State) -> str | None:
        wrapper = self._table.get(argv[0])
        if wrapper is None:
            return None
        if any(word.partition("=")[0] in wrapper.persists for word in argv[1:]):
            note = "The command runs later, when nobody looks."
            run.findings.add("persist", argv[0], "system", program=argv[0], note=note)
        argv = _split(argv)
        inside = state.fork() if wrapper.remote or wrapper.sub else state
        inner = _inner(run, wrapper, argv[1:], inside)
        if inner is None:
            return None
        sources, command = inner
        if wrapper.stdin and not command and not sources and inside.stdin.text is not None:
            sources = [inside.stdin.all()]
        typed = argv[0] == "su" and sources and _ONE_WORD.fullmatch(state.stdin.text or "")
        if typed or (wrapper.privileged and "-S" in argv[1:3] and state.stdin.text):
            note = "A password in a command is read by others."
            run.findings.add("escalate_privilege", argv[0], "system", program=argv[0], note=note)
        with _place(run, wrapper):
            output = "".join(code(run, source, inside.fork(), argv[0]) for source in sources)
            if not command:
                _alone(run, wrapper, argv, bool(sources))
                return output or (SECRET if wrapper.prints_secrets else UNKNOWN)
            if (wrapper.joined and not _EXECUTES & set(argv)) or " " in command[0].strip():
                return output + code(run, " ".join(command), inside.fork(), argv[0])
            output += run.command(command, inside)
            return ended(output) if wrapper.bounds else output


_EXECUTES = frozenset({"-x", "--exec"})
"""Flags of watch: the words are passed on as they are."""


def _split(argv: list[str]) -> list[str]:
    """``env -S 'a b' c``: the words of a b, then c."""
    if argv[0] != "env":
        return argv
    for at, word in enumerate(argv[1:-1], 1):
        if word in ("-S", "--split-string") and not opaque(argv[at + 1]):
            try:
                return [*argv[:at], *shlex.split(unmarked(argv[at + 1])), *argv[at + 2 :]]
            except ValueError:
                return argv
    return argv


def _alone(run: Run, wrapper: Wrapper, argv: list[str], has_source: bool) -> None:
    """What gives more rights, without a command: a shell that has them."""
    flags = {word.partition("=")[0] for word in argv[1:]}
    if wrapper.privileged and not has_source and not flags & wrapper.asking:
        note = "A shell with more rights does whatever it is told."
        run.findings.add("escalate_privilege", argv[0], "system", program=argv[0], note=note)


def load() -> Wrappers:
    """The table that comes with the package. Raises Invalid naming what is wrong in it."""
    text = (resources.files("lighthoused.gate.programs") / "wrappers.toml").read_text("utf-8")
    try:
        return Wrappers(msgspec.convert(tomllib.loads(text), dict[str, Wrapper]))
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise Invalid(f"The table of wrappers, wrappers.toml, is wrong: {error}.") from None


@contextmanager
def _place(run: Run, wrapper: Wrapper) -> Iterator[None]:
    """While the inner command runs, it runs elsewhere, or as somebody else."""
    place = run.findings.place
    before = (place.privileged, place.remote, place.bounded)
    place.privileged = place.privileged or wrapper.privileged
    place.remote = place.remote or wrapper.remote
    place.bounded = place.bounded or wrapper.bounds
    yield
    place.privileged, place.remote, place.bounded = before


def _inner(run: Run, wrapper: Wrapper, words: list[str], state: State) -> tuple[list[str], list[str]] | None:
    """Shell sources among the flags, and the command that follows; None where it wraps nothing."""
    sources: list[str] = []
    if wrapper.slash:
        words = list(dropwhile(lambda word: word.startswith("/") and len(word) < 4, words))
    if wrapper.program:
        return sources, _named(words, wrapper.program)
    rest = _flags(words, wrapper, wrapper.values, sources)
    if wrapper.sub:
        if "-E" in wrapper.sub and words[:1] == ["-E"]:
            rest = words
        if not rest or rest[0] not in wrapper.sub:
            return None
        rest = _flags(rest[1:], wrapper, wrapper.sub_values or wrapper.values, sources)
    if wrapper.after:
        at = next((at for at, word in enumerate(words) if word == wrapper.after or word in wrapper.after_flags), None)
        if at is None:
            return (sources, []) if sources or wrapper.stdin else None
        rest = words[at + 1 + (wrapper.skip if wrapper.after != "--" else 0) :]
    elif wrapper.machine:
        rest = _flags(rest[1:], wrapper, wrapper.values, sources) if rest[:1] and _MACHINE.fullmatch(rest[0]) else rest
    else:
        rest = _skip(wrapper, rest, sources)
    if wrapper.sources:
        return rest, []
    if wrapper.shell:
        rest = ["sh", *rest]
    if wrapper.assignments:
        rest = _assignments(run, rest, state)
    return sources, rest


_MACHINE = re.compile(r"i[3-6]86|x86_64|arm\w*|aarch64|linux\d\d|ppc\w*|s390x?|mips\w*|sparc\w*|uname26")


def _named(words: list[str], flag: str) -> list[str]:
    """The program that the value of a flag names, with the words after it."""
    for at, word in enumerate(words):
        if word.startswith(flag + "="):
            return [word[len(flag) + 1 :], *words[at + 1 :]]
    return words


def _flags(words: list[str], wrapper: Wrapper, values: frozenset[str], sources: list[str]) -> list[str]:
    """The words after the leading flags. Sources are collected."""
    source_flags = wrapper.source_flags
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--":
            return words[at + 1 :]
        if len(word) < 2 or word[0] not in "-+":
            break
        at += 1
        flag, equals, value = word.partition("=")
        short = next((short for short in source_flags if not word.startswith("--") and short[1:] in word[1:]), "")
        if word in source_flags or (short and len(short) == 2):
            attached = word.partition(short[1:])[2] if short and word not in source_flags else ""
            if attached:
                sources.append(attached)
            elif at < len(words):
                sources.append(words[at])
                at += 1
        elif flag in source_flags and equals:
            sources.append(value)
        elif word in wrapper.pairs:
            at += 2
        elif _takes(word, values):
            at += 1
    return words[at:]


def _takes(word: str, values: frozenset[str]) -> bool:
    """Whether the next word is this flag's value; of combined short flags the last may take one."""
    if word.startswith("--"):
        return word in values
    return word in values or ("-" + word[-1] in values and "-" + word[1] not in values)


def _skip(wrapper: Wrapper, words: list[str], sources: list[str]) -> list[str]:
    """The command after the words that come before it. Flags with source may stand among those (``su - -c``)."""
    if wrapper.skip and wrapper.source_flags:
        before = len(sources)
        for at in range(len(words)):
            if words[at].startswith("-"):
                _flags(words[at : at + 2], wrapper, wrapper.values, sources)
        if len(sources) > before or wrapper.skip == ALL:
            return []
    rest = words[wrapper.skip :]
    return _flags(rest, wrapper, wrapper.values, sources) if wrapper.joined and wrapper.skip else rest


ALL = 99
"""`skip` of a wrapper that takes its command from flags only."""


_FUNCTION = re.compile(r"BASH_FUNC_([\w.-]+)(?:%%|\(\))")
"""A function in the environment, as bash passes it on."""


def _assignments(run: Run, words: list[str], state: State) -> list[str]:
    at = 0
    while at < len(words):
        name, equals, value = words[at].partition("=")
        if exported := _FUNCTION.fullmatch(name):
            code(run, f"{exported[1]} {value}", state, "env")
        elif not equals or not name.isidentifier():
            break
        else:
            run.assign(name, (value,), state)
        at += 1
    return words[at:]
