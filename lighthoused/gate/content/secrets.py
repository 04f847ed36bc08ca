"""Secrets in text, by their documented forms (`secrets.toml`). Bounded; pure. `scan` never tells the secret itself.

The alternatives were looked at: detect-secrets scans files line by line through plugins, needs requests and PyYAML and
some 0.2 s to import, and its forms are fewer than the issuers document today; gitleaks and trufflehog are programs in
Go. A table of forms, looked for by words first, costs microseconds where there is nothing.
"""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import NamedTuple

import msgspec

from lighthoused.core.prepared import prepared
from lighthoused.core.verdicts import Certainty

MAX_TEXT = 256 * 1024
MAX_FOUND = 16
_LETTERS_AND_DIGITS = re.compile(r"(?=.*[A-Za-z])(?=.*\d)")


class Secret(NamedTuple):
    """A secret in a text. `line` counts from 1."""

    id: str
    about: str
    line: int
    certainty: Certainty
    hosts: tuple[str, ...]


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of secret; see `secrets.toml`."""

    id: str
    about: str
    pattern: str
    words: tuple[str, ...]
    hosts: tuple[str, ...] = ()
    entropy: float = 0.0
    certainty: Certainty = "certain"


@prepared
class Forms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of them."""

    examples: str
    secrets: tuple[Form, ...]


Looked = tuple[Form, re.Pattern[str]]
"""A form and what finds it."""


class Scanner:
    """Finds secrets by a table of forms. Any thread may use it."""

    def __init__(self, forms: Forms) -> None:
        self._examples = re.compile(forms.examples)
        self._forms = tuple((form, re.compile(form.pattern)) for form in forms.secrets)

    def scan(self, text: str) -> list[Secret]:
        """The secrets in the first 256 KiB of a text, each place once."""
        text = text[:MAX_TEXT]
        found: dict[int, Secret] = {}
        for form, pattern in self.forms_in(text):
            for start in self._starts(form, pattern, text):
                line = text.count("\n", 0, start) + 1
                found.setdefault(start, Secret(form.id, form.about, line, form.certainty, form.hosts))
                if len(found) == MAX_FOUND:
                    return list(found.values())
        return list(found.values())

    def forms_in(self, text: str) -> tuple[Looked, ...]:
        """The forms of which there may be secrets in a text, by their words."""
        lowered = text.lower()
        return tuple(looked for looked in self._forms if any(word in lowered for word in looked[0].words))

    def values(self, text: str, forms: tuple[Looked, ...]) -> Iterator[tuple[str, str, bool]]:
        """The secrets of these forms themselves, for who takes them out: value, form, and whether it surely is one."""
        text = text[:MAX_TEXT]
        for form, pattern in forms:
            for match in self._matches(form, pattern, text):
                yield match["value"], form.id, form.certainty == "certain"

    def _starts(self, form: Form, pattern: re.Pattern[str], text: str) -> Iterator[int]:
        return (match.start("value") for match in self._matches(form, pattern, text))

    def _matches(self, form: Form, pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
        for match in pattern.finditer(text):
            value = match["value"]
            if self._examples.search(value) or entropy(value) < form.entropy:
                continue
            if form.id == "assigned-secret" and not _LETTERS_AND_DIGITS.match(value):
                continue
            yield match


def entropy(text: str) -> float:
    """Bits a character, by how often each occurs."""
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values()) if size else 0.0


@cache
def scanner() -> Scanner:
    """With the forms that come with the package."""
    text = (resources.files("lighthoused.gate.content") / "secrets.toml").read_text("utf-8")
    return Scanner(msgspec.convert(tomllib.loads(text), Forms))
