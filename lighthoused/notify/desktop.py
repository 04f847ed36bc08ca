"""Notices on the owner's desktop, by D-Bus.

https://specifications.freedesktop.org/notification-spec/latest/protocol.html: org.freedesktop.Notifications.Notify on
the bus of the session of the user that the daemon runs as, where there is one.
"""

import html
import os
from typing import Any

import trio

from lighthoused.notify.notice import Notice
from lighthoused.notify.outlet import Undelivered

BUS = "DBUS_SESSION_BUS_ADDRESS"
URGENCIES = {"requested": 2, "degraded": 2}
"""Critical: stays until it is looked at."""
ICONS = {"requested": "dialog-question", "degraded": "dialog-warning"}


class Desktop:
    """The desktop of the daemon's own user."""

    name = "desktop"

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s

    async def deliver(self, notice: Notice) -> str:
        """Show it once. Raises Undelivered."""
        from jeepney import AuthenticationError
        from jeepney.io.trio import open_dbus_router

        address = bus_address()
        try:
            with trio.fail_after(self._timeout_s):
                async with open_dbus_router(bus=address) as router:
                    reply = await router.send_and_get_reply(_notify(notice))
        except (OSError, AuthenticationError, trio.BrokenResourceError, trio.EndOfChannel, ValueError) as error:
            raise Undelivered(f"The desktop's bus at {address} cannot be used ({type(error).__name__}).") from None
        except trio.TooSlowError:
            raise Undelivered(f"The desktop did not answer within {self._timeout_s:g} s.") from None
        if reply.header.message_type.name == "error":
            raise Undelivered(f"The desktop shows no notifications: {_reason(reply.body)}.")
        return f"It is shown (number {reply.body[0]})."


def bus_address() -> str:
    """The address of the session's bus. Raises Undelivered where there is no session."""
    address = os.environ.get(BUS, "")
    if address:
        return address
    path = f"/run/user/{os.geteuid()}/bus"
    if not os.path.exists(path):
        raise Undelivered(
            f"There is no desktop session of uid {os.geteuid()}: {BUS} is not set, and {path} does not exist."
        )
    return f"unix:path={path}"


def _notify(notice: Notice) -> Any:
    from jeepney import DBusAddress, new_method_call

    there = DBusAddress(
        "/org/freedesktop/Notifications",
        bus_name="org.freedesktop.Notifications",
        interface="org.freedesktop.Notifications",
    )
    hints = {"urgency": ("y", URGENCIES.get(notice.kind, 1))}
    icon = ICONS.get(notice.kind, "dialog-information")
    body: tuple[Any, ...] = ("Lighthouse", 0, icon, notice.title, html.escape(notice.whole, quote=False), [], hints, -1)
    return new_method_call(there, "Notify", "susssasa{sv}i", body)


def _reason(body: object) -> str:
    return str(body[0]) if isinstance(body, tuple) and body else "it gave no reason"
