"""Programs of the knowledge base: from arguments to effects by their rules. Any other program is an unknown effect."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from lighthoused.gate.arguments import COMMON_SWITCHES, Arguments, parse
from lighthoused.gate.knowledge_base import PATH_KINDS, KnowledgeBase, Program, Rule, RuleEntry
from lighthoused.gate.programs.removing import named_for_it, says_it_removes
from lighthoused.gate.programs.telling_names import telling
from lighthoused.gate.programs.told import Told
from lighthoused.gate.shell.bounds import MAX_MATCHED
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import FETCHED, GLOB, KEPT, SECRET, UNKNOWN, opaque, unmarked

_HOSTILE = frozenset({"probe", "exhaust", "trace", "listen"})
_LEAVING = frozenset({"send", "fetch", "push", "publish"})
_CLIENTS = frozenset(
    {
        "curl",
        "wget",
        "http",
        "https",
        "xh",
        "httpie",
        "curlie",
        "dig",
        "nslookup",
        "host",
        "drill",
        "ping",
        "whois",
        "nc",
    }
    | {"ncat", "netcat", "telnet", "lwp-request", "aria2c"}
)
"""Programs that talk to whoever they are told to."""
_PROVES = frozenset(
    {"-H", "--header", "-u", "--user", "--oauth2-bearer", "--password", "--http-password", "--ftp-password", "-b"}
    | {
        "--cookie",
        "-a",
        "--auth",
        "--proxy-user",
        "-U",
        "-E",
        "--cert",
        "--pass",
        "-A",
        "--netrc-file",
        "-e",
        "--referer",
    }
)
"""Flags by which they prove who they are."""
_LOGIN = re.compile(
    r"(?i)^[\w+.-]+://(?:localhost|127\.|\[::1\]|[\w.-]*\.(?:localhost|local|internal|test)\b)|/oauth|/token\b"
)


class Described:
    """Applies the knowledge base."""

    def __init__(self, knowledge: KnowledgeBase, told: Told) -> None:
        self._knowledge = knowledge
        self._told = told

    def names(self) -> Iterable[str]:
        """The names of all programs that are known."""
        return self._knowledge.names()

    def knows(self, name: str) -> bool:
        return name in self._knowledge

    def hostile(self, name: str) -> bool:
        """Whether a program is known for attacking, opening or using up machines, and for nothing else."""
        program = self._knowledge.get(name)
        rules = () if program is None else program.rules
        return bool(rules) and all(rule.entry.kind in _HOSTILE for rule in rules)

    def __call__(self, run: Run, argv: list[str], state: State) -> str:
        program = self._knowledge.get(argv[0])
        if program is None:
            return self._unknown(run, argv, state)
        if "--help" in argv or argv[-1] == "--version":
            return UNKNOWN
        arguments = parse(program.grammar, argv[1:])
        if not _is_harmless(program, arguments):
            if not self._rules(run, program, arguments, state) and not self._otherwise(
                run, program, argv, arguments, state
            ):
                _unspoken(run, program, arguments)
            if program.source.language:
                self._told.statements(run, program, arguments, state)
            if program.source.requests:
                self._told.requests(run, program, arguments)
        if program.output == "fetched" and not arguments.of("-o,-O,--output,--output-document"):
            _saved(run, argv, arguments, state)
        return SECRET if _collected(run, program) else _output(program, arguments)

    def _rules(self, run: Run, program: Program, arguments: Arguments, state: State) -> bool:
        """Whether any rule is about this command."""
        applied = [self._apply(run, program, rule, arguments, state) for rule in program.rules]
        return any(applied)

    def _otherwise(self, run: Run, program: Program, argv: list[str], arguments: Arguments, state: State) -> bool:
        """Whether any rule is about this command, read in another way."""
        if not arguments.flags or not _LOOKING.isdisjoint(arguments.words[:1]):
            return False
        rules = [rule for rule in program.rules if rule.command]
        for other in _otherwise(program, argv, arguments) if rules else ():
            if not _is_harmless(program, other):
                applied = [self._apply(run, program, rule, other, state) for rule in rules]
                if any(applied):
                    return True
        return False

    def _unknown(self, run: Run, argv: list[str], state: State) -> str:
        """No program of this name is known; SQL where a shell reads is taken for what it says."""
        telling(run, argv[0], state)
        if argv[0] in _SQL and len(argv) > 1:
            self._told.read(run, "sql", unmarked(" ".join(argv)), argv[0], state)
        if _FRAGMENT.fullmatch(argv[0]):
            self._told.read(run, "code", unmarked(f"{argv[0]}()"), argv[0], state)
        return _unknown(run, argv)

    def _apply(self, run: Run, program: Program, rule: Rule, arguments: Arguments, state: State) -> bool:
        """Whether the rule is about this command, with these flags or others."""
        skip = rule.skip(arguments.words)
        if skip is None:
            return False
        words = arguments.words[skip:]
        if not rule.applies(arguments, words) or not _fed(rule.entry, state):
            return bool(rule.command)
        entry = rule.entry
        more: dict[str, Any] = {"program": program.name, "note": entry.note, "instead": entry.instead}
        more["certainty"] = entry.certainty
        recursive = entry.recursive
        more["recursive"] = recursive if isinstance(recursive, bool) else any(map(arguments.has, recursive))
        if entry.place:
            more["place"] = entry.place
        if entry.kind in _LEAVING and _carries_secret(run, entry, arguments, state):
            more["place"] = "secret"
        elif entry.kind in _LEAVING and program.name in _CLIENTS and _leaks(arguments):
            more["place"] = "kept"
        targets = _targets(entry.target, arguments, words)
        if entry.target.startswith("=~/"):
            targets = [(state.value("HOME") or ("~",))[0] + entry.target[2:]]
        for target in targets or ([] if entry.kind in PATH_KINDS else [""]):
            if entry.kind in PATH_KINDS and rule.scope is None:
                run.findings.path(entry.kind, target, state.cwd, **more)
                if program.output == "fetched" and entry.kind == "write" and target != "-":
                    state.write(run.findings.targets.absolute(target, state.cwd), FETCHED, False)
            elif rule.scope == "project" and not target.startswith("="):
                self._in_project(run, entry.kind, target, state, more)
            else:
                run.findings.add(entry.kind, target, rule.scope or "unknown", **more)
        return True

    def _in_project(self, run: Run, kind: str, target: str, state: State, more: dict[str, Any]) -> None:
        """An effect on the work in the current directory: its scope and whether it is undoable are the directory's."""
        where = run.findings.targets.resolve(".", state.cwd)
        more.pop("place", None)
        scope = where.scope if where.scope == "project" else "project"
        run.findings.add(kind, target or where.path, scope, undoable=where.undoable, **more)


def _otherwise(program: Program, argv: list[str], arguments: Arguments) -> Iterator[Arguments]:
    """The arguments with other words, if flags take values or not in other ways than described.

    First as if any long flag that nobody described takes one (``--log-level debug system prune``), then as if no
    short one does: the same letter means different things to programs that share a description.
    """
    grammar = program.grammar
    short = frozenset(flag for flag in grammar.values if flag.startswith("--"))
    for other in (grammar._replace(switches=COMMON_SWITCHES), grammar._replace(values=short)):
        words = parse(other, argv[1:]).words
        if words != arguments.words:
            yield arguments._replace(words=words)


def _is_harmless(program: Program, arguments: Arguments) -> bool:
    """Whether it only shows what it would do. A word (``help``) counts as the first or last, several as the first."""
    ends = (*arguments.words[:1], *arguments.words[1:][-1:])
    line = " ".join(arguments.words[:3]) + " "
    return any(
        arguments.means(each) if each[0] == "-" else each in ends or (" " in each and line.startswith(each + " "))
        for each in program.harmless_when
    )


_FRAGMENT = re.compile(r"[A-Za-z_]\w*(?:\.\w+)+")
"""A line of a program that is taken for a command."""
_SQL = frozenset({"DROP", "TRUNCATE", "DELETE", "ALTER", "GRANT", "REVOKE", "UPDATE"})


_ASKED_FIRST = "Its --help says what that does; list what it would remove first."


def _unknown(run: Run, argv: list[str]) -> str:
    """A program that is not known. One that is told to delete something is taken at its word."""
    note = "What this program does is not known."
    run.findings.add("execute", argv[0], "process", certainty="unknown", program=argv[0], note=note)
    words = [word for word in argv[1:9] if not word.startswith("-")]
    flags = [word for word in argv[1:33] if word.startswith("-")]
    if argv[-1] != "-h" and (says_it_removes(words, flags) or (words and named_for_it(argv[0]))):
        note = "A program that is not known is told to delete something."
        more: dict[str, Any] = {"note": note, "instead": _ASKED_FIRST}
        run.findings.add("destroy", " ".join(words), certainty="unknown", program=argv[0], **more)
    return UNKNOWN


def _collected(run: Run, program: Program) -> bool:
    """Whether what it prints may be keys or accounts that it was told to pack (``tar c ~/.ssh``)."""
    if not any(rule.entry.kind == "collect" for rule in program.rules):
        return False
    return any(
        effect.kind == "collect" and effect.program == program.name and effect.place in ("secret", "account", "history")
        for effect in run.findings.effects()
    )


def _saved(run: Run, argv: list[str], arguments: Arguments, state: State) -> None:
    """What wget and ``curl -O`` fetch becomes a file of the same name."""
    if argv[0] != "wget" and not arguments.has("-O") and not arguments.has("--remote-name"):
        return
    for url in arguments.words:
        name = url.partition("?")[0].rpartition("/")[2]
        if name and not opaque(name):
            state.write(run.findings.targets.absolute(name, state.cwd), FETCHED, False)


def _fed(entry: RuleEntry, state: State) -> bool:
    """Whether it reads what the rule wants: something that is not known as text, or text that is like this."""
    text = state.stdin.text
    if entry.input and (text is None or not opaque(text)):
        return False
    return not entry.input_like or (text is not None and re.search(entry.input_like, text[:MAX_MATCHED]) is not None)


_LOOKING = frozenset(
    {"add", "build", "cache", "completion", "config", "create", "describe", "diff", "docs", "exec", "explain", "find"}
    | {"generate", "get", "help", "history", "images", "info", "inspect", "install", "lint", "list", "log", "logs"}
    | {"ls", "makemigrations", "man", "new", "plan", "ps", "query", "read", "run", "search", "show", "status"}
    | {"template", "test", "validate", "version", "view", "whoami"}
)
_DESTROYS = frozenset({"destroy", "overwrite_device"})


def _unspoken(run: Run, program: Program, arguments: Arguments) -> None:
    """No rule speaks of a command of a program that can destroy something: it is taken at its word."""
    words = arguments.words[:4]
    if (
        not words
        or words[0] in _LOOKING
        or not says_it_removes(words, filter(arguments.means, arguments.flags), elsewhere=True)
    ):
        return
    if any(rule.entry.kind in _DESTROYS and rule.scope != "home" for rule in program.rules):
        note, instead = "By its words it removes something.", "Let its owner remove it; list it first."
        line = _line(arguments)
        run.findings.add(
            "destroy", line, "remote", certainty="unknown", program=program.name, note=note, instead=instead
        )


def _mentions_secret(run: Run, arguments: Arguments, state: State) -> bool:
    """Whether a secret is among its words or on its input, or in a file it names (``@file``)."""
    if state.stdin.text is not None and SECRET in state.stdin.text:
        return True
    values = (value for values in arguments.flags.values() for value in values)
    for text in (*arguments.words, *values):
        path = run.findings.targets.absolute(text.rpartition("@")[2], state.cwd)
        if SECRET in text or (path in state.files and SECRET in state.files[path]):
            return True
    return False


def _carries_secret(run: Run, entry: RuleEntry, arguments: Arguments, state: State) -> bool:
    """Whether keys or passwords leave with it. Copying them to a machine of one's own is told by the file's place."""
    if _mentions_secret(run, arguments, state):
        return True
    return entry.kind == "send" and entry.place != "copy" and _names_secret(run, arguments, state)


def _names_secret(run: Run, arguments: Arguments, state: State) -> bool:
    """Whether a file with keys or passwords is among its words (``aws s3 cp ~/.aws/credentials s3://x``)."""
    paths = (word for word in arguments.words if "://" not in word and "@" not in word and ("/" in word or "." in word))
    return any(run.findings.targets.resolve(path, state.cwd).place == "secret" for path in paths)


def _leaks(arguments: Arguments) -> bool:
    """Whether a secret of the environment stands where it proves nothing: in an address, a name or data."""
    if any(map(_LOGIN.search, map(unmarked, arguments.words))):
        return False
    values = [value for flag, values in arguments.flags.items() if flag not in _PROVES for value in values]
    return any(KEPT in _USERINFO.sub("://", text) for text in (*arguments.words, *values))


_USERINFO = re.compile(r"://[^/@]*@")


def _targets(spec: str, arguments: Arguments, words: list[str]) -> list[str]:
    """The targets that a rule's `target` names (see docs/gate.md)."""
    if spec == "none":
        return [""]
    if spec == "cwd":
        return ["."]
    if spec == "words":
        return [" ".join(arguments.words)]
    if spec == "line":
        return [_line(arguments)]
    if spec == "args":
        return words
    if spec == "last":
        return words[-1:]
    if spec == "but_last":
        return words[:-1] if len(words) > 1 else words
    kind, _, rest = spec.partition(":")
    if kind == "arg":
        return words[int(rest) : int(rest) + 1]
    if kind == "args":
        return words[int(rest) :]
    if kind == "flag":
        return arguments.of(rest)
    if kind == "at":
        return [value.partition("@")[2].partition(";")[0] for value in arguments.of(rest) if "@" in value]
    if kind == "key":
        return arguments.keys.get(rest, [])
    return [spec[1:]]


def _line(arguments: Arguments) -> str:
    """Words, then flags with their values."""
    flags = (f"{flag} {' '.join(values)}".rstrip() for flag, values in arguments.flags.items())
    return " ".join([*arguments.words, *flags])


def _output(program: Program, arguments: Arguments) -> str:
    """What it prints: names of files below here, what was fetched, or nobody knows."""
    if program.output == "fetched":
        return FETCHED
    if program.output == "paths":
        words = [word for word in arguments.words if not opaque(word)]
        folder = words[-1].rstrip("/") + "/" if words and words[-1][:1] in "./~" else "./"
        return f"{folder}{GLOB}*/some{UNKNOWN}\n"
    return UNKNOWN
