"""After a kill: what was begun is looked at, noted if it was done, and tidied up if not."""

import trio

from lighthoused.mirror.base import Intent
from lighthoused.mirror.bench import Bench
from lighthoused.protocol.messages.log import Filter


async def recover(bench: Bench) -> None:
    """Note what was done before a kill and could not be noted, and tidy up what was not."""
    for token, intent in await trio.to_thread.run_sync(bench.base.intents):
        if intent.temporary:
            done = await trio.to_thread.run_sync(_was_done_outside, bench, intent)
        else:
            done = bool(bench.tree.store.log.query(Filter(session=token), limit=1).events)
        notes = ((intent.path, intent.after),) if done else ()
        await trio.to_thread.run_sync(bench.base.note, notes, token)


def _was_done_outside(bench: Bench, intent: Intent) -> bool:
    equal = bench.base.rows((intent.path,)).get(intent.path)
    expected = equal.outside_mark if equal is not None else b""
    done = bench.outside.finish(intent.path, intent.temporary, intent.made, expected)
    if intent.made or not done:
        return done
    status = bench.outside.status(intent.path)
    return status is None or not status.is_like(expected)
