"""A gate without a daemon, for `lighthousectl check --local`: judges by memory and policy, records nothing.

Also finds the world of a directory on this machine, which a daemon knows from its projects.
"""

import os
import pwd
from pathlib import Path

from lighthoused.core.effects import World
from lighthoused.core.errors import Invalid
from lighthoused.core.events import Draft
from lighthoused.core.verdicts import Request, Verdict
from lighthoused.gate import analysis
from lighthoused.gate.analysis import Analyser
from lighthoused.gate.approvals import Approvals
from lighthoused.gate.flows import Flows
from lighthoused.gate.gate import Gate
from lighthoused.gate.memory import Memory
from lighthoused.policy.engine import Policies
from lighthoused.policy.rules import Asked

MARKS = (".git", ".hg", ".svn", ".jj")
LOCAL_MEMORY = 4 << 20


class Silent:
    """Audit and observer of a gate that nobody watches."""

    is_full = False

    def judged(self, request: Request, verdict: Verdict) -> None:
        """Not recorded."""

    def hit(self, request: Request, verdict: Verdict) -> None:
        """Not recorded."""

    def verdict(self, tier: str, answer: str, seconds: float) -> None:
        """Not counted."""

    def record(self, draft: Draft) -> None:
        """Not recorded."""


def local_gate(profile: str = "balanced", policy_dirs: tuple[Path, ...] = ()) -> Gate:
    """Build a gate. Raises Invalid where a policy or the knowledge base is broken."""
    policies = Policies(policy_dirs)
    if policies.problem:
        raise Invalid(policies.problem)
    return gate_of(policies, analysis.standard(), profile)


def gate_of(policies: Asked, analyser: Analyser, profile: str, flows: Flows | None = None) -> Gate:
    """A gate that nobody watches. Without `flows` every request is judged as if it were the first."""
    silent = Silent()
    return Gate(
        analyser,
        policies,
        Memory(LOCAL_MEMORY),
        Approvals(silent.record),
        silent,
        silent,
        profile=profile,
        flows=flows,
    )


def world_of(cwd: str, mount: str = "") -> World:
    """The world of a directory: its user's home, and the version-controlled project that it is in."""
    root = project_root(cwd) if not (mount and (cwd + "/").startswith(mount.rstrip("/") + "/")) else ""
    user = _user()
    return World(home=os.path.expanduser("~"), roots=(root,) if root else (), mount=mount, user=user)


def project_root(cwd: str) -> str:
    """The nearest directory at or above that a version control system marks; "" where there is none."""
    folder = Path(cwd)
    for each in (folder, *folder.parents):
        if any((each / mark).exists() for mark in MARKS):
            return str(each)
    return ""


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""
