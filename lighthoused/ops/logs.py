"""The daemon's own log lines: structlog, pretty on a terminal, fields in the journal, and JSON otherwise.

Owns how lines look and where they go. What libraries log through `logging` (pyfuse3 does) comes out in the same form.
"""

import logging
import os
from typing import Any, Literal, TextIO

import msgspec
import structlog
from structlog.typing import Processor

from lighthoused.ops.journald import Journal, as_fields, is_ours

Format = Literal["auto", "pretty", "json", "journald"]
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
    threshold = LEVELS[level]
    form = _chosen(stream) if form == "auto" else form
    processors = {"pretty": _pretty(colours and stream.isatty()), "json": _json(), "journald": _journald()}
    structlog.configure(
        processors=processors[form],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=_always(Journal() if form == "journald" else _Lines(stream)),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Routed()]
    root.setLevel(threshold)
    logging.captureWarnings(True)


def _chosen(stream: TextIO) -> Format:
    if is_ours(stream, os.environ):
        return "journald"
    return "pretty" if stream.isatty() else "json"


def _always(logger: Journal | _Lines) -> Any:
    return lambda *_: logger


def _journald() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        as_fields,
    ]


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
