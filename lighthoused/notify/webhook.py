"""Notices by HTTP: a POST, signed by the Standard Webhooks scheme, in the form that its receiver takes.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md: `webhook-id` (the same at
every attempt), `webhook-timestamp` (s), `webhook-signature` ``v1,`` and base64 of HMAC-SHA256 over
``id.timestamp.body``. Neither the URL nor the secret is ever put into a message; redirects are not followed.
"""

import base64
import binascii
import hashlib
import hmac
import logging
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import trio

from lighthoused.core.errors import Invalid
from lighthoused.core.wording import visible
from lighthoused.notify.notice import Notice
from lighthoused.notify.outlet import Undelivered

if TYPE_CHECKING:
    import httpx2

WEBHOOK_SECRET = "whsec_"
LEAST_SECRET = 16
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_WAIT_S = 120.0
MAX_TOLD = 200
LEAST_PART = 4
PRIORITIES = {"requested": "high", "degraded": "urgent"}


class Webhook:
    """One receiver. `form`: ``json`` (all fields, with a `text`), ``slack`` (only `text`), ``ntfy`` (plain text)."""

    name = "webhook"

    def __init__(self, url: str, secret: bytes, form: str, full: bool, timeout_s: float) -> None:
        self._url = url
        self._secret = secret
        self._form = form
        self._full = full
        self._timeout_s = timeout_s
        self._host = urlsplit(url).hostname or ""
        self._parts = _parts(url)
        self._client: httpx2.AsyncClient | None = None

    async def deliver(self, notice: Notice) -> str:
        """POST it once. Raises Undelivered."""
        import httpx2

        body, headers = self._message(notice)
        client = await self._connected()
        try:
            with trio.fail_after(self._timeout_s):
                async with client.stream("POST", self._url, content=body, headers=headers) as reply:
                    told = await _beginning(reply)
        except (httpx2.TimeoutException, trio.TooSlowError):
            raise Undelivered(f"{self._host} did not answer within {self._timeout_s:g} s.", again=True) from None
        except (httpx2.TransportError, OSError) as error:
            reason = f"{self._host} cannot be reached ({type(error).__name__})."
            raise Undelivered(reason, again=True) from None
        if reply.is_success:
            return f"{self._host} took it with status {reply.status_code}."
        if any(part in told for part in self._parts):
            told = ""
        reason = f"{self._host} refused it with status {reply.status_code}{': ' + told if told else ''}."
        raise Undelivered(reason, again=reply.status_code in AGAIN, wait_s=_wait(reply.headers.get("retry-after", "")))

    def _message(self, notice: Notice) -> tuple[bytes, dict[str, str]]:
        """Body and headers."""
        text = notice.whole if self._full else notice.text
        headers = {"content-type": "application/json", "user-agent": "lighthoused"}
        if self._form == "ntfy":
            headers |= {"content-type": "text/plain; charset=utf-8", "title": _header(notice.title)}
            headers["priority"] = PRIORITIES.get(notice.kind, "default")
            body = text.encode()
        elif self._form == "slack":
            body = msgspec.json.encode({"text": _for_slack(f"{notice.title}\n{text}")})
        else:
            body = msgspec.json.encode(_fields(notice, text, self._full))
        return body, headers | self._signature(notice, body)

    def _signature(self, notice: Notice, body: bytes) -> dict[str, str]:
        at = str(int(time.time()))
        headers = {"webhook-id": notice.id, "webhook-timestamp": at}
        if self._secret:
            headers["webhook-signature"] = signature(self._secret, notice.id, at, body)
        return headers

    async def _connected(self) -> "httpx2.AsyncClient":
        if self._client is None:
            self._client = await trio.to_thread.run_sync(_client, self._timeout_s)
        return self._client


def signature(secret: bytes, id: str, at: str, body: bytes) -> str:
    """The value of `webhook-signature`."""
    made = hmac.new(secret, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(made).decode()


def read_secret(file: Path) -> bytes:
    """The secret in a file: ``whsec_`` and base64, or any text. Raises Invalid."""
    try:
        text = file.read_text(encoding="utf-8").strip()
        encoded = text.removeprefix(WEBHOOK_SECRET)
        made = base64.b64decode(encoded, validate=True) if encoded != text else text.encode()
    except (OSError, UnicodeDecodeError, binascii.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is neither text nor base64"
        raise Invalid(f"The webhook's secret in {file} cannot be used: {reason}.", "See notify.secret_file.") from None
    if len(made) < LEAST_SECRET:
        hint = f"For example: openssl rand -hex 32 > {file}"
        raise Invalid(f"The webhook's secret in {file} has less than {LEAST_SECRET} bytes.", hint)
    return made


def _fields(notice: Notice, text: str, full: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {name: getattr(notice, name) for name in ("id", "kind", "time", "title")}
    fields |= {name: getattr(notice, name) for name in ("approval", "agent", "rule") if getattr(notice, name)}
    return {**fields, "text": text, **({"details": notice.details} if full and notice.details else {})}


def _for_slack(text: str) -> str:
    """Without markup: https://docs.slack.dev/messaging/formatting-message-text/#escaping."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _header(text: str) -> str:
    """A header's value (RFC 2047 where it is not ASCII)."""
    return text if text.isascii() else f"=?UTF-8?B?{base64.b64encode(text.encode()).decode()}?="


def _client(timeout_s: float) -> "httpx2.AsyncClient":
    """Slow to make (certificates); httpx2's own log lines would show the URL."""
    import httpx2

    for name in ("httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return httpx2.AsyncClient(timeout=timeout_s, follow_redirects=False)


async def _beginning(reply: "httpx2.Response") -> str:
    """The first words of an answer that refuses, as one line."""
    if reply.is_success:
        return ""
    async for part in reply.aiter_raw(MAX_TOLD):
        return visible(" ".join(part.decode(errors="replace").split()))[:MAX_TOLD]
    return ""


def _parts(url: str) -> list[str]:
    """What may be secret in a URL: all behind its host, and who logs in."""
    split = urlsplit(url)
    whole = "/".join((split.path, split.query, split.fragment, split.username or "", split.password or ""))
    return [part for part in re.split("[/?&=]", whole) if len(part) >= LEAST_PART]


def _wait(text: str) -> float:
    """Retry-After in seconds; a date is not waited for."""
    return min(float(text), LONGEST_WAIT_S) if text.isascii() and text.isdigit() else 0.0
