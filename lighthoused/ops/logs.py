"""The daemon's own log lines: structlog, pretty on a terminal and JSON otherwise.

Owns how lines look and where they go. What libraries log through `logging` (pyfuse3 does) comes out in the same form.
"""

import logging
from typing import Any, Literal, TextIO

import msgspec
import structlog
from structlog.typing import Processor

Format = Literal["auto", "pretty", "json"]
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _Lines:
    """Writes lines to a stream. A stream that is gone must cost the line, not the daemon."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = exception = log = msg


class _Routed(logging.Handler):
    """Passes what libraries log on to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            log = structlog.get_logger(record.name)
            log.log(record.levelno, record.getMessage(), exc_info=record.exc_info)
        except Exception:
            self.handleError(record)


def configure(level: str, form: Format, stream: TextIO, *, colours: bool = True) -> None:
    """Send all log lines from `level` on to `stream`. Call once, before anything logs."""
    pretty = form == "pretty" or (form == "auto" and stream.isatty())
    threshold = LEVELS[level]
    structlog.configure(
        processors=_pretty(colours and stream.isatty()) if pretty else _json(),
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=_factory(stream),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Routed()]
    root.setLevel(threshold)
    logging.captureWarnings(True)


def _factory(stream: TextIO) -> Any:
    def make(*_: object) -> _Lines:
        return _Lines(stream)

    return make


def _json() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(serializer=_serialize),
    ]


def _pretty(colours: bool) -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback),
    ]


def _serialize(entry: dict[str, Any], **_: object) -> str:
    return msgspec.json.encode(entry, enc_hook=repr).decode()
