"""What stands between a handler and pyfuse3: only a FUSEError may pass, anything else would end the mount."""

import errno
import functools
import time
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import pyfuse3
import structlog

from lighthoused.core.errors import LighthouseError, StoreFull

log = structlog.get_logger()


class Observer(Protocol):
    """Takes note of operations, for metrics."""

    def operation(self, name: str, result: str, seconds: float) -> None:
        """`result` is "ok" or an errno's name."""


class Guarded(Protocol):
    """An object whose handlers are guarded."""

    observer: Observer


_Self = TypeVar("_Self", bound=Guarded)
_Args = ParamSpec("_Args")
_Reply = TypeVar("_Reply")
_Handler = Callable[Concatenate[_Self, _Args], Coroutine[Any, Any, _Reply]]


def guarded(handler: "_Handler[_Self, _Args, _Reply]") -> "_Handler[_Self, _Args, _Reply]":
    """Translate errors once: OSError to its errno, refusals to ENOSPC or EIO, bugs to EIO with a log line.

    The handler raises only FUSEError then, and `observer` of its object is told each outcome.
    """
    name = handler.__name__

    @functools.wraps(handler)
    async def guard(self: _Self, /, *args: _Args.args, **kwargs: _Args.kwargs) -> _Reply:
        start = time.perf_counter()
        result = "ok"
        try:
            return await handler(self, *args, **kwargs)
        except OSError as error:
            code = error.errno or errno.EIO
            result = errno.errorcode.get(code, str(code))
            raise pyfuse3.FUSEError(code) from None
        except LighthouseError as error:
            code = errno.ENOSPC if isinstance(error, StoreFull) else errno.EIO
            result = errno.errorcode[code]
            log.error("mount.refused", operation=name, error=error.message)
            raise pyfuse3.FUSEError(code) from None
        except Exception:
            result = "bug"
            log.exception("mount.bug", operation=name)
            raise pyfuse3.FUSEError(errno.EIO) from None
        finally:
            self.observer.operation(name, result, time.perf_counter() - start)

    return guard
