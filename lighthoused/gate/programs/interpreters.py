"""Interpreters other than shells: where their source stands in the arguments, and what in it runs commands."""

import posixpath
import re
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from lighthoused.gate.programs.applescript import applescript
from lighthoused.gate.programs.builtins import unseen
from lighthoused.gate.programs.computed import Surroundings, filled, quoted
from lighthoused.gate.programs.editing import awk_output
from lighthoused.gate.programs.embedded import keep
from lighthoused.gate.programs.lines import Options
from lighthoused.gate.programs.literals import scan
from lighthoused.gate.programs.loading import loaded, required
from lighthoused.gate.programs.python_source import module as module_of
from lighthoused.gate.programs.python_source import python_output
from lighthoused.gate.programs.script_calls import calls
from lighthoused.gate.programs.shells import source_of, written
from lighthoused.gate.programs.strings import evaluated, printed
from lighthoused.gate.shell.quoting import ansi
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import FETCHED, UNKNOWN, unmarked


class Interpreter(NamedTuple):
    """`source`: flags whose value is source (short ones may be combined). `values`: other flags with a value.

    `first`: the first word is source (awk). `sub`: words before the source (``deno eval``).
    `only`: without source in its arguments it does something else.
    """

    language: str
    source: tuple[str, ...]
    values: tuple[str, ...] = ()
    first: bool = False
    sub: tuple[str, ...] = ()
    only: bool = False


_PYTHON = Interpreter("python", ("-c",), ("-W", "-X", "-m"))
_NODE = Interpreter("node", ("-e", "-p", "--eval", "--print", "-pe"), ("-r", "--require", "--import"))
_AWK = Interpreter("awk", (), ("-F", "-v", "-f"), first=True)
_GENERIC = Interpreter("generic", ("-e", "-eval", "--eval", "-c"))
_JAVASCRIPT = Interpreter("node", ("-e", "-c"))
INTERPRETERS: dict[str, Interpreter] = {
    **dict.fromkeys(("python", "python2", "python3", "pypy", "pypy3", "ipython", "py"), _PYTHON),
    "dotnet-script": Interpreter("generic", ("-e", "eval")),
    **dict.fromkeys(("node", "nodejs", "bun", "ts-node", "tsx", "esno", "babel-node", "swc-node", "zx"), _NODE),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), _AWK),
    "deno": Interpreter("node", (), (), first=True, sub=("eval", "run")),
    "crystal": Interpreter("generic", (), (), first=True, sub=("eval",)),
    "rails": Interpreter("ruby", (), (), first=True, sub=("runner",)),
    "flask": Interpreter("python", (), (), sub=("shell",)),
    "perl": Interpreter("perl", ("-e", "-E"), ("-I",)),
    "ruby": Interpreter("ruby", ("-e",), ("-r", "-I")),
    "php": Interpreter("php", ("-r", "-R", "-B", "-E"), ("-d",)),
    **dict.fromkeys(("lua", "luajit", "texlua"), Interpreter("lua", ("-e",), ("-l",))),
    **dict.fromkeys(("swift", "dart", "v"), Interpreter("generic", ("-e",), only=True)),
    "rake": Interpreter("ruby", ("-e", "-p", "-E"), only=True),
    "mix": Interpreter("elixir", ("-e", "--eval"), sub=("run",), only=True),
    **dict.fromkeys(("rdmd", "csharp", "csi.exe", "fsi", "ghci", "hugs"), Interpreter("generic", ("--eval", "-e"))),
    **dict.fromkeys(("maxima", "sage", "gp", "gap", "magma"), Interpreter("r", ("--batch-string", "-c", "-e"))),
    "jed": Interpreter("generic", ("-e",), ("-f",), only=True),
    **dict.fromkeys(("coffee", "lsc", "ts-node-esm"), _NODE),
    "Rscript": Interpreter("r", ("-e",)),
    **dict.fromkeys(
        ("emacs", "emacsclient"), Interpreter("lisp", ("--eval", "-eval", "--execute", "-e"), ("-l", "-f"))
    ),
    "osascript": Interpreter("applescript", ("-e",), ("-l",)),
    "tclsh": Interpreter("tcl", ()),
    **dict.fromkeys(("R", "octave", "octave-cli", "gnuplot"), Interpreter("r", ("-e", "--eval"))),
    **dict.fromkeys(("guile", "csi", "gosh", "chicken-csi"), Interpreter("lisp", ("-c", "-e", "-eval"))),
    **dict.fromkeys(("sbcl", "clisp", "ecl", "ccl"), Interpreter("lisp", ("--eval", "-x", "-eval"), ("--load",))),
    **dict.fromkeys(("racket", "clojure", "clj", "bb", "lein-exec", "janet", "fennel"), Interpreter("lisp", ("-e",))),
    **dict.fromkeys(("swipl", "gprolog", "yap"), Interpreter("prolog", ("-g", "-f"), ("-t",))),
    **dict.fromkeys(("ocaml", "ghc", "runghc", "scala", "kotlin", "kotlinc", "iex", "pry", "irb"), _GENERIC),
    **dict.fromkeys(("jrunscript", "jjs", "nashorn", "rhino", "qjs", "quickjs", "gjs", "d8"), _JAVASCRIPT),
    **dict.fromkeys(("jshell", "erl", "pike"), _GENERIC),
    "nim": Interpreter("generic", ("-e", "--eval", "--eval:")),
    **dict.fromkeys(("raku", "perl6", "rakudo"), Interpreter("raku", ("-e", "-ne", "-pe"), ("-M",))),
    "expect": Interpreter("tcl", ("-c",)),
    "elixir": Interpreter("elixir", ("-e",)),
    "julia": Interpreter("julia", ("-e", "--eval", "-E")),
    "groovy": Interpreter("groovy", ("-e",)),
}
_VERSIONED = re.compile(r"(python|pypy|perl|ruby|php|lua|node)[\d.]+$")


_PRINTING = frozenset({"-p", "--print", "-pe"})
"""Flags of node: it prints what the source gives."""
_PACKAGES = frozenset(
    {"add", "create", "i", "init", "install", "link", "pm", "publish", "remove", "rm", "run", "update"}
)
"""What bun does as a package manager."""
_FRAMEWORKS = {name: name for name in ("manage.py", "artisan", "craft", "spark", "please", "wp-cli.phar")} | {
    "console": "bin/console"
}
"""Scripts of frameworks that the knowledge base describes, by the name of their file."""


def interpreter(run: Run, argv: list[str], state: State) -> str | None:
    """Reads the source if it is there to be read. Its output is not known."""
    found = INTERPRETERS.get(argv[0]) or INTERPRETERS.get(_VERSIONED.sub(r"\1", argv[0]))
    if found is None or (argv[0] == "bun" and not _PACKAGES.isdisjoint(argv[1:2])):
        return None
    words = argv[1:]
    framework = _FRAMEWORKS.get(posixpath.basename(words[0])) if words else None
    if framework:
        return run.command([framework, *words[1:]], state)
    if argv[0] == "deno" and any(re.match(r"https?://(?!localhost|127\.)", word) for word in words):
        unseen(run, FETCHED, "deno")
    if found.sub:
        if words[:1] and words[0] not in found.sub:
            return None
        if words[:1] == ["run"] and argv[0] == "deno":
            found = found._replace(first=False)
        words = words[1:]
    if found.only and not any(_is_source(found, word) or word == "-" for word in words[:8]):
        return None
    sources, module, rest = _arguments(found, words)
    if module:
        return _module(run, module, rest, state)
    if found.first and not sources and (rest or "-f" in words):
        files = [words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-f", "--file")]
        texts = [written(run, path, state) for path in files]
        sources, rest = ([text for text in texts if text is not None], rest) if files else ([rest[0]], rest[1:])
    if not sources:
        source = source_of(run, argv, rest, state)
        sources = [] if source is None else [source]
    if argv[0] == "perl" and sources:
        sources[0] = "".join(f"use {word[2:]};" for word in words if re.match(r"-M\w", word)) + sources[0]
    for text, language in loaded(run, argv[0], found.language, words, state):
        read(run, unmarked(text), state, language or found.language)
    output = ""
    if rest[:1] == ["-"]:
        rest = rest[1:]
    for source in sources:
        if found.language == "awk":
            output += _awk(run, unmarked(source), words, rest, state)
        else:
            output += read(run, unmarked(source), state, found.language, tuple(rest))
    if found.language == "node" and not _PRINTING.isdisjoint(words) and output == UNKNOWN:
        given = Surroundings(tuple(rest), lambda name: (state.value(name) or (UNKNOWN,))[0], state.stdin.text)
        output = printed(f"console.log({filled(unmarked(sources[0]), 'node', given)})", "node")
    _serves(run, argv[0], words)
    _edits_in_place(run, argv[0], words, rest, state)
    loops = found.language == "perl" and any(re.fullmatch(r"-[a-zA-Z0-9]*[np][a-zA-Z0-9]*", word) for word in words)
    return UNKNOWN if loops or not sources else output


def _awk(run: Run, source: str, words: list[str], paths: list[str], state: State) -> str:
    """awk, whose variables may be given by ``-v`` and whose fields hold its input."""
    options = Options(words, "Fvf")
    settings = [after for word, after in pairwise(words) if word == "-v"]
    settings += [word[2:] for word in words if word.startswith("-v") and "=" in word]
    names = dict(setting.partition("=")[::2] for setting in settings if "=" in setting)
    for name, value in names.items():
        source = re.sub(rf"(?<![\w$\"]){name}\b(?!\s*=)", lambda _, value=value: quoted(value), source)  # type: ignore[misc]
    output = awk_output(run, source, ansi(unmarked(options.flags.get("F", " "))), {}, paths, state)
    read(run, source, state, "awk", tuple(paths))
    return output


MAX_EVALUATED = 4
"""How deep source stands in source."""


def read(run: Run, source: str, state: State, language: str, arguments: tuple[str, ...] = (), depth: int = 0) -> str:
    """Add the effects of source in a language; what it prints."""
    if (
        language == "python"
        and not _SHELL_TEXT.match(source)
        and (output := python_output(run, source, state, arguments)) is not None
    ):
        return output
    given = Surroundings(arguments, lambda name: (state.value(name) or (UNKNOWN,))[0], state.stdin.text)
    original, source = source, filled(source, language, given)
    if _SHELL_TEXT.match(source) and not run.trying:
        keep(run, run.attempt(partial(run.script, source, state.fork())), grave=True)
    if language == "applescript":
        applescript(run, source, state)
    else:
        calls(run, source, state, language, original)
    output = printed(source, language)
    if output != UNKNOWN and not _INTERPOLATES.search(source):
        return output
    inside = evaluated(source)
    scan(run, source, state, language, tuple(part.span for part in inside))
    for text in required(run, source, state, language) if depth < MAX_EVALUATED else ():
        read(run, text, state, language, arguments, depth + 1)
    for part in inside if depth < MAX_EVALUATED else ():
        read(run, part.text, state, language, arguments, depth + 1)
    return output


_INTERPOLATES = re.compile(r"[#$@]\{|`|\$\(|<<|\bqx|%x|\|")
"""What may run something even where source only prints."""


def _arguments(found: Interpreter, words: list[str]) -> tuple[list[str], str, list[str]]:
    """Sources, a module (``-m``), and the words that follow."""
    sources: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        if word == "--" or len(word) < 2 or word[0] != "-":
            break
        at += 1
        if _is_source(found, word):
            attached = _attached(found, word)
            sources.append(attached or (words[at] if at < len(words) else ""))
            at += 0 if attached else 1
            if found.language == "python":
                break
        elif word == "-m" and found.language == "python":
            return sources, words[at] if at < len(words) else "", words[at + 1 :]
        elif word in found.values:
            at += 1
    return sources, "", words[at + 1 :] if words[at : at + 1] == ["--"] else words[at:]


def _is_source(found: Interpreter, word: str) -> bool:
    flag = word.partition("=")[0]
    if flag in found.source or any(each.endswith(":") and word.startswith(each) for each in found.source):
        return True
    letters = [each[1] for each in found.source if len(each) == 2]
    if word.startswith("--") or not letters:
        return False
    if found.language == "python":
        return re.match(r"-[BbdEIiOPqRsSuvVx]*c", word) is not None
    return (
        word[-1] in letters and re.fullmatch(r"-[a-zA-Z0-9]+", word) is not None and not word.startswith(("-M", "-I"))
    )


def _attached(found: Interpreter, word: str) -> str:
    """Source in the same word as its flag: ``-c'code'``, ``--eval=code``."""
    if word.startswith("--"):
        return word.partition("=")[2] or (word.partition(":")[2] if ":" in word else "")
    if found.language == "python":
        return word[word.index("c") + 1 :]
    return ""


def _module(run: Run, module: str, rest: list[str], state: State) -> str:
    """``python -m name`` is mostly a program of that name."""
    if module in ("http.server", "SimpleHTTPServer") and not {"-h", "--help"} & set(rest):
        if any(word in _LOCAL for word in rest):
            return UNKNOWN
        note = "Everybody who reaches this machine can read the directory."
        run.findings.add("listen", module, "network", program="python", note=note)
        return UNKNOWN
    text = module_of(run, module, state)
    if text is not None:
        return read(run, unmarked(text), state, "python", tuple(rest))
    if module in ("code", "asyncio", "IPython", "ptpython", "bpython") and state.stdin.text is not None:
        return read(run, unmarked(state.stdin.all()), state, "python")
    if module in ("timeit", "pdb", "cProfile", "profile", "trace"):
        for word in rest:
            if " " in word or "(" in word:
                read(run, word.lstrip("!"), state, "python")
        return UNKNOWN
    if module.startswith(_ATTACKING):
        note, instead = "It breaks into accounts or machines.", "Ask the owner."
        run.findings.add("probe", module, "network", program="python", note=note, instead=instead)
        return UNKNOWN
    return run.command([module, *rest], state)


_ATTACKING = (
    "impacket.",
    "scapy",
    "pwn.",
    "pwntools",
    "bloodhound",
    "lsassy",
    "pypykatz",
    "mitm6",
    "certipy",
    "donpapi",
)
"""Modules of attack tools."""
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1", "--bind=127.0.0.1", "--bind=localhost", "-b127.0.0.1"})
_SHELL_TEXT = re.compile(r"\s*(?:sudo\s+)?(?:rm|dd|mkfs[\w.]*|chmod|chown|shred|wipefs|curl|wget|git)\s+(?:-\w|/|~)")


def _serves(run: Run, name: str, words: list[str]) -> None:
    """``php -S``, ``ruby -run -e httpd``: a server."""
    served = next((after for word, after in pairwise(words) if word == "-S"), "") if name == "php" else ""
    if (served and not served.startswith(("127.", "localhost", "[::1]"))) or (name == "ruby" and "-run" in words):
        note = "Everybody who reaches this machine can read the directory."
        run.findings.add("listen", served or "httpd", "network", program=name, note=note)


def _edits_in_place(run: Run, name: str, words: list[str], rest: list[str], state: State) -> None:
    """``perl -i``, ``ruby -i``, ``gawk -i inplace`` change the files named."""
    if (
        name in ("perl", "ruby")
        and any(re.match(r"-[a-zA-Z0-9]*i", word) and not word.startswith("-I") for word in words)
    ) or (name in ("awk", "gawk") and "inplace" in words):
        for path in rest:
            run.findings.path("write", path, state.cwd, program=name)
