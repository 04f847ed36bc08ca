"""`lighthousectl config` and the installation of hooks."""

import os
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from lighthoused.cli import hook as hook_module
from lighthoused.cli.output import fail, show_json
from lighthoused.cli.session import Session, command
from lighthoused.core.errors import Invalid

TIMEOUT_S = 330


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


@click.group()
def hook() -> None:
    """Claude Code's hook: without a subcommand, answer one event on standard input."""


@hook.command()
@click.option("--settings", default=".claude/settings.json", show_default=True, type=click.Path(path_type=Path))
@command
def install(session: Session, settings: Path) -> None:
    """Let Claude Code ask Lighthouse before every tool call."""
    found = _without_ours(_read(settings))
    entry: dict[str, Any] = {
        "matcher": "*",
        "hooks": [{"type": "command", "command": _command(session), "timeout": TIMEOUT_S}],
    }
    found.setdefault("hooks", {}).setdefault("PreToolUse", []).append(entry)
    _write(settings, found)
    click.echo(f"{settings}: installed")


@hook.command()
@click.option("--settings", default=".claude/settings.json", show_default=True, type=click.Path(path_type=Path))
@command
def uninstall(session: Session, settings: Path) -> None:
    """Take the hook out again; other settings stay."""
    _write(settings, _without_ours(_read(settings)))
    click.echo(f"{settings}: uninstalled")


def _command(session: Session) -> str:
    return f"{sys.executable} -I -S {os.path.abspath(hook_module.__file__)} --socket {session.config.paths.socket}"


Settings = dict[str, dict[str, list[dict[str, Any]]]]


def _read(settings: Path) -> Settings:
    if not settings.exists():
        return {}
    try:
        return msgspec.json.decode(settings.read_bytes(), type=dict)
    except msgspec.DecodeError as error:
        raise Invalid(f"{settings} is not valid JSON: {error}.", "Mend it first; it was left alone.") from None


def _without_ours(found: Settings) -> Settings:
    hooks = found.get("hooks", {})
    kept = [entry for entry in hooks.get("PreToolUse", []) if "lighthoused/cli/hook.py" not in str(entry)]
    if kept:
        hooks["PreToolUse"] = kept
    else:
        hooks.pop("PreToolUse", None)
    if "hooks" in found and not hooks:
        del found["hooks"]
    return found


def _write(settings: Path, found: object) -> None:
    settings.parent.mkdir(parents=True, exist_ok=True)
    partial = settings.with_name(settings.name + ".new")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    partial.replace(settings)
