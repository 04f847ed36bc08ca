"""`lighthousectl hook status`: where our hooks are, and whether they have been asked. A settings file that its program
drops, or a hook that it does not trust, is silent: only the log shows that a hook runs."""

import os
import shlex
from collections.abc import Iterator
from typing import Any

from lighthoused.cli.changing import opened
from lighthoused.cli.harness import HARNESSES, JUDGED
from lighthoused.cli.installing import handlers_of, hook
from lighthoused.cli.output import local_time, say, show_json, show_table
from lighthoused.cli.session import Session, command
from lighthoused.core.errors import Invalid
from lighthoused.protocol.messages.log import Filter, QueryRequest

NEVER = "never"


@hook.command()
@command
def status(session: Session) -> None:
    """Where hooks are installed, and when each of their agents was judged last."""
    rows = list(_rows())
    last = {agent: _last_judged(session, agent) for agent in {row["agent"] for row in rows if row["agent"]}}
    for row in rows:
        row["last_judged"] = last.get(row["agent"], 0)
    if session.as_json:
        show_json(rows)
        return
    if not rows:
        say("no hooks are installed here, for you, or for this machine")
    show_table(
        ("program", "scope", "settings", "agent", "state", "last judged"),
        [
            (
                *(row[key] for key in ("program", "scope", "settings", "agent", "state")),
                local_time(row["last_judged"]) if row["last_judged"] else NEVER,
            )
            for row in rows
        ],
    )


def _rows() -> Iterator[dict[str, Any]]:
    """Every settings file that our hook is in, or that cannot be used."""
    for harness in HARNESSES.values():
        for scope in harness.files:
            file = harness.settings(scope, os.environ)
            row = {"program": harness.name, "scope": scope, "settings": str(file), "agent": ""}
            try:
                document, _ = opened(file, is_toml=file.suffix == ".toml")
            except Invalid as error:
                yield {**row, "state": error.message}
                continue
            lines = handlers_of(document, JUDGED)
            if lines:
                yield {**row, "agent": _agent(lines[0]), "state": _state(lines[0])}


def _last_judged(session: Session, agent: str) -> int:
    """When (ns), 0 for never. Raises Unreachable."""
    request = QueryRequest(id=0, filter=Filter(type="gate.*", agent=agent), limit=1, reverse=True)
    events = session.call(request).events
    return int(events[0].time) if events else 0


def _agent(line: str) -> str:
    words = shlex.split(line)
    return words[words.index("--agent") + 1] if "--agent" in words[:-1] else ""


def _state(line: str) -> str:
    """Whether what the command names is there."""
    missing = [word for word in shlex.split(line)[:4] if word.startswith("/") and not os.path.exists(word)]
    return f"{missing[0]} is gone: install it again" if missing else "installed"
