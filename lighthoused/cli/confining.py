"""`lighthousectl run --sandbox` and `lighthousectl sandbox`: an agent that is confined, and what it may touch."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

import lighthoused
from lighthoused import paths as places
from lighthoused.cli.output import fail, say, show_json
from lighthoused.cli.session import Session, command, working_directory
from lighthoused.core.errors import Invalid
from lighthoused.sandbox import own as own_directories
from lighthoused.sandbox.confinement import Confinement, check, confinement
from lighthoused.sandbox.landlock import Unconfined
from lighthoused.sandbox.own import Own
from lighthoused.sandbox.system import CONFIGURATION

UNCONFINED = 125
"""What `run` exits with where the command was not started because it cannot be confined."""
REQUIRED, IF_POSSIBLE = "required", "if-possible"
MARK = "LIGHTHOUSE_SANDBOX"
NOWHERE = "/dev/null"
"""The configuration of Lighthouse's commands in the sandbox: all that they need is in their environment."""


def with_sandbox(function: Any) -> Any:
    """--sandbox, or --sandbox=if-possible."""
    return click.option(
        "--sandbox",
        is_flag=False,
        flag_value=REQUIRED,
        default=None,
        type=click.Choice([REQUIRED, IF_POSSIBLE]),
        help="Confine it with Landlock to its project, the system and its own caches.",
    )(function)


@click.command()
@click.option("--agent", default="agent", help="Name of the agent.")
@command
def sandbox(session: Session, agent: str) -> None:
    """What an agent in a sandbox may touch from here, and what this kernel does not confine."""
    found = _confinement(session, Own("(its own, while it runs)", f"(its own, of {agent})"))
    if session.as_json:
        show_json({**found._asdict(), "lacking": found.lacking})
        return
    say(f"Landlock   {f'ABI {found.abi}' if found.abi else 'none'}")
    for title, paths in (("may write", found.write), ("may read", found.read)):
        for number, path in enumerate(_shown(paths)):
            say(f"{'' if number else title:<10} {path}")
    for title, ports in (("connects", found.connect), ("listens", found.bind)):
        say(f"{title:<10} {'any TCP port' if ports is None else ', '.join(map(str, ports)) or 'no TCP port'}")
    for number, text in enumerate(found.lacking):
        say(f"{'' if number else 'lacking':<10} {text}")


def _shown(paths: Sequence[str]) -> Iterator[str]:
    """What is there, each directory once, and /etc as a whole."""
    there = [path for path in paths if path.startswith("(") or os.path.exists(path)]
    entries = [path for path in there if path.startswith(CONFIGURATION + "/")]
    for path in there:
        if path in entries:
            if path == entries[0]:
                yield f"{CONFIGURATION}, {len(entries)} entries of it: none that hold secrets"
        elif not any(path.startswith(other + "/") for other in there):
            yield path


class Confined:
    """How one command is started: confined, or as it is where no sandbox was asked for."""

    def __init__(self, session: Session, agent: str, wanted: str | None) -> None:
        self._session = session
        self._agent = agent
        self._wanted = wanted
        self._own: Own | None = None
        self._made_by = 0

    def start(self, argv: Sequence[str], environ: dict[str, str]) -> "subprocess.Popen[bytes]":
        """Start it. Raises OSError where it cannot be executed; exits where it cannot be confined."""
        if not self._wanted:
            return subprocess.Popen(argv, env=environ)
        try:
            return self._start_confined(argv, environ)
        except Unconfined as error:
            self.end()
            fail(error, self._session.as_json, UNCONFINED)
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Remove what was made for it, in the process that made it."""
        if self._own is not None and self._made_by == os.getpid():
            self._own.remove()

    def hint(self, error: OSError) -> str:
        """What may be the matter with a command that cannot be executed."""
        confines = self._wanted and isinstance(error, PermissionError)
        return "Is it where the sandbox may read? 'lighthousectl sandbox' says where that is." if confines else ""

    def _start_confined(self, argv: Sequence[str], environ: dict[str, str]) -> "subprocess.Popen[bytes]":
        try:
            self._own = own_directories.make(self._agent, os.path.expanduser("~"), os.environ)
        except OSError as error:
            raise Unconfined(f"No directories of its own can be made: {error.strerror}: {error.filename}.") from None
        self._made_by = os.getpid()
        found = _confinement(self._session, self._own)
        if self._wanted == REQUIRED:
            check(found)
        for text in found.weak:
            say(f"warning: {text}", err=True)
        environ = {**self._own.environment(environ), places.CONFIG: NOWHERE, MARK: f"landlock-{found.abi}"}
        if not found.abi:
            return subprocess.Popen(argv, env={**environ, MARK: "none"})
        _check_directory(found)
        rules = found.ruleset()
        try:
            return subprocess.Popen(argv, env=environ, preexec_fn=rules.restrict)
        except subprocess.SubprocessError:
            raise Unconfined("The kernel did not confine the command, so it was not started.") from None
        finally:
            rules.close()


def _confinement(session: Session, own: Own) -> Confinement:
    config = session.config
    inside = session.inside(working_directory())
    return confinement(
        home=os.path.expanduser("~"),
        environ=os.environ,
        project=str(config.paths.mount / inside[0]) if inside is not None else "",
        own=own,
        programs=(sys.prefix, sys.base_prefix, str(Path(lighthoused.__file__).parent)),
        read=map(str, config.sandbox.read),
        write=map(str, config.sandbox.write),
        connect=config.sandbox.connect,
        bind=config.sandbox.bind,
    )


def _check_directory(found: Confinement) -> None:
    """An agent that may not even read where it is could do nothing. Raises Invalid."""
    here = os.path.realpath(working_directory())
    if not any(
        (here + "/").startswith(os.path.realpath(path).rstrip("/") + "/") for path in (*found.write, *found.read)
    ):
        raise Invalid(
            f"The sandbox may not read the working directory {here}.",
            "Change to a project under the mount, or name the directory in write or read of [sandbox].",
        )
