"""Reading anew, while the daemon runs, what it was told: policies, key ring, and what of the configuration can change.

What is broken leaves what was in force, and is told.
"""

import signal
from collections.abc import Awaitable, Callable, Mapping

import msgspec
import structlog
import trio

from lighthoused.config import SECTIONS, Config
from lighthoused.core.errors import LighthouseError
from lighthoused.identity.keyring import KeyRing
from lighthoused.identity.users import Users
from lighthoused.notify.notifier import Notifier
from lighthoused.notify.outlets import outlets_of
from lighthoused.policy.engine import Loaded, Policies
from lighthoused.policy.opa import OpaServer
from lighthoused.protocol.messages.policies import ReloadReply

log = structlog.get_logger()

LIVE = frozenset({"access", "notify"})
"""Sections that are put in force by a reload."""
ELSEWHERE = frozenset({"backup", "sandbox"})
"""Sections that only `lighthousectl` reads, each time anew."""


class Reloading:
    """Holds the configuration in force; `reread` gives it as it is now, `announce` makes an event of what was done."""

    def __init__(
        self,
        config: Config,
        reread: Callable[[], Config],
        policies: Policies,
        opa: OpaServer | None,
        keys: KeyRing,
        users: Users,
        notifier: Notifier,
        announce: Callable[[str, Mapping[str, object]], Awaitable[None]],
    ) -> None:
        self._config = config
        self._reread = reread
        self._policies = policies
        self._opa = opa
        self._keys = keys
        self._users = users
        self._notifier = notifier
        self._announce = announce

    async def at_hangups(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Read anew what there is at every SIGHUP."""
        with trio.open_signal_receiver(signal.SIGHUP) as received:
            task_status.started()
            async for _ in received:
                await self.reload()

    async def reload(self) -> ReloadReply:
        """Read policies, configuration and key ring anew: of the configuration what can change while we run."""
        loaded = await self.reload_policies()
        problems = [loaded.problem] if loaded.problem else []
        changed: tuple[str, ...] = ()
        try:
            changed = await self._reload_configuration()
        except LighthouseError as error:
            problems.append(error.message)
        restart = tuple(setting for setting in changed if takes_restart(setting))
        live = tuple(setting for setting in changed if setting not in restart)
        told = ReloadReply(len(loaded.policies), live, restart, tuple(problems))
        log.log(40 if problems else 20, "daemon.reloaded", **msgspec.to_builtins(told))
        await self._announce("daemon.reloaded", msgspec.to_builtins(told))
        return told

    async def reload_policies(self) -> Loaded:
        """Read the policies anew, all or none."""
        loaded = await trio.to_thread.run_sync(self._policies.reload)
        if loaded.problem:
            log.error("policy.refused", problem=loaded.problem)
        else:
            log.info("policy.loaded", version=loaded.version, policies=len(loaded.policies))
        if self._opa is not None:
            self._opa.refresh()
        await self._announce("policy.refused" if loaded.problem else "policy.loaded", loaded._asdict())
        return loaded

    async def _reload_configuration(self) -> tuple[str, ...]:
        """The settings that were changed, in force now or not. Raises LighthouseError, and nothing is changed then."""
        wanted = await trio.to_thread.run_sync(self._reread)
        changed = differences(self._config, wanted)
        await trio.to_thread.run_sync(self._keys.reread)
        outlets = await trio.to_thread.run_sync(outlets_of, wanted.notify, wanted.credentials.webhook_url)
        self._users.replace(roles_of(wanted))
        self._notifier.replace(outlets, wanted.notify.on)
        self._config = msgspec.structs.replace(self._config, **{name: getattr(wanted, name) for name in LIVE})
        return changed


def roles_of(config: Config) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each role that users may have, with who has it."""
    access = config.access
    return ("admin", access.admin), ("operator", access.operator), ("viewer", access.viewer)


def differences(before: Config, after: Config) -> tuple[str, ...]:
    """The settings that are not the same, as ``section.key``."""
    found = [
        f"{section}.{key}"
        for section, kind in SECTIONS.items()
        for key in kind.__struct_fields__
        if getattr(getattr(before, section), key) != getattr(getattr(after, section), key)
    ]
    return (*found, *(["rights"] if before.rights != after.rights else []))


def takes_restart(setting: str) -> bool:
    """Whether a setting counts only from the next start on."""
    return setting.partition(".")[0] not in LIVE | ELSEWHERE
