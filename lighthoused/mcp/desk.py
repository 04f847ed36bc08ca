"""What every tool of the MCP server works with: the daemon, where paths are, and errors that a model can act on.

A connection is made for each call, so that the server outlives the daemon's restarts, and who asks is proven anew. It
knows neither the tools nor the SDK but for its error.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, Protocol, TypeVar

import trio
from mcp.server.mcpserver.exceptions import ToolError

from lighthoused.client.concurrent import connected
from lighthoused.core.errors import LighthouseError
from lighthoused.protocol.messages.base import Request

TIMEOUT_S = 60.0
P = ParamSpec("P")
R = TypeVar("R")


class Places(Protocol):
    """Which project and path somebody means."""

    def located(self, path: str, project: str = "") -> tuple[str, str]: ...

    def project(self, named: str = "") -> str: ...


class Desk:
    """`socket` is the daemon's, `mount` its mount point, `cwd` the directory that the agent works in."""

    def __init__(self, socket: str, mount: str, cwd: str, places: Places, token: str = "") -> None:
        self.mount = mount
        self.cwd = cwd
        self._socket = socket
        self._places = places
        self._token = token

    async def ask(self, request: Request, timeout: float = TIMEOUT_S) -> Any:
        """The daemon's answer. Raises core errors, ToolError where there is none in time."""
        with trio.move_on_after(timeout):
            async with connected(self._socket, self._token) as client:
                return await client.call(request)
        raise ToolError(f"lighthoused did not answer within {timeout:g} s. Try again, or ask for less.")

    async def located(self, path: str, project: str) -> tuple[str, str]:
        """Project, and path within it. Raises core errors."""
        return await trio.to_thread.run_sync(self._places.located, path or ".", project, abandon_on_cancel=True)

    async def project(self, named: str) -> str:
        """The project that is meant. Raises core errors."""
        return await trio.to_thread.run_sync(self._places.project, named, abandon_on_cancel=True)


def told(tool: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """A tool whose refusals reach the model as errors that say what to do."""

    @functools.wraps(tool)
    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await tool(*args, **kwargs)
        except LighthouseError as error:
            raise ToolError(f"{error.message} {error.hint}".strip()) from None

    return run
