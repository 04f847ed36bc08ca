"""Collects the effects that an abstract run finds, each once, with its target resolved. Bounded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lighthoused.core.verdicts import Effect, Scope
from lighthoused.gate.containers import Container
from lighthoused.gate.shell.bounds import Unresolvable
from lighthoused.gate.shell.text import SECRET, shown
from lighthoused.gate.targets import Targets

MAX_EFFECTS = 512
MAX_SHOWN = 2048


@dataclass
class Place:
    """On whose behalf commands run just now: as root by sudo, or on another machine (`remote`).

    `bounded`: somebody ends them. `container`: in one, what of this machine is seen there.
    """

    privileged: bool = False
    remote: Scope | None = None
    bounded: bool = False
    container: Container | None = None

    def copy(self) -> "Place":
        return Place(self.privileged, self.remote, self.bounded, self.container)


class Findings:
    """The effects so far, in order."""

    def __init__(self, targets: Targets) -> None:
        self.targets = targets
        self.place = Place()
        self._found: dict[tuple[Any, ...], Effect] = {}

    def effects(self) -> tuple[Effect, ...]:
        return tuple(self._found.values())

    @contextmanager
    def aside(self) -> Iterator[dict[tuple[Any, ...], Effect]]:
        """Effects found meanwhile are kept apart."""
        before, self._found = self._found, {}
        try:
            yield self._found
        finally:
            self._found = before

    def add(self, kind: str, target: str = "", scope: Scope = "unknown", **more: Any) -> None:
        """An effect on something that is no path."""
        if self.place.container is not None and self.place.container.keeps(kind, scope):
            return
        if self.place.remote and scope in ("unknown", "process", "system"):
            scope = self.place.remote
        if self.place.privileged and kind in ("execute", "interpret"):
            more["place"] = "privileged"
        self.put(Effect(kind=kind, target=shown(target)[:MAX_SHOWN], scope=scope, **more))

    def path(self, kind: str, path: str, cwd: str, **more: Any) -> None:
        """An effect on a path. What sinks take is no effect."""
        if SECRET in path:
            more.setdefault("place", "secret")
        if self.place.container is not None:
            for outside in self.place.container.outside(self.targets.absolute(path, cwd), kind):
                self._resolved(kind, outside, "/", more)
        else:
            self._resolved(kind, path, cwd, more)

    def _resolved(self, kind: str, path: str, cwd: str, more: dict[str, Any]) -> None:
        more = dict(more)
        target = self.targets.resolve(path, cwd)
        if target.place == "sink":
            return
        scope = target.scope
        place = more.pop("place", "") or target.place
        if not target.known:
            more["certainty"] = "unknown" if scope == "unknown" else "possible"
        remote = self.place.remote
        self.put(
            Effect(
                kind=kind,
                target=target.path[:MAX_SHOWN],
                scope=remote or scope,
                undoable=target.undoable and not remote,
                place=place,
                **more,
            )
        )

    def put(self, effect: Effect) -> None:
        """An effect as it is. Raises Unresolvable where there are too many."""
        key = (effect.kind, effect.target, effect.scope, effect.program, effect.recursive, effect.place, effect.note)
        if key in self._found:
            return
        if len(self._found) >= MAX_EFFECTS:
            raise Unresolvable(f"The command has more than {MAX_EFFECTS} effects.")
        self._found[key] = effect
