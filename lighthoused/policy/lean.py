"""Rego in the form that is evaluated fastest.

The evaluator copies what a name is given, a whole effect for ``e``: here its uses become references to the input. And
the effects by kind, which every rule asks for, come with the input as ``input.by``. The same in meaning.
"""

import re
from collections.abc import Mapping
from typing import Any

_RULE = re.compile(r"^[a-z]\w* contains .*? if \{\n(?:.*\n)*?\}$", re.MULTILINE)
_NAMED = re.compile(r"^\te := (input\.effects\[\w+\])$", re.MULTILINE)
_FIELD = re.compile(r"(?<![\w.\"])e\.(?=[a-z])")
_WHOLE = re.compile(r"(?<![\w.\"])e(?![\w.:\"])")
_BY = re.compile(r"(?<=[ \t(])by(?=\.\w|\[)")


def lean(source: str) -> str:
    """The same rules on the same lines. A rule that uses an effect as a whole stays as it is."""
    return _BY.sub("input.by", _RULE.sub(_without_name, source))


def with_kinds(document: Mapping[str, Any]) -> dict[str, Any]:
    """The input with the numbers of its effects by kind, as rules in this form need it."""
    by: dict[str, list[int]] = {}
    for number, effect in enumerate(document["effects"]):
        by.setdefault(effect["kind"], []).append(number)
    return {**document, "by": by}


def _without_name(found: re.Match[str]) -> str:
    rule = found[0]
    named = _NAMED.findall(rule)
    if len(named) != 1:
        return rule
    head, _, body = rule.partition("{\n")
    body = _NAMED.sub("", body)
    if _WHOLE.search(re.sub(r"`[^`]*`|\"[^\"]*\"", "", head + body)):
        return rule
    return f"{head}{{\n{_FIELD.sub(lambda _: named[0] + '.', body)}"
