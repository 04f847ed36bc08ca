"""Rego in the form that is evaluated fastest: the evaluator copies what a name is given, a whole effect for ``e``.

Rules are written with ``e``, which reads well; here its uses become references to the input: the same in meaning.
"""

import re

_RULE = re.compile(r"^[a-z]\w* contains .*? if \{\n(?:.*\n)*?\}$", re.MULTILINE)
_NAMED = re.compile(r"^\te := (input\.effects\[\w+\])$", re.MULTILINE)
_FIELD = re.compile(r"(?<![\w.\"])e\.(?=[a-z])")
_WHOLE = re.compile(r"(?<![\w.\"])e(?![\w.:\"])")


def lean(source: str) -> str:
    """The same rules on the same lines. A rule that uses an effect as a whole stays as it is."""
    return _RULE.sub(_without_name, source)


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
