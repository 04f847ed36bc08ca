"""Functions that a policy calls and nobody defines: Rego says so only once the call is reached, which is too late."""

import re
from collections.abc import Callable, Iterable

_DATA = re.compile(r'"(?:\\.|[^"\\\n])*"|`[^`]*`|#[^\n]*')
_CALL = re.compile(r"(?<![\w.])([a-zA-Z_][\w.]*)\(")
_DEFINITION = re.compile(r"^(?:default\s+)?(\w+)\(", re.MULTILINE)
_KEYWORDS = frozenset({"if", "in", "not", "some", "every", "contains", "with", "as", "else", "set"})


def defined(sources: Iterable[str]) -> frozenset[str]:
    """The names of all functions that these policies define."""
    return frozenset(name for source in sources for name in _DEFINITION.findall(source))


def undefined(source: str, known: frozenset[str], is_builtin: Callable[[str], bool]) -> tuple[int, str] | None:
    """Line and name of the first call of a function that is neither known nor built in."""
    code = _DATA.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), source)
    for found in _CALL.finditer(code):
        name = found[1]
        if not (name in known or name in _KEYWORDS or name.startswith("data.") or is_builtin(name)):
            return code.count("\n", 0, found.start()) + 1, name
    return None
