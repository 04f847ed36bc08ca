"""Searches that look for secrets, set-id programs or the protection of a machine: find, grep, locate and their like.

Whoever searches their own project looks for their own. What the programs do beside searching is for their families.
"""

import re

from lighthoused.gate.programs.commands import Family
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import UNKNOWN, unmarked

_SECRET_NAME = re.compile(
    r"(?i)id_(rsa|dsa|ecdsa|ed25519)|\.(pem|key|kdbx?|ppk|p12|pfx|ovpn|keystore|jks|keytab|gpg|asc|rdp|wallet|keychain)\b"
    r"|\.env\b|\.netrc|git-credentials|credential|passw|secret|\btoken|htpasswd|wp-config|\.?\w+_history|\.(aws|ssh|gnupg)"
    r"|\.(azure|kube|pgpass|docker)|accessTokens|msal_token|shadow|places\.sqlite|logins\.json|cookies|login data"
    r"|keychain|web\.config|unattend|sysprep|key[34]\.db|wallet\.dat|bookmarks|api_?key"
)
_SECRET_TEXT = re.compile(
    r"(?i)passw|passphrase|secret|api.?key|token|credential|private key|aws_|BEGIN .*PRIVATE|pwd=|auth_?key|bearer"
    r"|\bpass\b|AKIA|ghp_|xox[abp]|sk-(?:ant|proj|live)|glpat"
)
_PROTECTION = re.compile(
    r"(?i)falcon|crowdstrike|carbon.?black|cb(agent|daemon|defense)|nessus|sentinel(one|d|agent)|osquery|packetbeat"
    r"|auditbeat|td-agent|sysmon|mdatp|wdavdaemon|cylance|tanium|qualys|rapid7|ir_agent|wazuh|ossec|symantec|sophos"
    r"|mcafee|kaspersky|little ?snitch|blockblock|bitdefender|trend ?micro|xagt|fireeye|splunkd|defender|msmpeng"
)
_SET_ID = re.compile(r"[-/+]?(0?[2467][0-7]{3}|[ugoa]*[+=][rwx]*s.*)")
_NAMES = frozenset({"-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename", "-regex", "-iregex", "-lname"})
_GREP_VALUES = frozenset({"-A", "-B", "-C", "-m", "-f", "-t", "-T", "-g", "--glob", "--type", "--include", "--exclude"})
_RECURSIVE = frozenset({"rg", "ag", "ack", "ugrep"})
_MEMORY = re.compile(r"(^|/)(core(\.\w+)?|vmcore|[\w.-]+\.(dmp|dump|mem|vmem|core|hprof|bin))$")
"""Names that copies of memory have."""
_SOUGHT = "It looks for keys and passwords."


def looking(family: Family | None, looks: Family) -> Family:
    """The family, after `looks` told what is sought."""

    def both(run: Run, argv: list[str], state: State) -> str | None:
        looks(run, argv, state)
        return family(run, argv, state) if family else None

    return both


def _probe(run: Run, argv: list[str], what: str, note: str) -> None:
    run.findings.add("probe", what, "system", program=argv[0], note=note)


def _own(run: Run, paths: list[str], state: State) -> bool:
    """Whether all lie in the project or among temporary files."""
    scopes = {run.findings.targets.resolve(path, state.cwd).scope for path in paths or ["."]}
    return scopes <= {"project", "temp"}


def find(run: Run, argv: list[str], state: State) -> str | None:
    """What find looks for outside the project."""
    words = [unmarked(word) for word in argv[1:]]
    split = next((at for at, word in enumerate(words) if word[:1] in ("-", "(", "!")), len(words))
    if _own(run, argv[1 : split + 1], state):
        return None
    for flag, value in zip(words[split:], words[split + 1 :], strict=False):
        if flag in _NAMES and _SECRET_NAME.search(value):
            _probe(run, argv, value, _SOUGHT)
        elif flag == "-perm" and _SET_ID.fullmatch(value):
            _probe(run, argv, value, "It looks for programs that run with others' rights.")
        elif flag == "-writable":
            _probe(run, argv, flag, "It looks for what anybody may change.")
    return None


def grep(run: Run, argv: list[str], state: State) -> str | None:
    """What grep and rg look for: protection among processes, passwords in others' directories."""
    flags, words = _split(argv)
    pattern = unmarked(words[0]) if words else ""
    if state.stdin.text is not None and len(words) < 2 and _PROTECTION.search(pattern):
        _probe(run, argv, pattern, "It looks for what protects this machine.")
    recursive = argv[0] in _RECURSIVE or any(re.fullmatch(r"-\w*[rR]\w*|--recursive", flag) for flag in flags)
    if recursive and words[1:] and _SECRET_TEXT.search(pattern) and not _own(run, words[1:], state):
        _probe(run, argv, pattern, _SOUGHT)
    elif _SECRET_TEXT.search(pattern) and any(_copied_memory(run, unmarked(word), state) for word in words[1:]):
        _probe(run, argv, pattern, "It looks for passwords in a copy of memory.")
    return None


def _copied_memory(run: Run, path: str, state: State) -> bool:
    return _MEMORY.search(path) is not None and run.findings.targets.resolve(path, state.cwd).scope != "project"


def _split(argv: list[str]) -> tuple[list[str], list[str]]:
    """Flags, and words of which the first is the pattern."""
    flags, words, patterns = [], [], []
    rest = iter(argv[1:])
    for word in rest:
        if word in ("-e", "--regexp"):
            patterns.append(next(rest, UNKNOWN))
        elif word in _GREP_VALUES:
            next(rest, "")
        elif word.startswith("-") and len(word) > 1:
            flags.append(word)
        else:
            words.append(word)
    return flags, ["|".join(patterns), *words] if patterns else words


def names(run: Run, argv: list[str], state: State) -> str | None:
    """What locate looks for anywhere, and pgrep among processes."""
    for word in argv[1:]:
        sought = _PROTECTION if argv[0] in ("pgrep", "pidof") else _SECRET_NAME
        if not word.startswith("-") and sought.search(unmarked(word)):
            note = _SOUGHT if sought is _SECRET_NAME else "It looks for what protects this machine."
            _probe(run, argv, unmarked(word), note)
    return None


LOOKS: dict[str, Family] = {
    **dict.fromkeys(("find", "gfind", "bfs"), find),
    **dict.fromkeys(("grep", "egrep", "fgrep", "zgrep", "ggrep", "rg", "ag", "ack", "ugrep"), grep),
    **dict.fromkeys(("locate", "mlocate", "plocate", "mdfind", "pgrep", "pidof"), names),
}
