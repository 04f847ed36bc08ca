"""Verdicts, and the effects they are judged by. The one vocabulary: `allow`, `deny`, `escalate`, everywhere."""

from typing import Any, Literal

import msgspec

Answer = Literal["allow", "deny", "escalate"]
Tier = Literal["memory", "policy", "pattern", "expert", "human", "none"]
Certainty = Literal["certain", "possible", "unknown"]
Scope = Literal[
    "project",
    "elsewhere",
    "home",
    "system",
    "temp",
    "device",
    "network",
    "remote",
    "database",
    "cluster",
    "process",
    "unknown",
]


class Effect(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a command would do to the world, and to which target.

    `kind` is a word of `core.effects.KINDS` (read, write, delete, ...). `target` is the resolved path, URL, branch or
    program. `undoable`: the target is versioned by Lighthouse, so the effect can be undone. `note`: why it is
    dangerous.
    """

    kind: str
    target: str = ""
    scope: Scope = "unknown"
    certainty: Certainty = "certain"
    program: str = ""
    note: str = ""
    recursive: bool = False
    undoable: bool = False
    place: str = ""
    """What lies there: a word of `gate.places.PLACES` (root, secret, startup, ...), "" for nothing special."""
    instead: str = ""
    """How to reach the same end safely."""


class Template(msgspec.Struct, frozen=True):
    """What requests have in common that one answer of a person may count for.

    `words` are the request's own, but for paths: those are told from their project (`project`), and where it makes no
    difference which one of several it is, by their shape. `effects` tell in the same way what it would do. `id` is the
    blake3 (hex) of all but the project.
    """

    id: str
    project: str
    where: str
    """The directory, told from the project."""
    words: tuple[str, ...]
    effects: tuple[str, ...]

    @property
    def text(self) -> str:
        """As a person reads it."""
        return " ".join(word if word and " " not in word else f"'{word}'" for word in self.words)


class Verdict(msgspec.Struct, frozen=True):
    """The answer to a request: with its reason, the tier and rule that gave it, and what to do instead."""

    verdict: Answer
    tier: Tier
    rule: str
    reason: str
    suggestion: str = ""
    effects: tuple[Effect, ...] = ()
    latency_us: int = 0
    request: str = ""
    """blake3 (hex) of the canonical request: exactly what was judged, who asked, and where."""
    approval: str = ""
    """Id of the approval that waits for a person, where the request was parked."""
    explanation: dict[str, Any] | None = None
    template: Template | None = None
    """Of an escalation that earlier answers of people may settle; None where a person is asked each time."""


class Request(msgspec.Struct, frozen=True):
    """What an agent asks to do: a tool, its input, where. `input` is the tool's own (Bash: ``{"command": ...}``)."""

    tool: str
    input: dict[str, Any]
    cwd: str
    agent: str
    session: str = ""
    uid: int = -1
    question: bool = False
    """Somebody only wants to know: nothing of it will happen because of the answer."""
    pid: int = 0
