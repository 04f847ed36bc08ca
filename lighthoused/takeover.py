"""What systemd kept for us of the process before: the mount, what the kernel holds of it, and unstored changes."""

from typing import NamedTuple

import structlog

from lighthoused.mount.holds import HOLDS_NAME, Holds
from lighthoused.mount.kept import INIT_NAME, Inherited, KeptMount
from lighthoused.mount.pipes import KeptPipes
from lighthoused.mount.positions import POSITIONS_NAME, Positions
from lighthoused.mount.writing import kept_writing_ends
from lighthoused.protocol.messages.log import Filter
from lighthoused.store.store import Store
from lighthoused.survival.helper import CONNECTION
from lighthoused.survival.kept import KeptLog
from lighthoused.survival.notify import Passed, keep
from lighthoused.tree.unstored import UNSTORED_NAME, Unstored, last_acts, missing_entries

log = structlog.get_logger()

NEWEST = 20_000
"""Events among which those are that were stored and not noted as such: a batch of the journal, and some others."""


class Takeover(NamedTuple):
    """What was kept, ready to be gone on with."""

    mount: Inherited
    unstored: Unstored
    pipes: KeptPipes


def take_over(passed: Passed) -> Takeover | None:
    """What was kept, None where the mount is not."""
    if CONNECTION not in passed:
        return None
    init = passed.get(INIT_NAME)
    mount = KeptMount(passed[CONNECTION][0], init[0] if init else None)
    unstored = _kept(passed, UNSTORED_NAME)
    inherited = Inherited(mount, Holds(_kept(passed, HOLDS_NAME)), last_acts(unstored))
    pipes = KeptPipes(Positions(_kept(passed, POSITIONS_NAME)), kept_writing_ends(passed))
    return Takeover(inherited, Unstored(unstored), pipes)


async def store_missing(store: Store, unstored: Unstored) -> None:
    """Append what the process before us had recorded and not stored. Raises core errors."""
    newest = store.log.query(Filter(), limit=NEWEST, reverse=True).events
    entries = missing_entries(unstored.kept, [stored.event for stored in newest])
    for entry in entries:
        await store.append(entry.drafts, entry.blocks)
    if entries:
        log.warning("takeover.stored", entries=len(entries))


def _kept(passed: Passed, name: str) -> KeptLog:
    if name in passed:
        return KeptLog(passed[name][0])
    kept = KeptLog.create(name)
    keep(name, kept.descriptor)
    return kept
