"""`lighthousectl config` and the installation of hooks."""

import sys

import click
import msgspec

from lighthoused.cli.output import fail, show_json
from lighthoused.cli.session import Session, command


@click.group()
def config() -> None:
    """Check and show the configuration."""


@config.command()
@click.argument("file", default="")
@command
def check(session: Session, file: str) -> None:
    """Is the configuration valid? Every problem is named with file, key and what is allowed."""
    from lighthoused.config import BadConfig, Flags, load

    try:
        loaded = load(Flags(config=file)) if file else session.config
    except BadConfig as bad:
        if session.as_json:
            fail(bad, as_json=True)
        for problem in bad.problems:
            click.echo(f"error: {problem}", err=True)
        sys.exit(1)
    if session.as_json:
        show_json({"ok": True, "file": loaded.file})
    else:
        click.echo(f"{loaded.file or 'the defaults'}: ok")


@config.command()
@command
def show(session: Session) -> None:
    """The configuration in force."""
    whole = msgspec.to_builtins(session.config, enc_hook=str)
    if session.as_json:
        show_json(whole)
        return
    for section, values in whole.items():
        if isinstance(values, dict):
            for key, value in values.items():
                click.echo(f"{section}.{key} = {value}")
