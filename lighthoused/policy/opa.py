"""An OPA server that holds the same policies and is asked instead of the embedded engine.

https://www.openpolicyagent.org/docs/rest-api: policies are uploaded by PUT /v1/policies, asked by POST /v1/data. Each
answer names the version of the policies that it comes from; anything else than an answer of the version in force, in
time, is none, and the embedded engine answers. After some failures in a row the server is left alone, and tried again
ever more rarely. Must not know what is asked.
"""

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlsplit

import msgspec
import structlog
import trio

from lighthoused.core.errors import LighthouseError
from lighthoused.policy.compiled import matches_of
from lighthoused.policy.engine import Policies
from lighthoused.policy.rules import Match

if TYPE_CHECKING:
    import httpx2

log = structlog.get_logger()

PREFIX = "lighthouse/"
VERSION = PREFIX + "version"
PATH = "/v1/data/lighthouse/asked/answer"
FAILURES = 3
"""In a row, after which the server counts as down."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
UPLOAD_S = 30.0
CONNECTIONS = 32
MAX_ANSWER = 1 << 20
_MARKER = """package lighthouse.asked

import rego.v1

answer := {"version": "VERSION", "result": data.lighthouse.result}
"""
_FIRST = ("default/main.rego",)
_LAST = ("default/users.rego",)

Tell = Callable[[str, dict[str, object]], Awaitable[None]]
"""Makes an event of a change of state."""


class OpaFailed(LighthouseError):
    """The server did not answer as it should."""

    code = "opa_failed"


class Observer(Protocol):
    """Counts questions to the server by their outcome: ok, failed, skipped."""

    def asked(self, outcome: str, seconds: float) -> None: ...


class OpaServer:
    """One server. `problem`: why it is not asked now, "" where it is. `token` is shown to it. For the trio thread."""

    def __init__(
        self, url: str, token: str, policies: Policies, deadline_s: float, tell: Tell, observer: Observer
    ) -> None:
        self.url = url.rstrip("/")
        self._token = token
        self.problem = "It has not been reached yet."
        self._policies = policies
        self._deadline_s = deadline_s
        self._tell = tell
        self._observer = observer
        self._failures = 0
        self._was_up: bool | None = None
        self._wake = trio.Event()
        self._client: httpx2.AsyncClient | None = None

    def refresh(self) -> None:
        """The policies in force have changed, or the server lost them: upload them now."""
        self._wake.set()

    async def ask(self, document: Mapping[str, Any]) -> list[Match] | None:
        """The rules that match, by the server; None where it gives no answer that counts."""
        if self.problem or self._client is None:
            self._observer.asked("skipped", 0.0)
            return None
        started = time.perf_counter()
        try:
            with trio.fail_after(self._deadline_s):
                matches = await self._answer(document)
        except Exception as error:
            self._observer.asked("failed", time.perf_counter() - started)
            self._failed(error)
            return None
        self._failures = 0
        self._observer.asked("ok", time.perf_counter() - started)
        return matches

    async def run(self) -> None:
        """Keep the server's policies those in force, and find out when it is back, until cancelled."""
        import httpx2

        limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        async with httpx2.AsyncClient(base_url=self.url, limits=limits, trust_env=False, timeout=UPLOAD_S) as client:
            self._client = client
            pause = FIRST_PAUSE_S
            while True:
                self._wake = trio.Event()
                up = await self._upload()
                if up != self._was_up:
                    await self._changed(up)
                pause = FIRST_PAUSE_S if up else min(pause * 2, LONGEST_PAUSE_S)
                with trio.move_on_after(math.inf if up else pause):
                    await self._wake.wait()

    async def _answer(self, document: Mapping[str, Any]) -> list[Match]:
        body = await self._call("POST", PATH, msgspec.json.encode({"input": document}), "application/json")
        answer = msgspec.json.decode(body).get("result")
        if not isinstance(answer, dict) or answer.get("version") != self._policies.version:
            raise OpaFailed("It holds other policies than those in force, or none.")
        return matches_of(answer["result"], self._policies.replaced)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures >= FAILURES or isinstance(error, OpaFailed):
            self.problem = _told(error)
            self.refresh()

    async def _changed(self, up: bool) -> None:
        self._was_up = up
        kind = "policy.opa_up" if up else "policy.opa_down"
        log.log(20 if up else 30, kind, problem=self.problem)
        server = urlsplit(self.url).hostname
        await self._tell(kind, {"server": server, "version": self._policies.version, "problem": self.problem})

    async def _upload(self) -> bool:
        """Make the server's policies those in force; whether it holds them now."""
        self.problem = self.problem or "Its policies are being uploaded."
        version = self._policies.version
        try:
            with trio.fail_after(UPLOAD_S):
                await self._put_all({**self._policies.builtin, **self._policies.users}, version)
                self._failures = 0
                with trio.fail_after(self._deadline_s):
                    await self._answer({"effects": [], "tool": "", "cwd": "/", "agent": "", "profile": "balanced"})
        except Exception as error:
            self.problem = _told(error)
            return False
        if version != self._policies.version:
            self.refresh()
            self.problem = "Its policies are being uploaded."
            return True
        self.problem = ""
        return True

    async def _put_all(self, sources: Mapping[str, str], version: str) -> None:
        """The version goes first and comes last: until then no answer counts. What others need comes before them."""
        listed = msgspec.json.decode(await self._call("GET", "/v1/policies"))["result"]
        there = {str(one["id"]): one.get("raw") for one in listed if str(one["id"]).startswith(PREFIX)}
        wanted = {PREFIX + name.strip("/"): sources[name] for name in sorted(sources, key=_order)}
        marker = _MARKER.replace("VERSION", version)
        if there == {**wanted, VERSION: marker}:
            return
        if VERSION in there:
            await self._call("DELETE", _path(VERSION))
        for id in sorted(there.keys() - wanted.keys() - {VERSION}):
            await self._call("DELETE", _path(id))
        for id, source in {**wanted, VERSION: marker}.items():
            if there.get(id) != source or id == VERSION:
                await self._call("PUT", _path(id), source.encode(), "text/plain")

    async def _call(self, method: str, path: str, body: bytes = b"", kind: str = "") -> bytes:
        """The body of a response that says 200. Raises OpaFailed, and what the client raises."""
        assert self._client is not None
        headers = {"content-type": kind} if kind else {}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        async with self._client.stream(method, path, content=body, headers=headers) as response:
            received = bytearray()
            async for part in response.aiter_bytes():
                received += part
                if len(received) > MAX_ANSWER * (64 if method == "GET" else 1):
                    raise OpaFailed("Its answer is too long.")
            if response.status_code != 200:
                raise OpaFailed(f"{method} {path} gave {response.status_code}: {self._told_by(bytes(received))}")
            return bytes(received)

    def _told_by(self, body: bytes) -> str:
        """What the server says is wrong, without the token should it be repeated there."""
        told = _message(body)
        return told.replace(self._token, "(hidden)") if self._token else told


class ByServer:
    """Policies asked of the server, and of the embedded engine where it does not answer. For worker threads."""

    def __init__(self, policies: Policies, server: OpaServer) -> None:
        self._policies = policies
        self._server = server

    @property
    def version(self) -> str:
        return self._policies.version

    def ask(self, document: dict[str, Any]) -> list[Match]:
        """The rules that match. Raises PolicyFailed."""
        matches = trio.from_thread.run(self._server.ask, document)
        return self._policies.ask(document) if matches is None else matches


def _order(name: str) -> tuple[int, str]:
    is_default = name.startswith("default/")
    return (0 if name in _FIRST else 2 if name in _LAST else 1 if is_default else 3), name


def _path(id: str) -> str:
    return "/v1/policies/" + quote(id)


def _message(body: bytes) -> str:
    try:
        told = msgspec.json.decode(body)
        details = [str(one.get("message")) for one in told.get("errors", ())]
        return ": ".join([str(told.get("message", "")), *details[:3]])[:500]
    except (msgspec.DecodeError, AttributeError):
        return body[:200].decode(errors="replace")


def _told(error: Exception) -> str:
    if isinstance(error, trio.TooSlowError):
        return "It did not answer in time."
    return (str(error) or type(error).__name__)[:500]
