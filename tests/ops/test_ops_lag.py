"""The probe under a clock that only it moves."""

import trio
import trio.testing

from lighthoused.ops.lag import probe


class Seen:
    def __init__(self) -> None:
        self.lags: list[float] = []

    def late(self, seconds: float) -> None:
        self.lags.append(seconds)


async def test_lag_is_how_much_later_than_asked_the_probe_ran(mock_clock: trio.testing.MockClock) -> None:
    seen = Seen()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(probe, seen, 1.0)
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(1.0)
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(1.5)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert seen.lags == [0.0, 0.5]
