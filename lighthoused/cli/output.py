"""What commands print: tables for people, JSON for programs, errors with a hint and an exit code."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

import click
import msgspec

from lighthoused.core.errors import LighthouseError
from lighthoused.core.wording import visible

if TYPE_CHECKING:
    from rich.console import RenderableType

EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 3
EXIT_ERROR = 3
"""Of `check`, whose other codes are verdicts."""
MAX_WIDTH = 1_000_000
"""Columns of a pipe."""


def show_json(value: Any) -> None:
    """One JSON value a line."""
    click.echo(msgspec.json.encode(value).decode())


def show_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table on a terminal, tab-separated lines in a pipe."""
    if not sys.stdout.isatty():
        for row in rows:
            click.echo("\t".join(visible(str(cell)) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(visible(str(cell))) for cell in row))
    Console().print(table)


def show_drawn(drawn: "RenderableType") -> None:
    """A drawing: in colours on a terminal, elsewhere as text whose lines are as long as they need to be."""
    from rich.console import Console

    if sys.stdout.isatty():
        Console(highlight=False).print(drawn)
        return
    console = Console(width=MAX_WIDTH, color_system=None, highlight=False)
    with console.capture() as captured:
        console.print(drawn)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def say(text: str, err: bool = False) -> None:
    """Print lines for people."""
    click.echo(visible(text, keep="\n\t"), err=err)


def local_time(ns: int) -> str:
    """A time in ns since the epoch as people here write it."""
    return datetime.fromtimestamp(ns / 1e9).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def exit_code_of(error: LighthouseError) -> int:
    """What a command that failed with this exits with."""
    return EXIT_UNREACHABLE if error.code == "unreachable" else EXIT_REFUSED


def fail(error: LighthouseError, as_json: bool, code: int | None = None) -> NoReturn:
    """Say what went wrong on stderr and exit."""
    if as_json:
        body = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
        click.echo(msgspec.json.encode(body).decode(), err=True)
    else:
        say(f"error: {error.message}", err=True)
        if error.hint:
            say(f"hint: {error.hint}", err=True)
    sys.exit(exit_code_of(error) if code is None else code)
