"""What requests over HTTP do to known services, read from endpoints.toml. Must not know which client makes them."""

import re
import tomllib
from importlib import resources
from typing import NamedTuple

import msgspec

from lighthoused.core.effects import KINDS
from lighthoused.core.errors import Invalid
from lighthoused.core.prepared import prepared
from lighthoused.core.verdicts import Certainty, Scope
from lighthoused.gate.shell.bounds import MAX_MATCHED, Unresolvable

READING = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "TRACE"})


class HttpRequest(NamedTuple):
    """A request, as far as it is known. `body`: what it sends, joined."""

    method: str
    url: str
    body: str = ""


@prepared
class EndpointRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule of endpoints.toml, which says what the fields mean."""

    kind: str
    url: str = ""
    methods: frozenset[str] = frozenset()
    body: str = ""
    scope: Scope = "remote"
    place: str = ""
    certainty: Certainty = "certain"
    note: str = ""
    instead: str = ""


class Endpoints:
    """The rules in order."""

    def __init__(self, rules: list[EndpointRule]) -> None:
        """Raises Invalid."""
        self.rules = rules
        self._compiled = [
            (rule, re.compile(rule.url, re.IGNORECASE), re.compile(rule.body, re.IGNORECASE | re.DOTALL))
            for rule in rules
        ]
        for rule in rules:
            if rule.kind not in ("none", *KINDS):
                raise Invalid(f'In endpoints.toml, kind is "{rule.kind}"; allowed are none, {", ".join(KINDS)}.')

    def find(self, request: HttpRequest) -> EndpointRule | None:
        """The first rule that a request meets. Raises Unresolvable."""
        if len(request.url) > MAX_MATCHED or len(request.body) > 16 * MAX_MATCHED:
            raise Unresolvable("A request over HTTP is longer than can be looked at.")
        for rule, url, body in self._compiled:
            if not (request.method in rule.methods if rule.methods else request.method not in READING):
                continue
            if url.search(request.url) and (not rule.body or body.search(request.body)):
                return rule if rule.kind != "none" else None
        return None


def load() -> Endpoints:
    """The endpoints that come with the package. Raises Invalid naming what is wrong in them."""
    text = (resources.files("lighthoused.gate") / "endpoints.toml").read_text("utf-8")
    try:
        tables = msgspec.convert(tomllib.loads(text), dict[str, list[EndpointRule]])
        return Endpoints([rule for rules in tables.values() for rule in rules])
    except (msgspec.ValidationError, tomllib.TOMLDecodeError, re.error) as error:
        raise Invalid(f"The table of endpoints, endpoints.toml, is wrong: {error}.") from None
