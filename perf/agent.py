"""One agent as a process of its own, registered: asks, appends, works under the mount, listens, waits for a person.

Its pace is that of a busy agent, some four operations a second. Each operation is timed from its own side; what fails
is kept as it was said. Knows the daemon's socket and one directory, not who else is there.
"""

import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from lighthoused.client import Client
from lighthoused.core.errors import LighthouseError
from lighthoused.protocol.messages.agents import AgentRegisterRequest
from lighthoused.protocol.messages.gate import CheckRequest
from lighthoused.protocol.messages.log import AppendRequest, Filter, NewEvent, QueryRequest, SubscribeRequest

THINK_S = 0.2
MAX_ERRORS = 20
APPROVED = "npm publish ./packages/{0}-{1}"
"""What the default policies leave to a person each time."""
HABITS = (
    "ls -la",
    "git status --short",
    "git diff --stat",
    "git log --oneline -20",
    "pytest -q tests/unit",
    "npm test",
    "cargo check",
    "grep -rn TODO src/",
    "cat README.md",
    "rg --files | head -50",
    "make -j4 lint",
    "sed -n 1,80p src/main.py",
    "python -m mypy src",
    "find . -name '*.py' -newer setup.py",
    "docker ps",
)
NEW = (
    "git -C work/{0} commit -qm 'step {1}' && git log -1",
    "grep -n 'def step_{1}' -r src/ | sort | uniq -c | head -{0}",
    "python - <<'EOF'\nimport json\nprint(json.dumps({{'agent': {0}, 'step': {1}}}))\nEOF",
    'for f in build/{0}/*.o; do [ -e "$f" ] && rm -f "$f"; done; mkdir -p build/{0}/{1}',
    "FOO={1} bash -lc 'cd pkg-{0} && make test 2>&1 | tail -20'",
    "curl -fsS http://localhost:8000/health?n={1} -o /tmp/health-{0}.json",
    "rm -rf /usr/share/step-{0}-{1}",
    "sed -i 's/version = {0}/version = {1}/' setup.cfg",
)


class Sample(NamedTuple):
    """An operation: when it began (seconds of the machine's monotonic clock) and how long it took."""

    began: float
    took: float


class Findings(msgspec.Struct):
    """What one agent measured, by operation, and what failed."""

    samples: dict[str, list[Sample]]
    errors: list[str]


class Agent:
    """Works until a moment, then gives its findings."""

    def __init__(self, number: int, socket: Path, current: Path) -> None:
        self._number = number
        self._name = f"load-{number}"
        self._home = current / f"agent-{number}"
        self._socket = socket
        self._client = Client(socket)
        self._dice = random.Random(number)
        self._step = 0
        self._files: list[Path] = []
        self._lock = threading.Lock()
        self._found = Findings({}, [])
        self._operations: Mapping[str, tuple[int, Callable[[], object]]] = {
            "verdict, remembered": (250, self._habit),
            "verdict, new": (150, self._new),
            "verdict by a person": (5, self._approval),
            "append": (100, self._append),
            "append of 10": (20, self._append_ten),
            "query of 50": (30, self._query),
            "create, write, close": (120, self._create),
            "open, read, close": (150, self._read),
            "stat": (100, self._stat),
            "list a directory": (40, self._list),
            "rename": (20, self._rename),
            "unlink": (30, self._unlink),
        }

    def work(self, until: float) -> Findings:
        """Everything, in the foreground."""
        self._client.call(AgentRegisterRequest(id=0, agent=self._name))
        self._home.mkdir(exist_ok=True)
        self._create()
        listening = threading.Thread(target=self._listen, args=(until,), daemon=True)
        listening.start()
        names = list(self._operations)
        weights = [weight for weight, _ in self._operations.values()]
        while time.monotonic() < until:
            time.sleep(self._dice.expovariate(1 / THINK_S))
            (name,) = self._dice.choices(names, weights)
            self._timed(name, self._operations[name][1])
        listening.join(5)
        self._client.close()
        return self._found

    def _timed(self, name: str, operation: Callable[[], object]) -> None:
        self._step += 1
        began = time.monotonic()
        try:
            operation()
        except (LighthouseError, OSError) as error:
            self._failed(name, error)
            return
        self._note(name, began, time.monotonic())

    def _note(self, name: str, began: float, ended: float) -> None:
        with self._lock:
            self._found.samples.setdefault(name, []).append(Sample(began, ended - began))

    def _failed(self, name: str, error: Exception) -> None:
        with self._lock:
            if len(self._found.errors) < MAX_ERRORS:
                self._found.errors.append(f"{self._name}: {name}: {type(error).__name__}: {error}")

    def _check(self, command: str, wait: bool = False) -> None:
        self._client.call(CheckRequest(id=0, input={"command": command}, cwd=str(self._home), wait=wait))

    def _habit(self) -> None:
        self._check(self._dice.choice(HABITS))

    def _new(self) -> None:
        self._check(self._dice.choice(NEW).format(self._number, self._step))

    def _approval(self) -> None:
        self._check(APPROVED.format(self._number, self._step), wait=True)

    def _event(self) -> NewEvent:
        return NewEvent(stream=f"load/{self._number}", type="load.step", payload={"at": time.monotonic()})

    def _append(self) -> None:
        self._client.call(AppendRequest(id=0, events=(self._event(),)))

    def _append_ten(self) -> None:
        self._client.call(AppendRequest(id=0, events=tuple(self._event() for _ in range(10))))

    def _query(self) -> None:
        self._client.call(QueryRequest(id=0, filter=Filter(agent=self._name), limit=50, reverse=True))

    def _create(self) -> None:
        path = self._home / f"step-{self._step}.txt"
        with open(path, "wb") as file:
            file.write(os.urandom(self._dice.choice((200, 4000, 30_000))))
        self._files.append(path)

    def _read(self) -> None:
        self._dice.choice(self._files).read_bytes()

    def _stat(self) -> None:
        self._dice.choice(self._files).stat()

    def _list(self) -> None:
        os.listdir(self._home)

    def _rename(self) -> None:
        place = self._dice.randrange(len(self._files))
        self._files[place] = self._files[place].rename(self._home / f"renamed-{self._step}.txt")

    def _unlink(self) -> None:
        if len(self._files) > 1:
            self._files.pop(self._dice.randrange(len(self._files))).unlink()

    def _listen(self, until: float) -> None:
        try:
            with Client(self._socket, timeout=1.0) as client:
                for event in self._events(client):
                    self._note("event, append to subscriber", event.payload["at"], time.monotonic())
                    if time.monotonic() > until:
                        return
        except LighthouseError as error:
            if error.code != "deadline_exceeded" or time.monotonic() < until:
                self._failed("subscription", error)

    def _events(self, client: Client) -> Iterator[msgspec.Struct]:
        client.wait_at_most(None)
        return iter(client.stream(SubscribeRequest(id=0, filter=Filter(stream=f"load/{self._number}"))))
