"""The outlets that a configuration asks for."""

from pathlib import Path
from typing import Literal

from lighthoused.config import Notify
from lighthoused.core.errors import Invalid
from lighthoused.credentials import read_line
from lighthoused.notify.command import Command
from lighthoused.notify.desktop import Desktop
from lighthoused.notify.outlet import Outlet
from lighthoused.notify.webhook import Webhook, read_secret
from lighthoused.settings import Hidden, Url


def outlets_of(settings: Notify, webhook_url: Path | Literal[""] = "") -> list[Outlet]:
    """Build them; `webhook_url`: a file with the webhook's URL. Raises Invalid where a secret cannot be used."""
    made: list[Outlet] = []
    url = (_url(webhook_url) if webhook_url else settings.webhook).reveal()
    if url:
        secret = read_secret(settings.secret_file) if settings.secret_file else b""
        made.append(Webhook(url, secret, settings.webhook_form, settings.webhook_detail == "full", settings.timeout_s))
    if settings.desktop:
        made.append(Desktop(settings.timeout_s))
    if settings.command:
        made.append(Command(settings.command, settings.timeout_s))
    return made


def _url(file: Path) -> Hidden:
    try:
        return Url().read(read_line(file, "The webhook's URL"))
    except ValueError:
        raise Invalid(f"The webhook's URL in {file} must be {Url.allowed}.") from None
