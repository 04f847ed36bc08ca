"""The template of a request: its canonical form, under which the answers of people are remembered.

Exact but for three things: how words are quoted and paths are spelled; which project it is; and names that were made by
a machine. So ``rm -r build/x`` and ``rm -r build/y`` are one template where build is generated, ``rm -r logs-1`` and
``rm -r logs-2`` are one anywhere, and ``rm -r src`` and ``rm -r lib`` are two. What is not plain words (variables,
patterns, redirections, substitutions) is not read here at all: its text as a whole is the template. Must not judge.
"""

import posixpath
import re
from typing import Any, NamedTuple

import msgspec
from blake3 import blake3

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Effect, Request, Template
from lighthoused.gate.tools import DIRECTORIES, command_of, described, directory_of

MAX_TEXT = 2000
MAX_EFFECTS = 32
ANY = "{any}"
"""Stands for any name."""
NUMBER = "{n}"
"""Stands for any number within a name."""

_PATH_KINDS = frozenset({"read", "write", "append", "delete", "permission"})
_PATH_KEYS = ("file_path", "path", "notebook_path")
_SHELL_KEYS = frozenset({"command", "cmd", *DIRECTORIES, "description", "justification", "timeout", "timeout_ms"})
"""What a shell's input may hold without making another request of it; the directory is told apart."""
_MADE = frozenset({"generated", "cache"})
_PLAIN = r"[\w./:=@%+,^-]|'[\w ./:=@%+,-]*'|\"[\w ./:=@%+,-]*\""
_TOKEN = re.compile(rf"[ \t]*(?:((?:{_PLAIN})+)|(&&|\|\||[;|&]))[ \t]*", re.ASCII)
_NUMBERED = re.compile(r"(?<=[-_.])\d+(?=$|[-_.])")
_OPAQUE = re.compile("<(unknown|fetched|secret)>")
_canonical = msgspec.json.Encoder(order="deterministic").encode


class _Word(NamedTuple):
    """A part of a request: `text`, told as a `path` or as it is."""

    text: str
    path: bool = False


class _Place:
    """Where the request happens: paths are told from here."""

    def __init__(self, cwd: str, world: World) -> None:
        self.cwd = cwd
        self.project = project_of(cwd, world)

    def told(self, path: str) -> str:
        """A path outside the project as it is: whose home it is in makes a difference."""
        return "<project>" + path[len(self.project) :] if _within(path, self.project) else path

    def absolute(self, text: str) -> str:
        return posixpath.normpath(posixpath.join(self.cwd, text))


def project_of(cwd: str, world: World) -> str:
    """The project that a directory is in, by its own directory; the directory itself where it is in none."""
    cwd = posixpath.normpath(cwd)
    mount = world.mount
    if mount and cwd.startswith(mount + "/"):
        name, _, rest = cwd[len(mount) + 1 :].partition("/")
        return f"{mount}/{name}/{rest.partition('/')[0]}".rstrip("/")
    return max((root for root in world.roots if _within(cwd, root)), key=len, default=cwd)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def template_of(request: Request, effects: tuple[Effect, ...], world: World) -> Template | None:
    """The template of a request with these effects; None where it is too large, or not known in full."""
    targets = [effect.target for effect in effects]
    if len(targets) > MAX_EFFECTS or any(len(each) > MAX_TEXT or _OPAQUE.search(each) for each in targets):
        return None
    shell = request.tool in described().shells
    place = _Place(posixpath.normpath(directory_of(request) if shell else request.cwd), world)
    shapes = _shapes(effects, place)
    words = _command(request, shapes, place) if shell else _call(request, shapes, place)
    if sum(len(word.text) for word in words) > MAX_TEXT:
        return None
    where = place.told(place.cwd)
    told = tuple(_told(effect, shapes, place) for effect in effects)
    identity = blake3(msgspec.msgpack.encode([where, words, told])).hexdigest(12)
    return Template(identity, place.project, where, tuple(word.text for word in words), told)


def _shapes(effects: tuple[Effect, ...], place: _Place) -> dict[str, str]:
    """The paths that the effects are about, and how each is told."""
    plain = all(effect.kind in _PATH_KINDS and effect.certainty != "unknown" for effect in effects)
    shapes: dict[str, str] = {}
    for effect in effects:
        target = effect.target
        if target.startswith("/"):
            shape = _shape(effect, place) if plain else place.told(target)
            shapes[target] = shape if shapes.get(target, shape) == shape else place.told(target)
    return shapes


def _shape(effect: Effect, place: _Place) -> str:
    """A path told so that others are told alike where only the name differs, and the name does not matter."""
    folder, name = posixpath.split(effect.target)
    if effect.target in (place.project, "/") or effect.place in ("root", "top"):
        return place.told(effect.target)
    made = effect.place in _MADE and folder.startswith(place.project + "/")
    if made and not name.startswith(".") and folder != place.project:
        return f"{place.told(folder)}/{ANY}{posixpath.splitext(name)[1]}"
    return f"{place.told(folder)}/{_NUMBERED.sub(NUMBER, name)}"


def _command(request: Request, shapes: dict[str, str], place: _Place) -> list[_Word]:
    text = command_of(request)
    rest = _rest({key: value for key, value in request.input.items() if key not in _SHELL_KEYS})
    tokens = _tokens(text)
    if tokens is None:
        return [_Word(text), *rest]
    words = []
    for token in tokens:
        shape = shapes.get(place.absolute(token)) if "/" in token or not token.startswith("-") else None
        words.append(_Word(shape, True) if shape is not None else _Word(token))
    return words + rest


def _tokens(text: str) -> list[str] | None:
    """The words of a command that has nothing but plain words; None for any other."""
    tokens: list[str] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return None
        tokens.append(found[2] or found[1].replace("'", "").replace('"', ""))
        at = found.end()
    return tokens


def _call(request: Request, shapes: dict[str, str], place: _Place) -> list[_Word]:
    """Any other tool: its name, its path, and the rest of its input exactly, by its hash where that is long."""
    words = [_Word(request.tool)]
    rest: dict[str, Any] = {}
    for key, value in request.input.items():
        if key in _PATH_KEYS and isinstance(value, str):
            path = place.absolute(value)
            words.append(_Word(shapes.get(path, place.told(path)), True))
        else:
            rest[key] = value
    return words + _rest(rest)


def _rest(given: dict[str, Any]) -> list[_Word]:
    """Input that is told exactly, by its hash where it is long."""
    if not given:
        return []
    encoded = _canonical(given)
    return [_Word(encoded.decode() if len(encoded) <= 300 else f"#{blake3(encoded).hexdigest(16)}")]


def _told(effect: Effect, shapes: dict[str, str], place: _Place) -> str:
    target = shapes.get(effect.target, effect.target)
    more = [effect.place, effect.program, "recursive" if effect.recursive else ""]
    if effect.certainty != "certain":
        more.append(effect.certainty)
    return " ".join(filter(None, (effect.kind, target, effect.scope, *more)))
