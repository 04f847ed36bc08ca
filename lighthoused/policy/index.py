"""Which default rules can apply to a request at all, read off their conditions, so that only these are evaluated.

As OPA indexes rules (https://www.openpolicyagent.org/docs/policy-performance#use-indexed-statements): every line of a
rule's body must hold, so a line that is known to fail settles the rule. A line that is not understood settles nothing:
the index may name a rule that does not apply, and never leaves out one that does.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

PACKAGE = "lighthouse.standard"
SIGNATURES = 4096
FIELDS = ("kind", "scope", "place", "certainty")
"""The fields of an effect that the index knows."""
Signature = tuple[str | None, ...]
_Test = Callable[[Signature], bool]

_RULE = re.compile(r"^rules contains .*? if (?:\{\n(?P<block>(?:.*\n)*?)\}|(?P<line>[^{\n].*))$", re.MULTILINE)
_SET = re.compile(r"^(?P<name>\w+) contains n if (?:\{\n(?P<block>(?:.*\n)*?)\}|(?P<line>[^{\n].*))$", re.MULTILINE)
_TABLE = re.compile(r"^(\w+) := \{\n((?:\t\".*\n)*)\}$", re.MULTILINE)
_KEY = re.compile(r"^\t\"([^\"]*)\":", re.MULTILINE)
_LITERAL = re.compile(r"\"([^\"\\]*)\"")
_LITERALS = r"\{(?P<many>\"[^\"\\{}]*\"(?:, \"[^\"\\{}]*\")*)\}"
_ONE_KIND = re.compile(r"some (?P<var>\w+) in by(?:\.(?P<word>\w+)|\[\"(?P<text>[^\"]+)\"\])$")
_KINDS = re.compile(rf"some kind in {_LITERALS}$")
_KINDS_OF_TABLE = re.compile(r"some kind, \w+ in (?P<table>\w+)$")
_BY_KIND = re.compile(r"some (?P<var>\w+) in by\[kind\]$")
_MEMBER = re.compile(r"some (?P<var>\w+) in (?P<set>\w+)$")
_COUNT = re.compile(r"count\(by\.(?P<word>\w+)\) > \d+$")
_NAMED = re.compile(r"e := input\.effects\[(?P<var>\w+)\]$")
_FIELD = re.compile(
    r"(?P<no>not )?(?:e|input\.effects\[(?P<var>\w+)\])\.(?P<field>kind|scope|place|certainty) "
    rf"(?:(?P<sign>==|!=) \"(?P<one>[^\"\\]*)\"|in {_LITERALS})$"
)
_OF_DOCUMENT = re.compile(r"(?:some \w+ in |count\()?input\.(?P<path>recent\.\w+|unresolved)(?:\) > 0)?$")


class _Rule(NamedTuple):
    """What must be there: an effect for each of `effects`, and each of `paths` in the document."""

    effects: tuple[_Test, ...]
    paths: tuple[tuple[str, ...], ...]
    strict: bool


class Index:
    """The rules of some sources of the package, numbered as `number` does."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        texts = list(sources.values())
        sets = _sets(texts)
        self._rules = [_rule(text, found, sets) for text in texts for found in _RULE.finditer(text)]
        self._always = [number for number, rule in enumerate(self._rules) if not rule.effects]
        self._met = lru_cache(SIGNATURES)(self._meets)

    def __len__(self) -> int:
        return len(self._rules)

    def candidates(self, document: Mapping[str, Any]) -> list[int]:
        """The numbers of the rules that may apply to this policy input, ascending."""
        met: set[tuple[int, int]] = set()
        for effect in document["effects"]:
            met |= self._met(tuple(effect.get(field) for field in FIELDS))
        touched = {number for number, _ in met}.union(self._always)
        return sorted(number for number in touched if self._may_apply(number, met, document))

    def _meets(self, signature: Signature) -> frozenset[tuple[int, int]]:
        """Of which rules this effect can be which of the effects that they need."""
        return frozenset(
            (number, which)
            for number, rule in enumerate(self._rules)
            for which, test in enumerate(rule.effects)
            if test(signature)
        )

    def _may_apply(self, number: int, met: set[tuple[int, int]], document: Mapping[str, Any]) -> bool:
        rule = self._rules[number]
        return (
            all((number, which) in met for which in range(len(rule.effects)))
            and (not rule.strict or document["profile"] == "strict")
            and all(_found(document, path) for path in rule.paths)
        )


def number(sources: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The sources with every rule in a set of its own, and the names of these sets; `rules` is their union."""
    names: list[str] = []

    def named(found: re.Match[str]) -> str:
        names.append(f"rule_{len(names)}")
        return found[0].replace("rules contains", f"{names[-1]} contains", 1)

    made = {name: _RULE.sub(named, source) for name, source in sources.items()}
    union = "".join(f"\nrules contains each if some each in {name}\n" for name in names)
    return {**made, "index": f"package {PACKAGE}\n\nimport rego.v1\n{union}"}, names


def _sets(texts: Iterable[str]) -> dict[str, frozenset[str]]:
    """Sets of effects by name, with the kinds that are in them; a set of which that is not known is left out."""
    kinds: dict[str, frozenset[str] | None] = {}
    for text in texts:
        tables = _tables(text)
        for found in _SET.finditer(text):
            of = _by_variable(_lines(found), tables, {name: each for name, each in kinds.items() if each}).get("n")
            before = kinds.get(found["name"], frozenset())
            kinds[found["name"]] = None if of is None or before is None else before | of
    return {name: each for name, each in kinds.items() if each}


def _tables(text: str) -> dict[str, frozenset[str]]:
    return {name: frozenset(_KEY.findall(rows)) for name, rows in _TABLE.findall(text)}


def _rule(text: str, found: re.Match[str], sets: Mapping[str, frozenset[str]]) -> _Rule:
    lines = _lines(found)
    named = next((each["var"] for line in lines if (each := _NAMED.match(line))), "")
    tests: dict[str, list[_Test]] = {
        variable: [_of_kinds(kinds)] for variable, kinds in _by_variable(lines, _tables(text), sets).items()
    }
    for line in lines:
        condition = _FIELD.match(line)
        if condition is not None and (variable := condition["var"] or named) in tests:
            tests[variable].append(_condition(condition))
    return _Rule(
        tuple(_all(each) for each in tests.values()),
        tuple(tuple(each["path"].split(".")) for line in lines if (each := _OF_DOCUMENT.match(line))),
        "strict" in lines,
    )


def _lines(found: re.Match[str]) -> list[str]:
    """The conditions of a rule: the lines of its body that are not inside of others."""
    if found["line"] is not None:
        return [found["line"]]
    return [line[1:] for line in found["block"].splitlines() if line[:1] == "\t" and line[1:2] not in ("\t", "}", ")")]


def _by_variable(
    lines: Iterable[str], tables: Mapping[str, frozenset[str]], sets: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """Of which kinds the effects are that a rule's variables stand for."""
    kind: frozenset[str] | None = None
    made: dict[str, frozenset[str]] = {}
    for line in lines:
        if found := _ONE_KIND.match(line):
            made[found["var"]] = frozenset({found["word"] or found["text"]})
        elif found := _KINDS.match(line):
            kind = frozenset(_LITERAL.findall(found["many"]))
        elif found := _KINDS_OF_TABLE.match(line):
            kind = tables.get(found["table"])
        elif (found := _BY_KIND.match(line)) and kind is not None:
            made[found["var"]] = kind
        elif (found := _MEMBER.match(line)) and found["set"] in sets:
            made[found["var"]] = sets[found["set"]]
        elif found := _COUNT.match(line):
            made[line] = frozenset({found["word"]})
    return made


def _of_kinds(kinds: frozenset[str]) -> _Test:
    return lambda signature: signature[0] in kinds


def _condition(found: re.Match[str]) -> _Test:
    """A test of one field. In Rego a comparison with a field that is not there fails, and its negation holds."""
    position = FIELDS.index(found["field"])
    values = frozenset(_LITERAL.findall(found["many"]) if found["many"] is not None else [found["one"]])
    differs, negated = found["sign"] == "!=", found["no"] is not None

    def test(signature: Signature) -> bool:
        value = signature[position]
        return (value is not None and (value in values) != differs) != negated

    return test


def _all(tests: list[_Test]) -> _Test:
    return lambda signature: all(test(signature) for test in tests)


def _found(document: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    value: Any = document
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return bool(value)
