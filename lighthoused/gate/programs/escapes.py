"""Commands that stand in the arguments or the input of editors, debuggers, archivers and clients: tables of patterns.

Group 1 of a pattern is shell source, or source in the language named beside it.
"""

import re
from typing import NamedTuple

from lighthoused.gate.programs.builtins import code
from lighthoused.gate.programs.interpreters import read
from lighthoused.gate.shell.bounds import MAX_MATCHED, Unresolvable
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import opaque, unmarked


class Escape(NamedTuple):
    """A pattern for arguments and lines of input; `language` "" for the shell."""

    pattern: re.Pattern[str]
    language: str = ""


def _escape(pattern: str, language: str = "") -> Escape:
    return Escape(re.compile(pattern, re.DOTALL), language)


_EX_PREFIX = r"^\+?\s*+:?\s*+(?:sil(?:ent)?!?\s++|%|[\d.$,']++|\w++\s*+\|\s*+)*+"
_EX = (
    _escape(_EX_PREFIX + r"(?:r(?:ead)?\s*+|w(?:rite)?\s++|norm\w*+\s++:?)?!\s*+(.+)"),
    _escape(_EX_PREFIX + r"exe(?:cute)?\s++[\"'][^\"'!]*+!\s*+(.+?)[\"']\s*+$"),
    _escape(_EX_PREFIX + r"(?:bo\w*\s++)?term(?:inal)?!?\s++(?:\+\+\w++\s++)*+(.+)"),
    _escape(_EX_PREFIX + r"(?:let|echo|call)\b.*?(?:system|systemlist|job_start|term_start|jobstart)\(['\"](.+?)['\"]"),
    _escape(_EX_PREFIX + r"lua\s++(.+)", "lua"),
    _escape(_EX_PREFIX + r"py(?:thon)?[3x]?\s++(.+)", "python"),
    _escape(_EX_PREFIX + r"perl?\s++(.+)", "perl"),
    _escape(_EX_PREFIX + r"rub(?:y)?\s++(.+)", "ruby"),
)
_BANG = _escape(r"^\s*+(?:r\s++|w\s++)?!\s*+(.+)")
_SQL_SHELL = (_escape(r"\\!\s*+(.+)"), _escape(r"^\s*+system\s++(.+)"))
_PROXY = tuple(_escape(rf"(?i){name}[= ](.+)") for name in ("ProxyCommand", "LocalCommand", "KnownHostsCommand"))
_FZF = r"(?:execute(?:-silent|-multi)?|become|reload(?:-sync)?|preview|transform[\w-]*)[(:\[{]\s*+(.+?)[)\]}]?$"
_CARGO = (
    r"^(?:--config=)?(?:build\.rustc(?:-workspace)?-wrapper|target\..*\.(?:runner|linker))\s*+=\s*+"
    r"[\"'\[]*(.+?)[\"'\]]*$"
)
_TMUX = r"^(?:run-shell|run|if-shell|if)\s++(?:-b\s++)?[\"'](.+?)[\"']"
_BANGS = """
ed red dc bc ftp lftp telnet sftp less more man mail mailx mutt gnuplot cpan pdb ipython msfconsole gdb kermit
nslookup sqlplus tftp w3m
"""
"""Programs that take a shell command after an exclamation mark."""
ESCAPES: dict[str, tuple[Escape, ...]] = {
    **dict.fromkeys(("vim", "vi", "nvim", "ex", "view", "gvim", "vimdiff", "rvim"), _EX),
    **dict.fromkeys(_BANGS.split(), (_BANG,)),
    **dict.fromkeys(("less", "more", "man"), (_BANG, _escape(r"^\+\d*!\s*+(.+)"))),
    "gdb": (_BANG, _escape(r"^\s*+(?:shell|make)\s++(.+)"), _escape(r"^\s*+(?:python|py|pi)\s++(.+)", "python")),
    "lldb": (_escape(r"^\s*+(?:platform\s++)?shell\s++(.+)"), _escape(r"^\s*+script\s++(.+)", "python")),
    "tar": (
        _escape(r"^exec=(.+)"),
        _escape(r"^--(?:checkpoint-action=exec|to-command|use-compress-program|rsh-command|[\w-]+-script)=(.+)"),
    ),
    "sqlite3": (_escape(r"(?:^|\n)\s*+\.(?:shell|system)\s++(.+)"), _escape(r"^\s*+\.output\s++\|(.+)")),
    **dict.fromkeys(("psql", "mysql", "mariadb"), _SQL_SHELL),
    "psql": (*_SQL_SHELL, _escape(r"(?i)\b(?:from|to)\s++program\s++'((?:[^']|'')*)'"), _escape(r"^\\[go]\s*+\|(.+)")),
    **dict.fromkeys(("ssh", "scp", "sftp", "autossh", "mosh", "git"), _PROXY),
    "hg": (_escape(r"^(?:alias|hooks|extdiff|merge-tools)[.\w-]*=!?(.+)"),),
    "gh": (_BANG,),
    "socat": (_escape(r"(?i)^(?:exec|system|shell):['\"]?([^'\"]+)"),),
    "sed": (_escape(r"(?:^|[;\n{])\s*+(?:\d++|\$|/[^/]*/)?\s*+e\s++(.+)"),),
    "rpm": (_escape(r"%\((.+)\)"), _escape(r"%\{lua:\s*(.+)\}", "lua")),
    "latex": (_escape(r"\\write18\s*+\{(.+?)\}"), _escape(r"\\input\s*\|\s*\"?(.+)")),
    **dict.fromkeys(("mongosh", "mongo"), (_escape(r"^(.*(?:child_process|execSync|spawn|\brun\w*\().*)$", "node"),)),
    "manage.py": (_escape(r"^(.*(?:\bimport\b|\bos\.|subprocess|\bopen\().*)$", "python"),),
    "redis-cli": (_escape(r"^(.*\bos\.execute.*)$", "lua"),),
    "git": (*_PROXY, _escape(r"^ext::(.+)")),
    **dict.fromkeys(("irb", "pry"), (_escape(r"^(.+)$", "ruby"),)),
    "octave": (_escape(r"^(.+)$", "octave"),),
    "crontab": (),
    "m4": (_escape(r"\be?syscmd\(\s*+[`'\"]*([^)'\"]+)"),),
    "puppet": (
        _escape(r"\bexec\s*+\{\s*+['\"](.+?)['\"]\s*+:"),
        _escape(r"\bcommand\s*+=>\s*+['\"](.+?)['\"]"),
    ),
    **dict.fromkeys(("chef-apply", "chef-solo"), (_escape(r"\b(?:execute|command|code)\s++['\"](.+?)['\"]"),)),
    **dict.fromkeys(("fzf", "sk"), (_escape(_FZF),)),
    "ranger": (_escape(r"^(?:--cmd=)?shell\s++(?:-\w+\s++)?(.+)"),),
    "lf": (_escape(r"^[!$&%]\s*+(.+)"),),
    "vifm": (_BANG,),
    "mpv": (_escape(r"(?:^|=)run\s++(.+)"),),
    **dict.fromkeys(("gcc", "g++", "cc", "c++", "clang"), (_escape(r"^(?:ba|da|z)?sh,-c,(.+)"),)),
    "cargo": (_escape(_CARGO),),
    "mutt": (_BANG, _escape(r"source\s++[\"']?(.+?)\|")),
    **dict.fromkeys(("tmux", "byobu"), (_escape(_TMUX),)),
    "expect": (_escape(r"(?:^|[;\n{\[])\s*+(?:spawn|system|exec)\s++(?:-\w+\s++)*([^;\n\]}]+)"),),
    "tclsh": (_escape(r"(?:^|[;\n{\[])\s*+exec\s++([^;\n\]}]+)"), _escape(r"open\s*+[\"{]?\|([^\"}\n]+)")),
    "wish": (_escape(r"(?:^|[;\n{\[])\s*+exec\s++([^;\n\]}]+)"),),
    "ip": (),
}  # fmt: skip
ESCAPES.update(dict.fromkeys(("pdflatex", "xelatex", "lualatex", "tex", "pdftex"), ESCAPES["latex"]))
ESCAPES.update(dict.fromkeys(("gtar", "bsdtar"), ESCAPES["tar"]))
_QUIET_INPUT = frozenset({"sed", "less", "more", "tar", "gtar", "bsdtar", "rpm", "git", "ssh", "scp", "mail", "mailx"})

FLAGS: dict[str, frozenset[str]] = {
    name: frozenset(flags.split())
    for name, flags in {
        "rsync": "-e --rsh --rsync-path",
        "tar": "-I -F --use-compress-program --to-command --info-script --new-volume-script --rsh-command",
        "bsdtar": "--use-compress-program",
        "zip": "-TT --unzip-command",
        "sort": "--compress-program",
        "split": "--filter",
        "man": "-P --pager -H --html",
        "scp": "-S",
        "sftp": "-S -s",
        "nano": "-s --speller",
        "restic": "--password-command",
        "rclone": "--password-command",
        "borg": "--rsh",
        "tcpdump": "-z",
        "rpm": "--pipe --eval -E",
        "dpkg": "--pre-invoke --post-invoke",
        "npm": "-c --call --script-shell --node-options",
        "hyperfine": "--prepare --cleanup --setup --conclude",
        "go": "-exec -toolexec -vettool",
        "install": "--strip-program",
        "cpio": "--rsh-command",
        "gcloud": "--command",
        "az": "--scripts",
        "flyctl": "-C --command",
        "fly": "-C --command",
        "ansible": "-a --args",
        "ansible-console": "-a",
        "sops": "--pre-exec",
        "wget": "--use-askpass",
        "psql": "-P",
        "mysql": "--pager",
        "git": "--upload-pack --receive-pack --exec -x --extcmd --open-files-in-pager -O -u --browser",
        "svn": "--editor-cmd --diff-cmd",
        "cargo": "-s --shell -x",
        "fish": "-C --init-command",
        "mandoc": "-O",
        "screen": "-s stuff",
        "kitty": "-e",
        "run-parts": "",
        "gcc": "-wrapper",
        "make": "--eval",
        "entr": "-s",
        "fzf": "--preview",
        "sk": "--preview",
        "mosh": "--ssh --server --client",
        "pssh": "",
    }.items()
}  # fmt: skip


def escapes(run: Run, argv: list[str], state: State) -> None:
    """Run what the arguments and the input of this program make it run."""
    patterns = ESCAPES.get(argv[0], ())
    flags = FLAGS.get(argv[0])
    if flags:
        for value in filter(_has_arguments, _values(argv, flags)):
            code(run, value.lstrip("!"), state.fork(), argv[0])
    if not patterns:
        return
    if any(len(word) > MAX_MATCHED for word in argv):
        raise Unresolvable(f"An argument of {argv[0]} has more than {MAX_MATCHED} characters.")
    for word in argv[1:]:
        _search(run, argv[0], unmarked(word), patterns, state)
    if argv[0] not in _QUIET_INPUT and state.stdin.text is not None:
        for line in unmarked(state.stdin.text).splitlines()[:256]:
            if len(line) <= MAX_MATCHED and not opaque(line[:1]):
                _search(run, argv[0], line, patterns, state)


def _values(argv: list[str], flags: frozenset[str]) -> list[str]:
    """The values of these flags, attached or not."""
    values = []
    for at, word in enumerate(argv[1:], 1):
        flag, equals, value = word.partition("=")
        if word in flags:
            values.extend(argv[at + 1 : at + 2])
        elif equals and flag in flags:
            values.append(value)
        elif word[:2] in flags and len(word) > 2 and word[1] != "-" and " " in word:
            values.append(word[2:])
    return values


def _has_arguments(command: str) -> bool:
    """A bare name is a program as any other."""
    return " " in command.strip() or command[:1] in "./"


def _search(run: Run, program: str, text: str, patterns: tuple[Escape, ...], state: State) -> None:
    for pattern, language in patterns:
        found = pattern.search(text)
        if found is None:
            continue
        if language:
            read(run, found[1], state, language)
        else:
            code(run, found[1], state.fork(), program)
