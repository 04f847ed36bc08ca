"""The outlets that a configuration asks for."""

from lighthoused.config import Notify
from lighthoused.notify.command import Command
from lighthoused.notify.desktop import Desktop
from lighthoused.notify.outlet import Outlet
from lighthoused.notify.webhook import Webhook, read_secret


def outlets_of(settings: Notify) -> list[Outlet]:
    """Build them. Raises Invalid where the webhook's secret cannot be used."""
    made: list[Outlet] = []
    url = settings.webhook.reveal()
    if url:
        secret = read_secret(settings.secret_file) if settings.secret_file else b""
        made.append(Webhook(url, secret, settings.webhook_form, settings.webhook_detail == "full", settings.timeout_s))
    if settings.desktop:
        made.append(Desktop(settings.timeout_s))
    if settings.command:
        made.append(Command(settings.command, settings.timeout_s))
    return made
