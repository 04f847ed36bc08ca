"""Log lines as they come out, whoever logs them."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from lighthoused.ops import logs


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_json_lines() -> None:
    stream = io.StringIO()
    logs.configure("info", "auto", stream)
    structlog.get_logger().info("mounted", project="demo", path=b"\xff")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["project"]) == ("mounted", "info", "demo")
    assert line["timestamp"].endswith("Z")


def test_levels_below_the_configured_one_are_dropped() -> None:
    stream = io.StringIO()
    logs.configure("warning", "json", stream)
    structlog.get_logger().info("quiet")
    logging.getLogger("pyfuse3").info("quiet")
    assert stream.getvalue() == ""


def test_libraries_that_use_logging_come_out_in_the_same_form() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    logging.getLogger("pyfuse3").error("init failed: %d", 5)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"]) == ("init failed: 5", "error")


def test_an_exception_keeps_its_traceback() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        structlog.get_logger().exception("unexpected")
    assert "RuntimeError: broken" in json.loads(stream.getvalue())["exception"]


def test_pretty_lines_are_for_people() -> None:
    stream = io.StringIO()
    logs.configure("info", "pretty", stream)
    structlog.get_logger().info("mounted", project="demo")
    assert "mounted" in stream.getvalue()
    assert "project=demo" in stream.getvalue()


def test_a_stream_that_is_gone_costs_only_the_line() -> None:
    stream = io.StringIO()
    logs.configure("info", "json", stream)
    stream.close()
    structlog.get_logger().info("nobody reads this")
    logs.configure("info", "json", stream := io.StringIO())
    structlog.get_logger().info("somebody reads this")
    assert "somebody reads this" in stream.getvalue()
