"""A group whose commands are imported when they are first asked for: each run of `lighthousectl` needs one of them.

Knows where commands are, not what they do.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class Lazy(click.Group):
    """`where`: for each command the module below this package, and the attribute where it has another name."""

    def __init__(self, *arguments: Any, where: Mapping[str, str], **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._where = where

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*self.commands, *self._where})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self._where and cmd_name not in self.commands:
            module, _, attribute = self._where[cmd_name].partition(":")
            self.add_command(getattr(import_module(f"lighthoused.cli.{module}"), attribute or cmd_name), cmd_name)
        return super().get_command(ctx, cmd_name)


def commands_of(group: click.Group) -> dict[str, click.Command]:
    """All commands of a group, imported."""
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}
