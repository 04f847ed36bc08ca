"""Desktop notifications over a real session bus, with a small real notification server on it."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest
import trio
from jeepney import HeaderFields, MessageType, message_bus, new_error, new_method_return
from jeepney.io.trio import Proxy, open_dbus_connection, open_dbus_router

from lighthoused.notify import notice as notices
from lighthoused.notify.desktop import Desktop
from lighthoused.notify.outlet import Undelivered

NOTIFICATIONS = "org.freedesktop.Notifications"


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if shutil.which("dbus-daemon") is None:
        pytest.skip("there is no dbus-daemon")
    command = ["dbus-daemon", "--session", "--nofork", "--print-address=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
        yield address
        process.terminate()


async def serve_notifications(
    address: str, shown: list[tuple[object, ...]], task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    async with await open_dbus_connection(address) as connection:
        async with connection.router() as router:
            await Proxy(message_bus, router).RequestName(NOTIFICATIONS)
        task_status.started()
        while True:
            message = await connection.receive()
            if message.header.message_type is not MessageType.method_call:
                continue
            assert message.header.fields[HeaderFields.member] == "Notify"
            shown.append(message.body)
            refused = "refuse" in str(message.body[4])
            reply = new_error(message, "org.example.No") if refused else new_method_return(message, "u", (7,))
            await connection.send(reply)


async def test_it_is_shown(bus: str, nursery: trio.Nursery) -> None:
    shown: list[tuple[object, ...]] = []
    await nursery.start(serve_notifications, bus, shown)
    assert await Desktop(5.0).deliver(notices.test(1)) == "It is shown (number 7)."
    (body,) = shown
    assert body[0] == "Lighthouse"
    assert body[3] == "Lighthouse: a test"
    nursery.cancel_scope.cancel()


async def test_a_desktop_without_notifications_says_so(bus: str) -> None:
    async with open_dbus_router(bus=bus):
        with pytest.raises(Undelivered, match="The desktop shows no notifications: "):
            await Desktop(5.0).deliver(notices.test(1))


async def test_no_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setattr("os.path.exists", lambda path: False)
    with pytest.raises(Undelivered, match=r"There is no desktop session of uid \d+"):
        await Desktop(1.0).deliver(notices.test(1))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    with pytest.raises(Undelivered, match="cannot be used"):
        await Desktop(1.0).deliver(notices.test(1))
