"""The protocol's reference, made from the messages themselves: docs/protocol.md and docs/protocol.schema.json.

``python -m lighthoused.protocol.reference`` writes them; with ``--check`` it only tells whether they are current.
"""

import inspect
import re
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, get_type_hints

import msgspec

from lighthoused.core import errors
from lighthoused.protocol import messages, table
from lighthoused.protocol.messages.base import DEFAULT_DEADLINE_MS, MAX_FRAME, PROTOCOL_VERSION, ROLES, Request
from lighthoused.protocol.table import METHODS, Method

DOCS = Path(__file__).resolve().parents[2] / "docs"
_OWN = re.compile(r"\b(?:lighthoused\.protocol\.messages\.\w+|lighthoused\.core\.\w+|typing|builtins)\.")


def markdown() -> str:
    """docs/protocol.md."""
    parts = [
        _HEAD.format(version=PROTOCOL_VERSION, frame=MAX_FRAME, deadline=DEFAULT_DEADLINE_MS, roles=", ".join(ROLES))
    ]
    parts.append("## Errors\n\n" + "\n".join(_error_lines()) + "\n")
    parts.append("## Methods\n")
    parts += [_method(method) for method in METHODS]
    parts.append("## Types\n")
    parts += [_type(kind) for kind in _types()]
    return "\n".join(parts)


def schema() -> str:
    """docs/protocol.schema.json: JSON Schema of requests, results and items by method."""
    kinds = [kind for method in METHODS for kind in (method.request, method.result, method.item) if kind is not None]
    found, components = msgspec.json.schema_components(kinds, ref_template="#/$defs/{name}")
    by_kind = dict(zip(map(id, kinds), found, strict=True))
    methods = {
        method.name: {
            part: by_kind[id(kind)]
            for part, kind in (("request", method.request), ("result", method.result), ("item", method.item))
            if id(kind) in by_kind
        }
        for method in METHODS
    }
    body = {"$schema": "https://json-schema.org/draft/2020-12/schema", "methods": methods, "$defs": components}
    return msgspec.json.format(msgspec.json.encode(body, order="deterministic"), indent=1).decode() + "\n"


def _error_lines() -> list[str]:
    found = [
        kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, errors.LighthouseError)
    ]
    lines = {kind.code: f"- `{kind.code}`: {_sentence(kind)}" for kind in found}
    lines["internal"] = "- `internal`: A bug in the daemon; its log says more."
    lines["unknown_method"] = "- `unknown_method`: There is no such method; the hint names what is near."
    return [lines[code] for code in sorted(lines)]


def _method(method: Method) -> str:
    deadline = f"{method.deadline_ms} ms" if method.deadline_ms else "none"
    lines = [f"### `{method.name}`\n", _described(method.request), ""]
    held = " Refused in an emergency." if method.is_new_work else ""
    lines.append(f"Role: `{method.role}`. Deadline: {deadline}.{held}\n")
    lines += _fields(method.request, skip=("id", "deadline_ms"))
    if method.item is not None:
        lines.append(f"\nItems: `{method.item.__name__}`.")
    lines.append(f"\nResult: `{getattr(method.result, '__name__', method.result)}`.\n")
    return "\n".join(lines)


def _type(kind: type[msgspec.Struct]) -> str:
    return "\n".join([f"### {kind.__name__}\n", _described(kind), "", *_fields(kind), ""])


def _types() -> list[type[msgspec.Struct]]:
    requests = {method.request for method in METHODS}
    topics = [f"{messages.__name__}.{each.name}" for each in iter_modules(messages.__path__)]
    modules = [table, *map(import_module, topics)]
    named = {kind.__name__: kind for module in modules for kind in vars(module).values() if inspect.isclass(kind)}
    return [
        kind
        for _, kind in sorted(named.items())
        if issubclass(kind, msgspec.Struct) and kind not in requests and kind is not Request
    ]


def _fields(kind: type[msgspec.Struct], skip: tuple[str, ...] = ()) -> list[str]:
    hints = get_type_hints(kind, include_extras=True)
    fields = [field for field in msgspec.structs.fields(kind) if field.name not in skip]
    return [f"- `{field.name}`: `{_spelled(hints[field.name])}`{_default(field)}" for field in fields]


def _default(field: Any) -> str:
    if field.required:
        return ""
    if field.default is msgspec.NODEFAULT:
        return " = {}"
    return f" = `{field.default!r}`" if not isinstance(field.default, msgspec.Struct) else " = any"


def _spelled(hint: Any) -> str:
    text = hint.__name__ if inspect.isclass(hint) and not hasattr(hint, "__args__") else str(hint)
    return _OWN.sub("", text)


def _sentence(kind: type) -> str:
    return _described(kind).split("\n\n")[0].replace("\n", " ")


def _described(kind: type) -> str:
    """The type's own docstring, not one it inherits."""
    return inspect.cleandoc(kind.__dict__.get("__doc__") or "")


_HEAD = """# Protocol

Made from `lighthoused/protocol/messages/` by `python -m lighthoused.protocol.reference`; do not edit.

Version {version}. A Unix socket carries either frames of msgpack (u32 big-endian length, then the message) or, if the
first byte is `{{`, JSON Lines. A frame is at most {frame} bytes. Every request is a map with `method` and `id` and the
parameters listed below; `deadline_ms` may shorten or lengthen how long it may take (default {deadline} ms). Answers
carry the `id` and come in any order: `result`, or `error` with `code`, `message` and `hint`; a streaming method sends
`item`s first. Bytes appear as base64 in JSON.

Roles, weakest first: {roles}. Each may do what the ones before it may.
"""


def main(arguments: list[str]) -> int:
    """Write both documents, or with ``--check`` say whether they are current: exit code 1 if not."""
    stale = []
    for path, content in ((DOCS / "protocol.md", markdown()), (DOCS / "protocol.schema.json", schema())):
        if arguments == ["--check"]:
            if not path.exists() or path.read_text() != content:
                stale.append(path.name)
        else:
            path.write_text(content)
    if stale:
        print(f"error: {' and '.join(stale)} are not current.", file=sys.stderr)
        print("hint: run python -m lighthoused.protocol.reference", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
