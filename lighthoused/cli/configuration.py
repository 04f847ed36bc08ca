"""`lighthousectl config`."""

import sys

import click
import msgspec

from lighthoused.cli.output import fail, say, show_json
from lighthoused.cli.session import Session, command
from lighthoused.config import SECTIONS, kinds_of
from lighthoused.configfile import BadConfig
from lighthoused.configured import Flags, load
from lighthoused.settings import in_toml


@click.group()
def config() -> None:
    """Check and show the configuration."""


@config.command()
@click.argument("file", default="")
@command
def check(session: Session, file: str) -> None:
    """Is the configuration valid? Every problem is named with file, key and what is allowed."""
    try:
        loaded = load(Flags(config=file)) if file else session.config
    except BadConfig as bad:
        if session.as_json:
            fail(bad, as_json=True)
        for problem in bad.problems:
            say(f"error: {problem}", err=True)
        sys.exit(1)
    if session.as_json:
        show_json({"ok": True, "file": loaded.file})
    else:
        click.echo(f"{loaded.file or 'the defaults'}: ok")


@config.command()
@command
def show(session: Session) -> None:
    """The configuration in force, as a file would say it."""
    if session.as_json:
        show_json(msgspec.to_builtins(session.config, enc_hook=str))
        return
    say(f"# from {session.config.file or 'the defaults'}, the environment and the command line")
    for section, kind in SECTIONS.items():
        values = getattr(session.config, section)
        for key in kinds_of(kind):
            click.echo(f"{section}.{key} = {in_toml(getattr(values, key), octal=key.endswith('_mode'))}")
