"""What policies say about themselves: their rules by id, and the examples that each rule carries. Runs nothing.

An example is a comment line, by custom above its rule: ``# VERDICT RULE: CALL``, where the rule gives that verdict and
it is the final one, or ``# not RULE: CALL``, where the rule does not apply. A call is a shell command, or a JSON object
with `command`, or `tool` and `input`, and where they matter `cwd`, `agent`, `profile`, `before` (calls made before) and
`repeated` (how often this one was). A call runs in an unversioned project at /home/ann/src;
/mnt/lighthouse/demo/current is a versioned one.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from lighthoused.core.errors import Invalid
from lighthoused.core.prepared import prepared

DEFAULT = "default/"
PROJECT = "/home/ann/src"
Expected = Literal["deny", "escalate", "allow", "not"]
_RULE = re.compile(r'\b(deny|escalate|permit|warn)\(\s*(?:sprintf\(\s*)?"([^"]+)"')
_COMMENT = re.compile(r"^\s*#.*", re.MULTILINE)
_EXAMPLE = re.compile(r"^#\s*(deny|escalate|allow|not) ([\w-]+\.[\w.-]+):\s+(.*\S)\s*$")
_PLACEHOLDER = re.compile(r"%\w")
_SAYS = {"permit": "allow", "warn": "allow"}


class ExampleCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call of a tool, as an example writes it."""

    command: str = ""
    tool: str = "Bash"
    input: dict[str, Any] = {}
    cwd: str = PROJECT
    agent: str = "claude"
    profile: Literal["balanced", "strict"] = "balanced"
    before: tuple["ExampleCall | str", ...] = ()
    repeated: int = 0
    """How often this call itself was made before."""

    @property
    def given(self) -> dict[str, Any]:
        """The tool's input."""
        return self.input or {"command": self.command}


prepared(ExampleCall)


class Example(NamedTuple):
    """One example; `text` is its call as written."""

    expected: Expected
    rule: str
    text: str
    call: ExampleCall
    policy: str
    line: int


class Rule(NamedTuple):
    """A rule as its policy writes it. `id` may hold ``*`` where it is made when the rule applies."""

    id: str
    verdict: str
    policy: str
    line: int
    source: str


def rules_of(policy: str, source: str) -> list[Rule]:
    """The rules that a policy defines, in order."""
    lines = source.splitlines()
    made = []
    for found in _RULE.finditer(_COMMENT.sub(lambda line: " " * len(line[0]), source)):
        first, statement = _statement(lines, source[: found.start()].count("\n"))
        id = _PLACEHOLDER.sub("*", found[2])
        made.append(Rule(id, _SAYS.get(found[1], found[1]), policy, first + 1, statement))
    return made


def examples_of(policy: str, source: str) -> list[Example]:
    """The examples in a policy. Raises Invalid for one that is not valid, naming its line."""
    made = []
    for number, line in enumerate(source.splitlines(), 1):
        found = _EXAMPLE.match(line)
        if found is not None:
            expected: Any = found[1]
            made.append(Example(expected, found[2], found[3], _call(found[3], policy, number), policy, number))
    return made


def is_default(policy: str) -> bool:
    """Whether a policy comes with Lighthouse."""
    return policy.startswith(DEFAULT)


def matches(pattern: str, rule: str) -> bool:
    """Whether a rule's id, perhaps with ``*``, stands for an id."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".+"), rule) is not None


def ids_of(sources: Mapping[str, str]) -> frozenset[str]:
    """The ids of all rules whose id is written out."""
    return frozenset(rule.id for name, source in sources.items() for rule in rules_of(name, source))


def _call(text: str, policy: str, line: int) -> ExampleCall:
    if not text.startswith('{"'):
        return ExampleCall(command=text)
    try:
        return msgspec.json.decode(text, type=ExampleCall)
    except msgspec.DecodeError as error:
        raise Invalid(f"{policy}, line {line}: the example is not valid: {error}.") from None


def _statement(lines: list[str], number: int) -> tuple[int, str]:
    """The statement that a line is in, and where it begins: at a line that is not indented, until the next such."""
    inside = ("\t", " ", "}", ")")
    first = number
    while first > 0 and lines[first].startswith(inside):
        first -= 1
    last = first + 1
    while last < len(lines) and lines[last].startswith(inside):
        last += 1
    return first, "\n".join(lines[first:last])
