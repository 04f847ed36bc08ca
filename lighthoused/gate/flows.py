"""What each agent did lately, as far as it changes how its next call is judged. For one daemon's run, bounded.

It remembers secrets that were read, how often kinds of effects came in the last minute, and what was written to files
(scripts and downloads are judged by it when they run). A call counts once it was allowed, or reported as done; a mere
question does not. Must not judge.
"""

import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from lighthoused.core.effects import LIMITS, World
from lighthoused.core.verdicts import Effect, Request
from lighthoused.gate.files import Files, Look
from lighthoused.gate.shell.text import UNKNOWN, shown, wholly_opaque

AGENTS = 128
SECRETS = 16
SECRET_S = 900.0
MINUTE_S = 60.0
COUNTED = 4096
FILES = 256
FILE_BYTES = 1 << 19
"""Of all contents of one agent."""
PENDING = 512
ASKED = 4096
"""Files that verdicts depend on."""
ASKING = 64
"""Requests that depend on one file."""
RENEWED = 65_536


class Pending(NamedTuple):
    """A call that was judged, until it is allowed or reported as done. `contents` None: no longer known."""

    request: Request
    effects: Sequence[Effect]
    contents: dict[str, str | None]
    volatile: bool


class Past:
    """One agent's. `version` grows whenever the default policies might say something else; `steps` with each count."""

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._limits = limits
        self.version = 0
        self.steps = 0
        self.secrets: OrderedDict[tuple[str, str, str], float] = OrderedDict()
        self.counts: Counter[str] = Counter()
        self.files: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._counted: deque[tuple[float, str]] = deque()
        self._bytes = 0

    def expire(self, now: float) -> None:
        """Forget what is too old."""
        while self._counted and self._counted[0][0] <= now - MINUTE_S:
            self._uncount()
        while self.secrets and next(iter(self.secrets.values())) <= now - SECRET_S:
            self.secrets.popitem(last=False)
            self.version += 1

    def count(self, kind: str, now: float) -> None:
        """One more call with an effect of this kind."""
        if len(self._counted) == COUNTED:
            self._uncount()
        self._counted.append((now, kind))
        self.counts[kind] += 1
        self._stepped(kind)

    def read_secret(self, session: str, effect: Effect, now: float) -> None:
        key = (session, effect.target, effect.program)
        self.version += key not in self.secrets
        self.secrets[key] = now
        self.secrets.move_to_end(key)
        if len(self.secrets) > SECRETS:
            self.secrets.popitem(last=False)

    def wrote(self, path: str, text: str | None, order: int) -> None:
        """A file holds this text now; None where nobody knows."""
        _, before = self.files.pop(path, (0, ""))
        self._bytes -= len(before)
        if text is None or len(text) > FILE_BYTES:
            return
        self.files[path] = (order, text)
        self._bytes += len(text)
        while len(self.files) > FILES or self._bytes > FILE_BYTES:
            _, (_, oldest) = self.files.popitem(last=False)
            self._bytes -= len(oldest)

    def _uncount(self) -> None:
        _, kind = self._counted.popleft()
        self._stepped(kind)
        self.counts[kind] -= 1
        if not self.counts[kind]:
            del self.counts[kind]

    def _stepped(self, kind: str) -> None:
        self.steps += 1
        self.version += self.counts[kind] >= self._limits[kind]


class Flows:
    """All agents'. Any thread may call.

    `counts_matter`: a policy may decide by how often something was done, rather than by whether its limit is reached.
    """

    def __init__(
        self,
        limits: Mapping[str, int] = LIMITS,
        tree: Look | None = None,
        remembers: bool = True,
        clock: Callable[[], float] = time.monotonic,
        counts_matter: Callable[[], bool] = lambda: False,
    ) -> None:
        self._counts_matter = counts_matter
        self._limits = dict(limits)
        self._tree = tree
        self._remembers = remembers
        self._clock = clock
        self._pasts: OrderedDict[str, Past] = OrderedDict()
        self._pending: OrderedDict[str, Pending] = OrderedDict()
        self._asked: OrderedDict[str, set[str]] = OrderedDict()
        self._renewed: dict[str, int] = {}
        self._lock = threading.Lock()
        self._order = 0
        self._version = 0

    def mark(self, request: Request, hashed: str) -> bytes:
        """Changes whenever what this request's verdict may depend on has changed."""
        version = steps = 0
        past = self._pasts.get(request.agent)
        if past is not None:
            with self._lock:
                past.expire(self._clock())
            version, steps = past.version, past.steps if self._counts_matter() else 0
        session = request.session.encode(errors="replace")
        return b"%d %d %d %d %s" % (self._version, self._renewed.get(hashed, 0), version, steps, session)

    def files(self, world: World) -> Files:
        """Contents known before a request."""
        return Files(self._content, self._tree, world.mount)

    def recent(self, request: Request) -> dict[str, Any]:
        """The past for policies: `secrets` read, `counts` by kind in the last minute, `limits`, which are `reached`."""
        past = self._pasts.get(request.agent)
        if past is None:
            return {}
        with self._lock:
            past.expire(self._clock())
            read, counts = list(past.secrets), dict(past.counts)
        secrets = [
            {"target": target, "program": shown(program)}
            for session, target, program in read
            if session == request.session
        ]
        found: dict[str, Any] = {"secrets": secrets} if secrets else {}
        if counts:
            found["counts"] = counts
            found["limits"] = {kind: self._limits[kind] for kind in counts}
            found["reached"] = [kind for kind, made in counts.items() if made >= self._limits[kind]]
        return found

    def propose(self, hashed: str, request: Request, effects: Sequence[Effect], files: Files) -> None:
        """A call was judged; `done` or `finished` says that it happens."""
        contents = _contents(files)
        volatile = bool(contents) or files.looked or files.used
        with self._lock:
            for path in files.asked:
                self._ask(path, hashed)
            if volatile or any(map(self._matters, effects)):
                self._pending[hashed] = Pending(request, effects, contents, volatile)
                if len(self._pending) > PENDING:
                    self._pending.popitem(last=False)

    def volatile(self, hashed: str) -> bool:
        """Whether a verdict on this request may be another one next time, though nothing else changed."""
        pending = self._pending.get(hashed)
        return pending is not None and pending.volatile

    def done(self, request: Request, effects: Sequence[Effect], hashed: str) -> None:
        """A call was allowed: take it that it happens."""
        pending = self._pending.pop(hashed, None)
        if request.question or not self._remembers or (pending is None and not any(map(self._matters, effects))):
            return
        with self._lock:
            past = self._past(request.agent)
            self._remember(past, request.session, effects)
            for path, text in (pending.contents if pending is not None else {}).items():
                self._wrote(past, path, text)

    def finished(self, hashed: str) -> None:
        """A call happened that only a person outside of here had allowed."""
        pending = self._pending.get(hashed)
        if pending is not None:
            self.done(pending.request, pending.effects, hashed)

    def _past(self, agent: str) -> Past:
        past = self._pasts.pop(agent, None) or Past(self._limits)
        self._pasts[agent] = past
        if len(self._pasts) > AGENTS:
            self._pasts.popitem(last=False)
            self._version += 1
        return past

    def _remember(self, past: Past, session: str, effects: Sequence[Effect]) -> None:
        now = self._clock()
        for kind in {effect.kind for effect in effects if effect.kind in self._limits}:
            past.count(kind, now)
        for effect in effects:
            if _is_secret(effect):
                past.read_secret(session, effect, now)

    def _matters(self, effect: Effect) -> bool:
        return effect.kind in self._limits or _is_secret(effect)

    def _wrote(self, past: Past, path: str, text: str | None) -> None:
        self._order += 1
        self._renew(self._asked.pop(path, ()))
        for other in self._pasts.values() if text is None else ():
            other.wrote(path, None, 0)
        past.wrote(path, text, self._order)

    def _content(self, path: str) -> str | None:
        """What was written there last, by any agent."""
        found = [past.files[path] for past in list(self._pasts.values()) if path in past.files]
        return max(found)[1] if found else None

    def _ask(self, path: str, hashed: str) -> None:
        """A verdict depends on a file whose content is not known: it is worth nothing once that is written."""
        asking = self._asked.setdefault(path, set())
        asking.add(hashed)
        if len(asking) > ASKING:
            self._renew(asking - {hashed})
            asking.intersection_update({hashed})
        if len(self._asked) > ASKED:
            self._renew(self._asked.popitem(last=False)[1])

    def _renew(self, requests: Iterable[str]) -> None:
        """What was said to these counts no more."""
        for hashed in requests:
            self._renewed[hashed] = self._renewed.get(hashed, 0) + 1
        if len(self._renewed) > RENEWED:
            self._renewed.clear()
            self._version += 1


def _contents(files: Files) -> dict[str, str | None]:
    """What a call leaves in files, as far as it may matter later."""
    found: dict[str, str | None] = dict.fromkeys(files.forgotten)
    size = 0
    for path, text in files.items():
        size += len(text)
        known = size <= FILE_BYTES and not (UNKNOWN in text and wholly_opaque(text) and set(text) <= {UNKNOWN, "\n"})
        if not path.startswith("/dev/"):
            found[path] = text if known else None
    return found


def _is_secret(effect: Effect) -> bool:
    return effect.kind == "read" and effect.place in ("secret", "history") and effect.certainty != "possible"
