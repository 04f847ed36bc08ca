"""How a daemon is, as it tells people and programs: status, health, one line for systemd, the files under ``status/``.

Beside the composition root, as it knows all parts; they do not know it.
"""

import os
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from lighthoused import __version__
from lighthoused.mount.status import Render
from lighthoused.ops.degradation import MOUNT, STORE
from lighthoused.protocol.messages.projects import Project
from lighthoused.protocol.messages.status import DegradationView, Status

if TYPE_CHECKING:
    from lighthoused.daemon import Daemon

SERVING = "SERVING"


class Report:
    """Reads the daemon's parts when asked; keeps nothing."""

    def __init__(self, daemon: "Daemon") -> None:
        self._daemon = daemon

    @property
    def state(self) -> str:
        """STARTING, STOPPING, or whether the daemon can be relied on: NORMAL, EMERGENCY, RECOVERING."""
        return self._daemon.degradation.condition.state.upper() if self._daemon.phase == SERVING else self._daemon.phase

    def checks(self) -> Mapping[str, str]:
        """What keeps each component from being ready, "" where nothing does."""
        condition = self._daemon.degradation.condition
        recovers = f"RECOVERING: {condition.reason}" if condition.state == "recovering" else ""
        return {
            "daemon": recovers if self._daemon.phase == SERVING else self._daemon.phase,
            "store": condition.losses.get(STORE, ""),
            **({"mount": condition.losses.get(MOUNT, "")} if self._daemon.session is not None else {}),
        }

    def problems(self) -> Mapping[str, str]:
        """What is wrong while the daemon is neither starting nor stopping."""
        return self.checks() if self._daemon.phase == SERVING else {}

    def status(self) -> Status:
        """How the daemon is."""
        paths = self._daemon.config.paths
        degradation = self._daemon.degradation
        condition = degradation.condition
        return Status(
            version=__version__,
            pid=os.getpid(),
            state=self.state,
            uptime_s=round(time.monotonic() - self._daemon.started, 3),
            head=self._daemon.store.writer.committed,
            paths={
                "state": str(paths.state),
                "mount": str(paths.mount) if self._daemon.session else "",
                "socket": str(paths.socket),
                "metrics": self._daemon.metrics_url,
            },
            projects=tuple(project.name for project in self._daemon.tree.projects.all()),
            agents=sum(agent.alive for agent in self._daemon.agents.list()),
            pending_approvals=len(self._daemon.approvals.waiting()),
            store={**self._daemon.store.env.describe(), "queued": self._daemon.store.writer.queued},
            policy={
                "version": self._daemon.policies.version,
                "profile": self._daemon.config.gate.profile,
                "policies": self._daemon.policies.names,
                "problem": self._daemon.policies.problem,
                **({"opa": self._daemon.opa.problem or "up"} if self._daemon.opa is not None else {}),
            },
            tiers=self._daemon.gate.tiers.views(),
            health=dict(self.checks()),
            degradation=DegradationView(
                condition.state, degradation.since, condition.reason, dict(condition.losses), condition.held
            ),
            warnings=dict(degradation.warnings),
        )

    def summary(self) -> str:
        """The daemon in one line, for ``systemctl status``."""
        status = self.status()
        why = f" ({reason})" if (reason := status.degradation.reason) else ""
        return (
            f"{status.state}{why}: {len(status.projects)} projects, {status.head} events,"
            f" {status.agents} agents at work, {status.pending_approvals} approvals wait"
        )

    def files(self, project: Project) -> Mapping[str, Render]:
        """What is under ``status/`` in a project."""
        return {
            "health": lambda: _lines(f"{name}: {problem or 'ok'}" for name, problem in self.checks().items()),
            "approvals": lambda: _lines(msgspec.json.encode(one).decode() for one in self._daemon.approvals.waiting()),
            "agents": lambda: _lines(msgspec.json.encode(agent).decode() for agent in self._daemon.agents.list()),
            "status": lambda: msgspec.json.format(msgspec.json.encode(self.status())) + b"\n",
            "project": lambda: msgspec.json.format(msgspec.json.encode(project)) + b"\n",
        }


def _lines(lines: Iterable[str]) -> bytes:
    return "".join(line + "\n" for line in lines).encode()
