"""Commands among the arguments of programs that are not described as running them: found by shape.

Flags and keys that are named like commands, what follows ``exec``, ``run`` or ``--``, and, for programs that are not
known at all or whose name is not, arguments as those of a destructive program. Only effects count that a harmless
command would not have; must not know what any program does.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial

from lighthoused.core.verdicts import Effect
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import opaque, unmarked

MAX_WORDS = 64
MAX_TEXT = 4096
MAX_TAILS = 3
_COMMAND_NAME = re.compile(
    r"(?i)(?:[\w.:-]*[-_.:])?(?:command|cmd|exec|execute|exec-batch|eval|shell|rsh|run|runner|wrapper|hook|pager|editor"
    r"|program|prog|invoke|filter|script|scripts|launcher|run[-_]under|mda|pre|plugin|batch|startup|exec[-_]\w+|\w+[-_]exec|execute[-_]\w+|askpass|prepare|cleanup|setup|exe|action|proxy"
    r"|sshcommand|helper|textconv|smudge|clean|driver|smtpserver|compressor|decompressor"
    r"|on-[\w-]+|pre-[\w-]+|post-[\w-]+|alias[.:][\w-]+|hooks[.:][\w-]+|tunnels[.:]\w+|CC|CXX|LD|AR|SHELL)(?:::)?"
)
_SHORT = frozenset({"-c", "-e", "-x", "-z", "-C", "-X"})
_VERBS = frozenset(
    {"exec", "run", "shell", "ssh", "sh", "enter", "start", "spawn", "launch", "submit", "rsh", "debug", "execute"}
    | {"cmd", "command", "eval", "add", "queue", "enqueue", "daemon", "record", "stat", "exec-env", "exec-file", "wait"}
    | {"run-command", "x", "dlx", "retry", "watch", "timeout", "with"}
)
_TEXT = """
[ ack ag apropos apt-cache ast-grep banner basename cat cheat chmod chown cowsay cp cqlsh curl cut date dd declare
dialog diff dirname duckdb echo egrep export expr fgrep figlet find fzf git grep gron gsed gum head help hg history
info jj jq kill killall ln local locate logger ls man mariadb mkdir mlocate mongo mongosh mv mysql notify-send
osascript pcregrep pgrep pkill plocate printf ps psql read realpath redis-cli rg rm say sed semgrep seq sort sqlcmd
sqlite3 tail tee test tldr toilet touch tr type ugrep uniq wall wc wget whatis whereis which whiptail write yq zgrep
"""
QUIET = frozenset(_TEXT.split())
"""Programs whose arguments are text, paths or patterns, or which are described elsewhere."""
_HARMLESS = frozenset({"execute", "unparsed", "read", "fetch"})
_GRAVE = frozenset(
    {"delete", "discard", "rewrite_history", "overwrite_device", "destroy", "write", "append", "permission", "account"}
    | {"escalate_privilege", "interpret", "send", "persist", "exhaust", "conceal", "kernel", "power"}
)
_RECURSIVE = re.compile(r"-[a-zA-Z]*[rRf][a-zA-Z]*|--recursive|--force|--no-preserve-root")
_REMOVING = re.compile(r"-[rRfvidI]+|--recursive|--force|--no-preserve-root")
_MODE = re.compile(r"[0-7]{3,4}|[ugoa]*[+=][rwxXst]+")
_DEVICE = re.compile(r"(?:of=)?/dev/(?:sd|nvme|hd|vd|xvd|disk|mmcblk|mapper/)\w*")
_GIT_WORDS = frozenset({"push", "reset", "clean", "checkout", "restore", "branch", "stash"})

Knows = Callable[[str], bool]
"""Whether a program is known by its name."""
Family = Callable[[Run, list[str], State], str | None]


def named(knows: Knows) -> Family:
    """The family of flags and keys that are named like commands. It leaves the rest to others."""

    def family(run: Run, argv: list[str], state: State) -> str | None:
        if argv[0] not in QUIET and not run.trying:
            for source in dict.fromkeys(_sources(argv)):
                if _plausible(source, knows, state, run):
                    keep(run, run.attempt(partial(run.script, source, state.fork())))
        return None

    return family


def following(knows: Knows) -> Family:
    """The family of commands that follow other words. It leaves the rest to others."""

    def family(run: Run, argv: list[str], state: State) -> str | None:
        if argv[0] not in QUIET and not run.trying and len(argv) <= MAX_WORDS:
            for tail in _tails(argv, knows):
                keep(run, run.attempt(partial(run.command, tail, state.fork())), grave=True)
        return None

    return family


def unnamed(run: Run, argv: list[str], state: State) -> None:
    """Arguments of a program whose name is not known, judged by their shape."""
    if run.trying or len(argv) > MAX_WORDS:
        return
    for program in _resembles([unmarked(word) for word in argv[1:]]):
        keep(run, run.attempt(partial(run.command, [program, *argv[1:]], state.fork())))


def maybe(run: Run, command: Callable[[], object]) -> None:
    """Something that may be run: those effects count that would do harm."""
    if run.trying:
        command()
    else:
        keep(run, run.attempt(lambda: str(command())), grave=True)


def keep(run: Run, effects: list[Effect], grave: bool = False) -> None:
    """Add those effects of a command that was tried which a harmless one would not have."""
    if any(effect.kind == "unparsed" for effect in effects):
        return
    for effect in effects:
        kept = effect.kind in _GRAVE if grave else effect.kind not in _HARMLESS
        if kept or effect.place in ("secret", "history", "account", "everything"):
            run.findings.put(effect)


_EXECUTABLE = re.compile(r"(?i)(?:.*[-_.:])?(?:executable|exec|command|program)")
_ARGUMENTS = re.compile(r"(?i)(?:.*[-_.:])?(?:args|arguments|commandlineargs)")


def _apart(argv: list[str]) -> Iterator[str]:
    """A command of which the program and its arguments are said apart (``-Dexec.executable=rm -Dexec.args=...``)."""
    said = [word.lstrip("-").partition("=")[::2] for word in argv[1:MAX_WORDS] if "=" in word]
    for name, program in said:
        if program and _EXECUTABLE.fullmatch(name):
            yield from (f"{program} {rest}" for other, rest in said if _ARGUMENTS.fullmatch(other))


def _sources(argv: list[str]) -> Iterator[str]:
    """Texts that a flag, a key or a verb announces as commands."""
    yield from _apart(argv)
    for at, word in enumerate(argv[1:MAX_WORDS], 1):
        flag, equals, value = word.partition("=")
        if equals and (value.startswith("!") or _COMMAND_NAME.fullmatch(flag.lstrip("-"))):
            yield value
        elif word.startswith("!") and len(word) > 1:
            yield word
        elif at + 1 < len(argv) and _announces(word):
            yield argv[at + 1]
        elif argv[at - 1] in _VERBS and " " in word:
            yield word


@lru_cache(maxsize=4096)
def _announces(word: str) -> bool:
    """Whether the next word is a command by the name of this flag."""
    if not word.startswith("-") or "=" in word:
        return False
    return word in _SHORT or (len(word) > 2 and _COMMAND_NAME.fullmatch(word.lstrip("-")) is not None)


def _plausible(source: str, knows: Knows, state: State, run: Run) -> bool:
    """Whether a text begins with a program that is known, or a script that was written before; not other languages."""
    words = source.lstrip("!&@- \t").split(None, 1)
    if not words or len(source) > MAX_TEXT or words[0] in ("import", "from", "const", "let", "var"):
        return False
    first = words[0].strip("'\"")
    if run.findings.targets.absolute(first, state.cwd) in state.files:
        return True
    return len(words) > 1 and (opaque(first) or _runnable(first, knows) or "=" in first or first[:1] in "({$")


def _runnable(word: str, knows: Knows) -> bool:
    return knows(posixpath.basename(unmarked(word)))


def _tails(argv: list[str], knows: Knows) -> Iterator[list[str]]:
    """What may be a command: after ``--``, after a verb, or anywhere where the program is not known."""
    if argv[0] in QUIET:
        return
    if "--" in argv[:-1] and not argv[argv.index("--") + 1].startswith("-"):
        yield argv[argv.index("--") + 1 :]
    verb = next((at for at, word in enumerate(argv[1:6], 1) if word in _VERBS), 0)
    if verb or not knows(argv[0]):
        starts = [at for at in range(verb + 1, len(argv) - 1) if _runnable(argv[at], knows)]
        for at in starts[:MAX_TAILS]:
            yield argv[at:]


def _resembles(words: list[str]) -> Iterator[str]:
    """Destructive programs that take arguments of this shape."""
    flags = [word for word in words if word.startswith("-") and word != "--"]
    others = [word for word in words if not word.startswith("-")]
    first = others[0] if others else ""
    if flags and others and all(map(_REMOVING.fullmatch, flags)):
        yield "rm"
    if any(map(_DEVICE.fullmatch, words)):
        yield "dd" if any(word.startswith("of=") for word in words) else "mkfs"
    if _MODE.fullmatch(first) and any(map(_RECURSIVE.fullmatch, flags)):
        yield "chmod"
    if "-delete" in words or "-exec" in words:
        yield "find"
    if "-c" in words:
        yield "sh"
    if first in _GIT_WORDS and len(words) > 1:
        yield "git"
    if first == "delete":
        yield "kubectl"
