"""cmd.exe: its commands, those built in as the programs they are like. What others do is for the knowledge base."""

import re

from lighthoused.gate.shell.bounds import Unresolvable
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import GLOB, UNKNOWN, unmarked

MAX_SOURCE = 1 << 14
_LIKE: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("del", "erase"), ("rm",)),
    **dict.fromkeys(("rd", "rmdir"), ("rm", "-r")),
    **dict.fromkeys(("md", "mkdir"), ("mkdir",)),
    **dict.fromkeys(("move", "ren", "rename"), ("mv",)),
    **dict.fromkeys(("copy", "xcopy", "robocopy"), ("cp",)),
    "type": ("cat",),
    "dir": ("ls",),
    "start": ("env",),
    "chdir": ("cd",),
    "call": ("env",),
    "set": ("printenv",),
}
_SEPARATOR = re.compile(r"(&&|\|\||[&|\n])")
_WORD = re.compile(r'(?:"[^"]*"|[^\s"])+')
_REDIRECT = re.compile(r"\d?(>>?)\s*(\S+)$")


def cmd(run: Run, argv: list[str], state: State) -> str:
    """``cmd /c command``."""
    words = [unmarked(word) for word in argv[1:]]
    while words and re.fullmatch(r"/[a-zA-Z:]+", words[0]):
        flag = words.pop(0).lower()
        if flag in ("/c", "/k", "/r"):
            return _source(run, " ".join(words), state.fork())
    return UNKNOWN


def _source(run: Run, source: str, state: State) -> str:
    if len(source) > MAX_SOURCE:
        raise Unresolvable(f"A command of cmd has more than {MAX_SOURCE} characters.")
    home = (state.value("HOME") or (UNKNOWN,))[0]
    known = {"userprofile": home, "systemroot": "C:/Windows", "windir": "C:/Windows", "systemdrive": "C:"} | {
        "temp": "/tmp", "tmp": "/tmp", "programfiles": "C:/Program Files", "appdata": f"{home}/AppData/Roaming"
    }  # fmt: skip
    source = re.sub(r"%(\w+)%", lambda found: known.get(found[1].lower(), UNKNOWN), source).replace("^", "")
    output = ""
    for part in _SEPARATOR.split(source)[::2]:
        output = _command(run, part.strip().lstrip("@("), state)
    return output


def _command(run: Run, part: str, state: State) -> str:
    redirect = _REDIRECT.search(part)
    if redirect and redirect[2].lower() != "nul" and not redirect[2].startswith("&"):
        run.findings.path("append" if len(redirect[1]) > 1 else "write", redirect[2], state.cwd, program="cmd")
    words = [word.replace('"', "") for word in _WORD.findall(part[: redirect.start()] if redirect else part)]
    if not words:
        return ""
    name = words[0].lower().removesuffix(".exe")
    if name not in _LIKE:
        return run.command([name, *words[1:]], state)
    flags = [word.lower() for word in words[1:] if re.fullmatch(r"/[a-zA-Z:-]+", word)]
    paths = [re.sub(r"[*?]", lambda one: GLOB + one[0], word) for word in words[1:] if word.lower() not in flags]
    recursive = ["-r"] if name in ("del", "erase") and "/s" in flags else []
    return run.command([*_LIKE[name], *recursive, *paths], state)
