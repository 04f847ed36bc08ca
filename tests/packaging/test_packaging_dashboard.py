"""The dashboard against Grafana's schema, as the SDK that Grafana Labs generate from it has it.

No Grafana is run: it is neither in Debian nor on PyPI or npm.
"""

import enum
import importlib
import json
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DASHBOARD = Path(__file__).parents[2] / "packaging/monitoring/lighthoused-dashboard.json"

pytestmark = pytest.mark.filterwarnings("ignore:Prefer using dashboardv2")


@pytest.fixture(scope="module")
def sdk() -> Iterator[Any]:
    """Its classes of dashboards, with those of the kinds of panels and queries."""
    found = pytest.importorskip("grafana_foundation_sdk.models.dashboard", reason="no grafana-foundation-sdk")
    importlib.import_module("grafana_foundation_sdk.cog.plugins").register_default_plugins()
    return found


def complaints(sdk: Any, content: dict[str, Any]) -> list[str]:
    """What in a dashboard the schema does not know, or wants to be of another type."""
    read = sdk.Dashboard.from_json(content)
    encoder = importlib.import_module("grafana_foundation_sdk.cog.encoder").JSONEncoder
    known = json.loads(json.dumps(read, cls=encoder))
    return [*_lost(content, known, ""), *_of_other_types(read, "dashboard")]


def _lost(ours: Any, known: Any, place: str) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(known, dict):
        for key, value in ours.items():
            yield from _lost(value, known[key], f"{place}.{key}") if key in known else [f"{place}.{key} is unknown"]
    elif isinstance(ours, list) and isinstance(known, list) and len(ours) == len(known):
        for number, (one, other) in enumerate(zip(ours, known, strict=True)):
            yield from _lost(one, other, f"{place}[{number}]")
    elif ours != known:
        yield f"{place} is read as {known!r}, not {ours!r}"


def _of_other_types(read: Any, place: str) -> Iterator[str]:
    if isinstance(read, list):
        for number, one in enumerate(read):
            yield from _of_other_types(one, f"{place}[{number}]")
    elif type(read).__module__.startswith("grafana_foundation_sdk."):
        names = vars(sys.modules[type(read).__module__])
        for name, hint in typing.get_type_hints(type(read), names).items():
            value = getattr(read, name)
            if not _fits(value, hint):
                yield f"{place}.{name} is {value!r}, not {hint}"
            yield from _of_other_types(value, f"{place}.{name}")


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in (Any, object):
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is typing.Literal:
        return value in inner
    if origin is list:
        return isinstance(value, list) and all(_fits(one, inner[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(one, inner[1]) for one in value.values())
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return any(value == one.value for one in hint)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, hint) and (hint is bool or not isinstance(value, bool))


def test_the_dashboard_is_as_the_schema_wants_it(sdk: Any) -> None:
    assert complaints(sdk, json.loads(DASHBOARD.read_text())) == []


@pytest.mark.parametrize(
    ("place", "value", "because"),
    [
        (("panels", 1, "tittle"), "x", ".panels[1].tittle is unknown"),
        (("panels", 1, "gridPos", "h"), "4", "dashboard.panels[1].grid_pos.h is '4'"),
        (("panels", 1, "fieldConfig", "defaults", "thresholds", "mode"), "relative", "thresholds.mode is 'relative'"),
        (("panels", 1, "options", "textMode"), "loud", "options.text_mode is 'loud'"),
        (("panels", 1, "targets", 0, "exper"), "up", ".panels[1].targets[0].exper is unknown"),
        (("templating", "list", 0, "hide"), 9, "dashboard.templating.list_val[0].hide is 9"),
    ],
)
def test_what_is_wrong_is_found(sdk: Any, place: tuple[Any, ...], value: Any, because: str) -> None:
    content = json.loads(DASHBOARD.read_text())
    at = content
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    assert any(because in found for found in complaints(sdk, content)), complaints(sdk, content)
