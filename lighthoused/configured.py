"""The configuration in force: what flags, environment and the file say of it, and what is so by itself.

A flag wins over the environment, that over the file, that over the default. Must not know what uses a setting.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from lighthoused import configfile, credentials
from lighthoused import paths as places
from lighthoused.config import SECTIONS, Config, Credentials, Paths
from lighthoused.configfile import BadConfig, Sections
from lighthoused.core.effects import LIMITS

MAX_SOCKET_PATH = 107
"""Bytes of sun_path that a name may take (unix(7))."""


class Flags(NamedTuple):
    """What the command line said; an empty field says nothing."""

    config: str = ""
    state: str = ""
    mount: str = ""
    socket: str = ""
    log_format: str = ""
    no_mount: bool = False


NO_FLAGS = Flags()


def load(flags: Flags = NO_FLAGS, environ: Mapping[str, str] | None = None, uid: int | None = None) -> Config:
    """The configuration in force for this command line, environment and user. Raises BadConfig."""
    env = dict(os.environ if environ is None else environ)
    env.setdefault("HOME", os.path.expanduser("~"))
    uid = os.geteuid() if uid is None else uid
    named = flags.config or env.get(places.CONFIG, "")
    file = named or places.default_config(env, uid)
    found = configfile.read(file, required=bool(named))
    rights = configfile.rights_of((found or {}).pop("rights", []), file)
    sections = configfile.sections_of(found or {}, file)
    chosen = _chosen_paths(sections.pop("paths"), flags, env)
    _overrule(sections, flags)
    _fill_in(sections, file, env)
    if "state" in chosen:
        sections["metrics"].setdefault("port", 0)
    paths = _resolve_paths(chosen, env, uid)
    _check_paths(paths)
    parts: dict[str, Any] = {name: SECTIONS[name](**values) for name, values in sections.items()}
    return Config(paths=paths, file="" if found is None else file, rights=rights, **parts)


def _overrule(sections: Sections, flags: Flags) -> None:
    """What a flag says of a setting that is no path."""
    if flags.log_format:
        sections["log"]["format"] = flags.log_format
    if flags.no_mount:
        sections["mount"]["enabled"] = False


def _fill_in(sections: Sections, file: str, env: Mapping[str, str]) -> None:
    """Defaults that depend on where the file is, on what systemd passes, or on the other entries of a table."""
    if "limits" in sections["gate"]:
        sections["gate"]["limits"] = {**LIMITS, **sections["gate"]["limits"]}
    sections["gate"].setdefault("policy_dirs", (Path(file).absolute().parent / "policies",))
    for name in Credentials.__struct_fields__:
        sections["credentials"].setdefault(name, credentials.passed(name.replace("_", "-"), env))
    sections["notify"].setdefault("secret_file", credentials.passed("webhook-secret", env))


def _chosen_paths(from_file: dict[str, Path], flags: Flags, env: Mapping[str, str]) -> dict[str, Path]:
    """The paths somebody chose; relative ones from flags and environment are taken from the working directory."""
    chosen = dict(from_file)
    for name, flag, variable in (
        ("state", flags.state, places.STATE),
        ("mount", flags.mount, places.MOUNT),
        ("socket", flags.socket, places.SOCKET),
    ):
        if said := flag or env.get(variable, ""):
            chosen[name] = Path(os.path.expanduser(said))
    return {name: Path(os.path.abspath(path)) for name, path in chosen.items()}


def _resolve_paths(chosen: dict[str, Path], env: dict[str, str], uid: int) -> Paths:
    state = str(chosen.get("state", ""))
    return Paths(
        state=chosen.get("state") or Path(places.default_state(env, uid)),
        mount=chosen.get("mount") or Path(places.default_mount(env, uid, state)),
        socket=chosen.get("socket") or Path(places.default_socket(env, uid, state)),
    )


def _check_paths(paths: Paths) -> None:
    problems = []
    for name in ("state", "socket"):
        path: Path = getattr(paths, name)
        if path.is_relative_to(paths.mount):
            problems.append(
                f"paths.{name} ({path}) must not be under paths.mount ({paths.mount}): "
                "the daemon would need its own mount to start."
            )
    if len(os.fsencode(paths.socket)) > MAX_SOCKET_PATH:
        problems.append(
            f"paths.socket ({paths.socket}) must be at most {MAX_SOCKET_PATH} bytes long, which is what Unix sockets "
            "allow; choose a shorter one with --socket or LIGHTHOUSE_SOCKET."
        )
    if problems:
        raise BadConfig(problems)
