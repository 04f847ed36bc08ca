"""`lighthoused`: the daemon's command line."""

import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args

import click
import trio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lighthoused import __version__
from lighthoused.cli.output import fail
from lighthoused.config import Config, Format
from lighthoused.configured import Flags, load
from lighthoused.core.errors import LighthouseError
from lighthoused.ops.logs import configure
from lighthoused.protocol.messages.log import Progress as Step
from lighthoused.survival import helper
from lighthoused.survival.notify import supervised

REFUSED = 1
MOUNT_LOST = "mount_lost"
"""The code of the error that the mount was taken from the daemon."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lighthoused")
def cli() -> None:
    """The local daemon that makes it safe to let several AI coding agents work on one machine."""


@cli.command()
@click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--state", default="", help="Directory of the daemon's own data.")
@click.option("--mount", default="", help="Directory to mount at.")
@click.option("--socket", default="", help="Path of the Unix socket.")
@click.option("--config", default="", help="Configuration file (TOML).")
@click.option("--log-format", default="", type=click.Choice(["", *get_args(Format)]), help="Form of log lines.")
@click.option("--no-mount", is_flag=True, help="Serve the socket only.")
def serve(
    directory: Path | None, state: str, mount: str, socket: str, config: str, log_format: str, no_mount: bool
) -> None:
    """Serve until Ctrl-C; DIRECTORY is imported as a project first, once."""
    try:
        reread = partial(load, Flags(config, state, mount, socket, log_format, no_mount))
        loaded = reread()
        configure(loaded.log.level, loaded.log.format, sys.stderr)
        source = _source(directory)
        trio.run(_serve, loaded, reread, source)
    except* LighthouseError as refused:
        first = _first(refused)
        fail(first, as_json=False, code=helper.MOUNT_LOST if first.code == MOUNT_LOST else REFUSED)


@cli.command("mount-helper", context_settings={"ignore_unknown_options": True}, add_help_option=False)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="mount MOUNTPOINT USER | unmount MOUNTPOINT")
def mount_helper(words: tuple[str, ...]) -> None:
    """Mount for a daemon that may not, and have systemd keep the mount (as root, from lighthoused.service)."""
    sys.exit(helper.main(list(words)))


def main() -> None:
    """Entry of the console script."""
    cli()


def _source(directory: Path | None) -> Path | None:
    return Path(os.path.abspath(directory)) if directory is not None else None


def _first(group: BaseExceptionGroup[LighthouseError]) -> LighthouseError:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, LighthouseError)
    return found


async def _serve(config: Config, reread: Callable[[], Config], source: Path | None) -> None:
    from lighthoused.serving import Ready
    from lighthoused.serving import serve as run_daemon

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("importing {task.fields[name]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task = bar.add_task("import", name=source.name if source else "", total=None)

    def progress(step: Step) -> None:
        bar.start()
        bar.update(task, completed=step.done, total=step.total or None)

    def ready(there: Ready) -> None:
        bar.stop()
        _banner(there.config, there.project.name if there.project else "", there.metrics)

    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        await nursery.start(_stop_on_signal, stop)
        try:
            await run_daemon(config, reread=reread, import_source=source, ready=ready, progress=progress, stop=stop)
        finally:
            bar.stop()
        nursery.cancel_scope.cancel()


async def _stop_on_signal(stop: trio.Event, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as received:
        task_status.started()
        async for _ in received:
            stop.set()


def _banner(config: Config, project: str, metrics: str) -> None:
    paths = config.paths
    where = paths.mount / (project or "PROJECT")
    lines = ["lighthoused is ready", f"  socket   {paths.socket}"]
    if config.mount.enabled:
        lines.append(f"  mount    {paths.mount}")
    if metrics:
        lines.append(f"  metrics  {metrics}/metrics")
    if config.mount.enabled and not supervised():
        lines += [
            "Three things to try:",
            f"  cd {where}/current && ls",
            "  lighthousectl run --agent alice -- touch hello.txt && lighthousectl log tail",
            f"  ls {where}/history",
        ]
    click.echo("\n".join(lines))
    sys.stdout.flush()
