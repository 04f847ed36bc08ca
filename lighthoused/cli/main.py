"""`lighthousectl`: its commands, put together."""

import sys
from typing import Any

import click

from lighthoused import __version__
from lighthoused.cli.lazily import Lazy
from lighthoused.cli.output import EXIT_ERROR, EXIT_USAGE, fail, say, show_json, show_table
from lighthoused.cli.session import Session, command, with_shared_options
from lighthoused.core.errors import Invalid
from lighthoused.protocol.messages.status import StatusRequest, TierView

PROGRAM = "lighthousectl"
COMMANDS = {
    "agents": "agents",
    "approvals": "approvals",
    "backup": "backups",
    "bisect": "bisect",
    "blame": "blame",
    "check": "checking",
    "config": "configuration",
    "degradation": "degradation",
    "diff": "history",
    "fsck": "upkeep",
    "gc": "upkeep",
    "health": "health",
    "history": "history",
    "hook": "installed",
    "kb": "knowledge",
    "log": "log",
    "mcp": "mcp",
    "mirror": "mirrors",
    "notify": "notify",
    "patterns": "patterns",
    "perf": "perf",
    "policy": "policy",
    "project": "projects",
    "reload": "reloading",
    "run": "agents",
    "sandbox": "confining",
    "snapshot": "history",
    "token": "agents",
    "top": "top",
    "undo": "history",
}
"""The module of each that is not here."""


@click.group(cls=Lazy, where=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lighthousectl")
@with_shared_options
def cli(**options: Any) -> None:
    """Ask and steer the Lighthouse daemon."""


@cli.command()
@command
def status(session: Session) -> None:
    """How the daemon is."""
    found = session.call(StatusRequest(id=0))
    if session.as_json:
        show_json(found)
        return
    click.echo(f"lighthoused {found.version}, pid {found.pid}: {found.state}, up {found.uptime_s:.0f} s")
    if found.degradation.reason:
        say(f"  because   {found.degradation.reason}")
    for name, why in found.warnings.items():
        say(f"  warning   {name}: {why}")
    click.echo(f"  events    {found.head}")
    click.echo(f"  projects  {', '.join(found.projects) or 'none'}")
    click.echo(f"  agents    {found.agents} at work, {found.pending_approvals} approvals wait")
    problem = found.policy["problem"]
    say(f"  policies  {len(found.policy['policies'])}, {found.policy['profile']}{problem and ': '}{problem}")
    for name, value in found.paths.items():
        say(f"  {name:<9} {value or '-'}")
    _show_tiers(found.tiers)


def _show_tiers(tiers: tuple[TierView, ...]) -> None:
    columns = ("tier", "answered", "abstained", "failed", "skipped", "mean us", "p99 us", "breaker")
    counts = [(one.answered, one.abstained, one.failed, one.skipped, one.mean_us, one.p99_us) for one in tiers]
    show_table(columns, [(one.name, *numbers, one.breaker) for one, numbers in zip(tiers, counts, strict=True)])


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print completions for a shell; source them."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(cli, {}, "lighthousectl", "_LIGHTHOUSECTL_COMPLETE").source())


def run_cli(group: click.Group) -> None:
    """Run, with usage errors as exit code 2 (3 for `check`, whose 2 means escalate)."""
    try:
        sys.exit(group(standalone_mode=False, prog_name=PROGRAM))
    except click.Abort:
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(EXIT_USAGE)
    except click.ClickException as error:
        context = error.ctx if isinstance(error, click.UsageError) else None
        path = context.command_path if context else PROGRAM
        refusal = Invalid(error.format_message(), f"See '{path} --help'.")
        fail(refusal, "--json" in sys.argv, EXIT_ERROR if path == f"{PROGRAM} check" else EXIT_USAGE)
