"""Files that a command downloads hold what came from the network, and are judged so when they run.

Only contents: the effects themselves are the knowledge base's.
"""

import posixpath
from urllib.parse import urlsplit

from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import FETCHED, opaque

MAX_FILES = 16
_OUTPUT = {
    "curl": ("o", ("--output",)),
    "wget": ("O", ("--output-document",)),
    "aria2c": ("o", ("--out",)),
    "http": ("o", ("--output",)),
    "https": ("o", ("--output",)),
    "xh": ("o", ("--output",)),
}
_FOLDERS = frozenset({"-P", "--directory-prefix", "--output-dir", "--dir"})


def downloaded(run: Run, argv: list[str], state: State) -> None:
    """Remember what a download leaves in files."""
    for path in _files(argv) if argv[0] in _OUTPUT else ():
        state.write(run.findings.targets.absolute(path, state.cwd), FETCHED, False)


def _files(argv: list[str]) -> list[str]:
    """The files that a download goes to (curl(1), wget(1))."""
    letter, long = _OUTPUT[argv[0]]
    found, urls = [], []
    folder = ""
    by_url = argv[0] == "wget"
    words = iter(argv[1:])
    for word in words:
        flag, equals, value = word.partition("=")
        if flag in long:
            found.append(value if equals else next(words, ""))
        elif flag in _FOLDERS:
            folder = value if equals else next(words, "")
        elif word.startswith("--"):
            by_url = by_url or (argv[0] == "curl" and word.startswith("--remote-name"))
        elif word.startswith("-") and letter in word:
            found.append(word[word.index(letter) + 1 :] or next(words, ""))
        elif word.startswith("-"):
            by_url = by_url or (argv[0] == "curl" and "O" in word)
        elif "://" in word or ("." in word and "/" in word):
            urls.append(word)
    if by_url and not found:
        found = [posixpath.basename(urlsplit(url).path) or "index.html" for url in urls if not opaque(url)]
    found = [posixpath.join(folder, path) for path in found] if folder else found
    return [path for path in found[:MAX_FILES] if path not in ("", "-", "/dev/stdout", "/dev/null")]
