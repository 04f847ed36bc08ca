"""Commands that stand in the arguments or the input of editors, debuggers, archivers and clients: tables of patterns.

Group 1 of a pattern is shell source, or source in the language named beside it.
"""

import re
from itertools import pairwise
from typing import NamedTuple

from lighthoused.gate.programs.builtins import code
from lighthoused.gate.programs.environment import loaded_from
from lighthoused.gate.programs.interpreters import read
from lighthoused.gate.programs.shells import written
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
    _escape(_EX_PREFIX + r"au(?:tocmd|g?)?!?\s++[^!\n]*?[\s:]!\s*+(.+)"),
    _escape(
        _EX_PREFIX
        + r"(?:set?|let)?\s*+&?(?:makeprg|mp|grepprg|gp|shell|equalprg|formatprg|keywordprg)=[\"']?(.+?)[\"']?$"
    ),
    _escape(_EX_PREFIX + r"(?:let|echo|call|sil\w*)\b.*?execute\(\s*+['\"]:?\s*+!(.+?)['\"]\s*+[,)]"),
    _escape(_EX_PREFIX + r"[nvoci]?(?:nore)?map\b[^!\n]*?!\s*+(.+?)(?:<CR>.*)?$"),
    _escape(_EX_PREFIX + r"lua\s++(.+)", "lua"),
    _escape(_EX_PREFIX + r"py(?:thon)?[3x]?\s++(.+)", "python"),
    _escape(_EX_PREFIX + r"perl?\s++(.+)", "perl"),
    _escape(_EX_PREFIX + r"rub(?:y)?\s++(.+)", "ruby"),
)
_BLOCK = re.compile(r"\s*+:?\s*+(lua|py(?:thon)?[3x]?|perl|ruby)\s++<<\s*+(?:trim\s++)?(\w+)\s*+$")
_SPOKEN = {"lu": "lua", "py": "python", "pe": "perl", "ru": "ruby"}
_BANG = _escape(r"^\s*+(?:r\s++|w\s++)?!\s*+(.+)")
_SQL_SHELL = (
    _escape(r"\\!\s*+(.+)"),
    _escape(r"^\s*+system\s++(.+)"),
    _escape(r"^\s*+(?:\\P|pager)\s++([^;]+)"),
)
_SSH_RUNS = (
    *("ProxyCommand", "LocalCommand", "KnownHostsCommand", "RemoteCommand", "AuthorizedKeysCommand"),
    *("SmartcardDevice", "XAuthLocation"),
    r"Match\s.*?\bexec",
)
_PROXY = tuple(_escape(rf"(?i){name}[= ](.+)") for name in _SSH_RUNS)
_FZF = r"(?:execute(?:-silent|-multi)?|become|reload(?:-sync)?|preview|transform[\w-]*)[(:\[{]\s*+(.+?)[)\]}]?$"
_CARGO = (
    r"^(?:--config=)?(?:build\.rustc(?:-workspace)?-wrapper|target\..*\.(?:runner|linker))\s*+=\s*+"
    r"[\"'\[]*(.+?)[\"'\]]*$"
)
_TMUX = (
    r"(?:^|[;{\n]\s*+|\s)(?:run-shell|run|if-shell|if|pipe-pane|split-window|splitw|new-window|neww|respawn-pane|popup"
    r"|display-popup|new-session|new)\s++(?:-\w++\s++)*+[\"'](.+?)[\"']"
)
_BANGS = """
ed red dc bc ftp lftp telnet sftp less more man mail mailx mutt gnuplot cpan pdb ipython msfconsole gdb kermit
nslookup sqlplus tftp w3m
"""
"""Programs that take a shell command after an exclamation mark."""
ESCAPES: dict[str, tuple[Escape, ...]] = {
    **dict.fromkeys(("vim", "vi", "nvim", "ex", "view", "gvim", "vimdiff", "rvim"), _EX),
    **dict.fromkeys(_BANGS.split(), (_BANG,)),
    **dict.fromkeys(("less", "more", "man"), (_BANG, _escape(r"^\+\d*!\s*+(.+)"))),
    "gdb": (
        _BANG,
        _escape(r"^\s*+(?:shell|make)\s++(.+)"),
        _escape(r"^\s*+(?:python|py|pi)\s++(.+)", "python"),
        _escape(r"^\s*+pipe\s++[^|]*+\|\s*+(.+)"),
        _escape(r"\b(?:system|popen|execl[pe]?)\s*+\(\s*+\"((?:[^\"\\]|\\.)*+)\""),
        _escape(r"^\s*+(?:guile|gu)\s++(.+)", "lisp"),
    ),
    "lldb": (_escape(r"^\s*+(?:platform\s++)?shell\s++(.+)"), _escape(r"^\s*+script\s++(.+)", "python")),
    "tar": (
        _escape(r"^exec=(.+)"),
        _escape(r"^--(?:checkpoint-a\w*=exec|to-command|use-compress-program|rsh-command|[\w-]+-script)=(.+)"),
    ),
    "sqlite3": (
        _escape(r"(?:^|\n)\s*+\.(?:shell|system|sh|sys|s\w*)\s++(.+)"),
        _escape(r"^\s*+\.(?:output|once|import|read|excel|out|o\w*)\s++(?:-\w+\s++)*[\"']?\|\s*+([^\"'\n]+)"),
        _escape(r"\bedit\s*+\([^,()]*+,\s*+'((?:[^']|'')*+)'"),
    ),
    **dict.fromkeys(("psql", "mysql", "mariadb"), _SQL_SHELL),
    "psql": (
        *_SQL_SHELL,
        _escape(r"(?i)\b(?:from|to)\s++program\s++'((?:[^']|'')*)'"),
        _escape(r"\\(?:g|gx|o|w|out|write)\s*+(?:\([^)]*+\)\s*+)?\|\s*+(.+)"),
        _escape(r"\\set\w*+\s[^`\n]*+`([^`]+)`"),
        _escape(r"^\\(?:setenv\s++(?:PSQL_)?(?:PAGER|EDITOR)\s++)[\"']?([^\"']+)"),
    ),
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
    "git": (*_PROXY, _escape(r"^ext::(.+)"), _escape(r"^ext::(?:ba|da|z)?sh\s++-c\s++(.+)")),
    "groff": (_escape(r"(?:^|\n)\.\s*+(?:sy|pso?|pi|open)\s++(.+)"),),
    "exim": (_escape(r"\$\{run\s*+\{(.+?)\}"),),
    **dict.fromkeys(("gs", "ghostscript"), (_escape(r"%pipe%([^)\n]+)"),)),
    **dict.fromkeys(("convert", "magick", "identify", "display", "composite"), (_escape(r"^(?:\w+:)?\|\s*+(.+)"),)),
    **dict.fromkeys(("apt-get", "apt", "aptitude", "dpkg"), (
        _escape(r"(?i)^(?:Dir::Bin::[\w:-]+|DPkg::[\w:-]+|APT::[\w:-]*(?:Invoke|Hook)[\w:-]*)\s*+=\s*+(.+)"),
    )),
    **dict.fromkeys(("systemd-run", "systemctl"), (
        _escape(r"^(?:-p|--property=)?Exec(?:Start|Stop|Reload|Condition)?(?:Pre|Post)?=[-@:+!]*+(.+)"),
    )),
    "kak": (_escape(r"%sh\s*+[{(\[<]\s*+([^})\]>]+)"),),
    "smbclient": (_escape(r"(?:^|[;\n])\s*+!\s*+([^;\n]+)"),),
    "consul-template": (_escape(r"^[^:]+:[^:]*:(?:(?!//))(.+)"),),
    "hledger": (_BANG,),
    "tig": (_escape(r"\bbind\s++\S+\s++\S+\s++[!@<+>]*+(.+)"),),
    "irssi": (_escape(r"/exec\s++(?:-\w+\s++)*+(.+)"),),
    "weechat": (_escape(r"/exec\s++(?:-\w+\s++)*+(.+)"),),
    **dict.fromkeys(("i3-msg", "swaymsg", "hyprctl", "bspc", "herbstclient", "awesome-client", "qtile"), (
        _escape(r"(?:^|[;,]\s*+)(?:exec_always|exec)\s++(?:--\S+\s++)*+[\"']?([^;\"']+)"),
        _escape(r"\bawful\.(?:util\.)?spawn(?:\.\w+)?\(?[\"'](.+?)[\"']"),
    )),
    **dict.fromkeys(("qemu-system-x86_64", "qemu-img"), (_escape(r"(?:exec:|cmd=)(.+)"),)),
    **dict.fromkeys(("rpmspec", "rpmbuild"), (_escape(r"%\((.+)\)"), _escape(r"%\{lua:\s*(.+)\}", "lua"))),
    "ansible-console": (_escape(r"^\s*+(?:shell|command|raw|!)\s++(.+)"),),
    "edbrowse": (_BANG,),
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
    **dict.fromkeys(("tmux", "byobu"), (_escape(_TMUX), _escape(r"#\((.+?)\)"))),
    "expect": (_escape(r"(?:^|[;\n{\[])\s*+(?:spawn|system|exec)\s++(?:-\w+\s++)*([^;\n\]}]+)"),),
    "tclsh": (_escape(r"(?:^|[;\n{\[])\s*+exec\s++([^;\n\]}]+)"), _escape(r"open\s*+[\"{]?\|([^\"}\n]+)")),
    "wish": (_escape(r"(?:^|[;\n{\[])\s*+exec\s++([^;\n\]}]+)"),),
    "ip": (),
}  # fmt: skip
ESCAPES.update(dict.fromkeys(("pdflatex", "xelatex", "lualatex", "tex", "pdftex"), ESCAPES["latex"]))
ESCAPES.update(dict.fromkeys(("troff", "nroff", "gtroff", "grotty", "man-db"), ESCAPES["groff"]))
ESCAPES.update(dict.fromkeys(("exim4", "sendmail"), ESCAPES["exim"]))
ESCAPES.update(dict.fromkeys(("gtar", "bsdtar"), ESCAPES["tar"]))
_QUIET_INPUT = frozenset({"sed", "less", "more", "tar", "gtar", "bsdtar", "rpm", "git", "ssh", "scp", "mail", "mailx"})

FLAGS: dict[str, frozenset[str]] = {
    name: frozenset(flags.split())
    for name, flags in {
        "rsync": "-e --rsh --rsync-path",
        "tar": "-I -F --use-compress-program --to-command --info-script --new-volume-script --rsh-command"
        " --rmt-command",
        "bun": "exec",
        "rg": "--pre --hostname-bin",
        "ag": "--pager",
        "ack": "--pager --output",
        "bat": "--pager",
        "batcat": "--pager",
        "delta": "--pager",
        "fetchmail": "--mda --preconnect --postconnect --plugin --plugout",
        "dhclient": "-sf",
        "udhcpc": "-s --script",
        "openvpn": "--up --down --route-up --ipchange --client-connect --auth-user-pass-verify --tls-verify"
        " --learn-address",
        "pppd": "connect disconnect init pty welcome",
        "scrot": "-e --exec",
        "feh": "--action -A --info",
        "xterm": "-e",
        "dpkg-buildpackage": "-r --root-command -P --check-command --sign-command --hook-start --hook-build",
        "debuild": "--preserve-env --set-envvar --prepend-path --dpkg-buildpackage-hook --lintian-hook",
        "qemu-system-x86_64": "-incoming",
        "lynx": "-editor -print_command",
        "w3m": "-o",
        "texdoc": "-v",
        "latexmk": "-pdflatex -latex -e -r -pvc",
        "pandoc": "--filter --lua-filter --pdf-engine",
        "bsdtar": "--use-compress-program",
        "zip": "-TT --unzip-command",
        "sort": "--compress-program",
        "split": "--filter",
        "man": "-P --pager -H --html",
        "scp": "-S",
        "sftp": "-S -s -D",
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
        "mysql": "--pager --init-command",
        "git": "--upload-pack --receive-pack --exec -x --extcmd --open-files-in-pager -O -u --browser -b --to-cmd"
        " --cc-cmd --sendmail-cmd --smtp-server --access-hook --gpg-sign-program --tool-cmd --strategy-program",
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
        "fzf": "--preview --with-shell",
        "sk": "--preview --cmd -c",
        "mosh": "--ssh --server --client",
        "pssh": "",
    }.items()
}  # fmt: skip


def escapes(run: Run, argv: list[str], state: State) -> None:
    """Run what the arguments and the input of this program make it run."""
    patterns = ESCAPES.get(argv[0], ())
    flags = FLAGS.get(argv[0])
    if argv[0] in SCRIPTS:
        _scripts(run, argv, state)
    if flags:
        for value in filter(_has_arguments, _values(argv, flags)):
            code(run, value.lstrip("!"), state.fork(), argv[0])
    if not patterns:
        return
    if any(len(word) > MAX_MATCHED for word in argv):
        raise Unresolvable(f"An argument of {argv[0]} has more than {MAX_MATCHED} characters.")
    for word in argv[1:]:
        _search(run, argv[0], unmarked(word), patterns, state)
    if patterns is _EX and state.stdin.text is not None:
        for language, source in _blocks(unmarked(state.stdin.text)):
            read(run, source, state, language)
    if argv[0] not in _QUIET_INPUT and state.stdin.text is not None:
        for line in unmarked(state.stdin.text).splitlines()[:256]:
            if len(line) <= MAX_MATCHED and not opaque(line[:1]):
                _search(run, argv[0], line, patterns, state)


SCRIPTS: dict[str, frozenset[str]] = {
    **dict.fromkeys(
        ("vim", "vi", "nvim", "ex", "view", "gvim", "vimdiff", "rvim"),
        frozenset({"-S", "-u", "-s", "-U", "-l", "-W"}),
    ),
    **dict.fromkeys(("gdb", "cgdb"), frozenset({"-x", "--command", "-ix", "--init-command", "-command"})),
    "lldb": frozenset({"-s", "--source", "-S", "--source-before-file"}),
    "sqlite3": frozenset({"-init", "--init"}),
    "psql": frozenset({"-f", "--file"}),
    **dict.fromkeys(("mysql", "mariadb"), frozenset({"--init-file"})),
    **dict.fromkeys(("ssh", "scp", "sftp", "mosh", "autossh"), frozenset({"-F", "-b"})),
    **dict.fromkeys(("tmux", "byobu"), frozenset({"source-file", "source", "-f"})),
    "sed": frozenset({"-f", "--file"}),
    "screen": frozenset({"-c", "source"}),
    **dict.fromkeys(("ftp", "lftp"), frozenset({"-f"})),
    "run-parts": frozenset(),
    "groff": frozenset(),
    "bc": frozenset(),
    "ed": frozenset({"-s"}),
}
"""Flags that name a file of commands, by the program that reads them."""


_LISTING = frozenset({"--test", "--list", "--report", "--help", "--version"})


def _scripts(run: Run, argv: list[str], state: State) -> None:
    """Files of commands for a program: what they hold where it was written before, else as any script that runs."""
    patterns = ESCAPES.get(argv[0], ())
    if not _LISTING.isdisjoint(argv):
        return
    for flag, path in _named(argv, SCRIPTS[argv[0]]):
        if path.upper() in ("NONE", "NORC", "DEFAULTS", "-"):
            continue
        text = written(run, path, state)
        if text is None:
            loaded_from(run, f"{argv[0]} {flag}", path, state)
            continue
        if argv[0] == "nvim" and (flag == "-l" or path.endswith(".lua")):
            read(run, unmarked(text), state, "lua")
        for line in unmarked(text).splitlines()[:256]:
            if len(line) <= MAX_MATCHED:
                _search(run, argv[0], line, patterns, state)


def _named(argv: list[str], flags: frozenset[str]) -> list[tuple[str, str]]:
    """The files that these flags name; of a program without such flags all words."""
    if not flags:
        return [("", word) for word in argv[1:] if not word.startswith("-")]
    found = [(word, after) for word, after in pairwise(argv) if word in flags]
    return found + [(word[:2], word[2:]) for word in argv[1:] if word[:2] in flags and len(word) > 2 and "/" in word]


def _blocks(text: str) -> list[tuple[str, str]]:
    """Source in other languages that stands in lines of ex (``lua << END``), each with its language."""
    blocks: list[tuple[str, str]] = []
    language, end, lines = "", "", list[str]()
    for line in text.splitlines()[:4096]:
        if end and line.strip() == end:
            blocks.append((language, "\n".join(lines)))
            end = ""
        elif end:
            lines.append(line)
        elif found := _BLOCK.match(line):
            language, end, lines = _SPOKEN[found[1][:2]], found[2], []
    return blocks[:16]


def _values(argv: list[str], flags: frozenset[str]) -> list[str]:
    """The values of these flags, attached or not."""
    values = []
    for at, word in enumerate(argv[1:], 1):
        flag, equals, value = word.partition("=")
        if word in flags:
            values.extend(argv[at + 1 : at + 2])
        elif equals and (flag in flags or (len(flag) > 5 and any(each.startswith(flag) for each in flags))):
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
            code(run, _bare(found[1]), state.fork(), program)


def _bare(source: str) -> str:
    """A command without the quotes around the whole of it, and blanks without what marks them as a part of a word."""
    source = source.strip()
    if len(source) > 2 and source[0] == source[-1] in "\"'" and source[0] not in source[1:-1]:
        source = source[1:-1]
    return source.replace("\\ ", " ")
