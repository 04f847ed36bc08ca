"""What every command shares: where the daemon is, how to print, which project and path is meant."""

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from lighthoused import paths as places
from lighthoused.cli.output import fail, say, show_json, show_table
from lighthoused.client import Client
from lighthoused.config import Config
from lighthoused.configured import Flags, load
from lighthoused.core.errors import Invalid, LighthouseError
from lighthoused.core.names import shown
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.projects import ProjectListRequest

FLAGS = ("state", "mount", "socket", "config", "token")


class Session:
    """One run of `lighthousectl`."""

    def __init__(self, flags: dict[str, str], as_json: bool) -> None:
        self._flags = flags
        self.as_json = as_json
        self._config: Config | None = None

    @property
    def config(self) -> Config:
        """The configuration in force. Raises BadConfig."""
        if self._config is None:
            said = {name: self._flags.get(name) or "" for name in FLAGS}
            flags = Flags(config=said["config"], state=said["state"], mount=said["mount"], socket=said["socket"])
            self._config = load(flags, _surroundings(flags))
        return self._config

    @property
    def token(self) -> str:
        """The token that was given, "" for none."""
        return self._flags.get("token") or ""

    def client(self, timeout: float | None = 60.0) -> Client:
        """A client, not connected yet."""
        return Client(self.config.paths.socket, token=self.token, timeout=timeout)

    def call(self, request: Request, timeout: float | None = 60.0) -> Any:
        """One call on a connection of its own."""
        with self.client(timeout) as client:
            return client.call(request)

    def show(self, found: Any, text: str | None = None) -> None:
        """What came of a command: JSON if that is wanted, else the text; None: people are told nothing."""
        if self.as_json:
            show_json(found)
        elif text is not None:
            say(text)

    def show_rows(self, found: Any, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """What was found: JSON if that is wanted, else a table of its rows."""
        if self.as_json:
            show_json(found)
        else:
            show_table(columns, rows)

    def project(self, named: str = "") -> str:
        """The project that is meant: the one named, the one the working directory is in, or the only one."""
        if named:
            return named
        inside = self.inside(working_directory())
        if inside is not None:
            return inside[0]
        names = [project.name for project in self.call(ProjectListRequest(id=0)).projects]
        if len(names) != 1:
            known = ", ".join(names) or "none"
            raise Invalid("It is not clear which project is meant.", f"Use --project; there are: {known}.")
        return str(names[0])

    def inside(self, path: Path) -> tuple[str, str] | None:
        """Project and path within it, for a path under the mount's ``<project>/current``."""
        absolute = Path(os.path.abspath(path))
        mount = self.config.paths.mount
        if not absolute.is_relative_to(mount):
            return None
        project, *rest = absolute.relative_to(mount).parts or ("",)
        if not project:
            return None
        return project, shown(os.fsencode("/".join(rest[1:]))) if rest[:1] == ["current"] else ""

    def located(self, path: str, project: str = "") -> tuple[str, str]:
        """Project and path for what somebody wrote: a path under the mount, or one within the project.

        Raises Invalid for a path that is in no project, or not in the one that was named.
        """
        whole = working_directory() / path
        inside = self.inside(whole)
        if inside is not None and project in ("", inside[0]):
            self._refuse_past(whole, inside[0])
            return inside
        within = os.path.normpath(path)
        if within.startswith(("/", "../")) or within == "..":
            raise Invalid(
                f"{path} is not in {f'project {project}' if project else 'a project'}.",
                f"Use a path under {self.config.paths.mount}/PROJECT/current, or one within the project.",
            )
        return self.project(project), "" if within == "." else shown(os.fsencode(within))

    def _refuse_past(self, path: Path, project: str) -> None:
        """A path under ``history`` is of a moment, one under ``status`` is nobody's."""
        current = self.config.paths.mount / project / "current"
        absolute = Path(os.path.abspath(path))
        if absolute != current.parent and not absolute.is_relative_to(current):
            raise Invalid(f"{path} is not a path of the project as it is now.", f"Use one under {current}.")


def _surroundings(flags: Flags) -> dict[str, str]:
    """The environment, with the machine's daemon in it where the user neither has nor named one of their own."""
    environment = dict(os.environ)
    environment.setdefault("HOME", os.path.expanduser("~"))
    uid = os.geteuid()
    own = (places.default_socket(environment, uid), places.default_config(environment, uid))
    machines = places.default_socket({}, places.ROOT)
    named = any(flags) or any(environment.get(name) for name in (places.STATE, places.SOCKET, places.CONFIG))
    if not named and not any(map(os.path.exists, own)) and os.path.exists(machines):
        environment[places.SOCKET] = machines
        environment.setdefault(places.MOUNT, places.default_mount({}, places.ROOT))
    return environment


def working_directory() -> Path:
    """Raises Invalid where it was removed."""
    try:
        return Path.cwd()
    except OSError as error:
        raise Invalid(f"The working directory is gone: {error.strerror}.", "Change to another one.") from None


def as_refusal(error: LighthouseError | UnicodeEncodeError) -> LighthouseError:
    """Arguments are bytes to Linux, requests are text."""
    if isinstance(error, UnicodeEncodeError):
        return Invalid(f"An argument is not UTF-8 text: {ascii(error.object)[:200]}.", "Spell it in UTF-8.")
    return error


def command(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the shared options and its Session, and let refusals end it in the shared way."""

    @functools.wraps(function)
    def run(**options: Any) -> Any:
        context = click.get_current_context()
        shared = {name: options.pop(name, "") or _above(context, name) for name in FLAGS}
        as_json = bool(options.pop("as_json", False) or _above(context, "as_json"))
        try:
            return function(Session(shared, as_json), **options)
        except (LighthouseError, UnicodeEncodeError) as error:
            fail(as_refusal(error), as_json)
        except KeyboardInterrupt:
            context.exit(130)

    return with_shared_options(run)


def with_shared_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--state, --mount, --socket, --config, --token and --json, before or after the subcommand."""
    function = click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)
    for name in FLAGS:
        function = click.option(f"--{name}", default="", hidden=name != "socket", help=f"The daemon's {name}.")(
            function
        )
    return function


def _above(context: click.Context, name: str) -> Any:
    while context.parent is not None:
        context = context.parent
        if context.params.get(name):
            return context.params[name]
    return ""
