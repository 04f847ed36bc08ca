"""The daemon's configuration: what can be set, its defaults, and reading it from flags, environment and a TOML file.

A flag wins over the environment, that over the file, that over the default. Must not know what uses a setting. Every
refusal names the file, the key and what is allowed; all of them are reported at once.
"""

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_type_hints

import msgspec

from lighthoused import credentials
from lighthoused import paths as places
from lighthoused.core.effects import KINDS, LIMITS
from lighthoused.core.errors import Invalid
from lighthoused.settings import (
    Argv,
    Choice,
    Counts,
    Globs,
    Hidden,
    Kind,
    Location,
    Locations,
    Loopback,
    Mode,
    Place,
    Ports,
    Recipients,
    Seconds,
    Share,
    Size,
    Switch,
    Text,
    Url,
    Users,
    Whole,
    Words,
)

MAX_FILE = 1 << 20
NOTICES = ("requested", "answered", "expired", "degraded", "recovered")
MAX_SOCKET_PATH = 107
"""Bytes of sun_path that a name may take (unix(7))."""


class Paths(msgspec.Struct, frozen=True):
    """Where things are, absolute."""

    state: Annotated[Path, Location()]
    mount: Annotated[Path, Location()]
    socket: Annotated[Path, Location()]


Format = Literal["auto", "pretty", "json", "journald"]


class Log(msgspec.Struct, frozen=True):
    """The daemon's own log. `format` auto: pretty on a terminal, fields under systemd, JSON otherwise."""

    level: Annotated[str, Choice(("debug", "info", "warning", "error"))] = "info"
    format: Annotated[Format, Choice(get_args(Format))] = "auto"


class Metrics(msgspec.Struct, frozen=True):
    """Metrics and health over HTTP. `port` 0: any free one (`lighthousectl status` tells which).

    `everywhere`: on all addresses instead of `host`, for a container with its own network. Nobody is asked who he is.
    """

    enabled: Annotated[bool, Switch()] = True
    host: Annotated[str, Loopback()] = "127.0.0.1"
    everywhere: Annotated[bool, Switch()] = False
    port: Annotated[int, Whole(0, 65535)] = 9464


class Store(msgspec.Struct, frozen=True):
    """`map_size`: address space that the store reserves; it grows by itself. `max_size`: bytes that it may come to."""

    map_size: Annotated[int, Size(1 << 20, 64 << 40)] = 1 << 40
    max_size: Annotated[int, Size(1 << 20, 64 << 40)] = 64 << 40


class Rpc(msgspec.Struct, frozen=True):
    """The socket. `socket_group` "": the daemon's. `rate`: requests per second and peer."""

    socket_mode: Annotated[int, Mode()] = 0o600
    socket_group: Annotated[str, Text()] = ""
    max_connections: Annotated[int, Whole(1, 65536)] = 4096
    rate: Annotated[int, Whole(1, 100_000_000)] = 1_000_000


class Access(msgspec.Struct, frozen=True):
    """Who may use the daemon besides root and the user it runs as: users, and groups as ``@group``, by role."""

    admin: Annotated[tuple[str, ...], Users()] = ()
    operator: Annotated[tuple[str, ...], Users()] = ()
    viewer: Annotated[tuple[str, ...], Users()] = ()


class Gate(msgspec.Struct, frozen=True):
    """How requests are judged. `hook_escalation`: a hook waits for a person here, or its agent's user is asked.

    `hook_unreachable`: what hooks that are installed from now on answer while no daemon does.
    `opa_url`: an OPA server that is asked instead of the embedded engine, which answers where it does not in time.
    `limits`: calls with such an effect that an agent may make in a minute; others keep their default.
    `policy_dirs` by default: ``policies`` beside the config file; one that does not exist holds no policies.
    """

    profile: Annotated[str, Choice(("balanced", "strict"))] = "balanced"
    policy_dirs: Annotated[tuple[Path, ...], Locations()] = ()
    approval_deadline_s: Annotated[float, Seconds(1, 3600)] = 300.0
    hook_escalation: Annotated[str, Choice(("wait", "ask"))] = "wait"
    hook_unreachable: Annotated[str, Choice(("deny", "ask"))] = "deny"
    cache_bytes: Annotated[int, Size(0, 16 << 30)] = 16 << 20
    opa_url: Annotated[Hidden, Url()] = Hidden()
    opa_deadline_s: Annotated[float, Seconds(0.01, 4)] = 1.0
    limits: Annotated[Mapping[str, int], Counts(tuple(KINDS))] = msgspec.field(default_factory=LIMITS.copy)


class Mount(msgspec.Struct, frozen=True):
    """The mounted filesystem. `allow_other`: other users may enter, as far as modes let them."""

    enabled: Annotated[bool, Switch()] = True
    allow_other: Annotated[bool, Switch()] = False
    cache_bytes: Annotated[int, Size(1 << 20, 64 << 30)] = 64 << 20


class Backup(msgspec.Struct, frozen=True):
    """Where `lighthousectl backup` keeps backups, and how many: the newest of each of the last days, weeks, months.

    `recipients`: public keys (``age1...``) that backups are encrypted for.
    """

    target: Annotated[str, Text()] = ""
    recipients: Annotated[tuple[str, ...], Recipients()] = ()
    last: Annotated[int, Whole(1, 10_000)] = 3
    daily: Annotated[int, Whole(0, 10_000)] = 7
    weekly: Annotated[int, Whole(0, 10_000)] = 4
    monthly: Annotated[int, Whole(0, 10_000)] = 6


class Credentials(msgspec.Struct, frozen=True):
    """Files with secrets; by default those that systemd passes, called ``lighthouse.token-keys`` and so on.

    `token_keys`: the ring that signs tokens, instead of ``token.keys`` in the state. `opa_token`: shown to the OPA
    server as a bearer token. `webhook_url`: instead of notify.webhook. `s3`: an AWS credentials file (keys, and
    region and endpoint_url where they are needed). `backup_identity`: what opens encrypted backups.
    `backup_recipients`: a public key on each line, besides backup.recipients.
    """

    token_keys: Annotated[Path | Literal[""], Place()] = ""
    opa_token: Annotated[Path | Literal[""], Place()] = ""
    webhook_url: Annotated[Path | Literal[""], Place()] = ""
    s3: Annotated[Path | Literal[""], Place()] = ""
    backup_identity: Annotated[Path | Literal[""], Place()] = ""
    backup_recipients: Annotated[Path | Literal[""], Place()] = ""


class Degradation(msgspec.Struct, frozen=True):
    """After the mount or the store was lost. `approval`: normal work goes on only once an operator says so.

    `low_space`: free bytes beside the store under which there is a warning. `unaudited`: what is answered to requests
    for a verdict that could not be recorded any more: the verdict, or a denial.
    """

    approval: Annotated[bool, Switch()] = False
    low_space: Annotated[int, Size(0, 1 << 50)] = 1 << 30
    unaudited: Annotated[str, Choice(("deny", "judge"))] = "deny"


class Snapshots(msgspec.Struct, frozen=True):
    """Automatic snapshots of projects that have changed: every `every_s` seconds, `keep` of them stay; 0: none."""

    every_s: Annotated[float, Seconds(60, 31_536_000)] = 86_400.0
    keep: Annotated[int, Whole(0, 1000)] = 14


class Sandbox(msgspec.Struct, frozen=True):
    """What `run --sandbox` lets an agent touch beyond its project and the system; TCP ports where they are listed."""

    read: Annotated[tuple[Path, ...], Locations()] = ()
    write: Annotated[tuple[Path, ...], Locations()] = ()
    connect: Annotated[tuple[int, ...] | None, Ports()] = None
    bind: Annotated[tuple[int, ...] | None, Ports()] = None


class Notify(msgspec.Struct, frozen=True):
    """Who is told, elsewhere, what waits for a person. `on`: of what.

    `webhook_form`: what its receiver takes. `webhook_detail` brief: without the agent's words and paths.
    `secret_file`: holds the secret that signs what is sent to the webhook. `command`: gets each notice on its standard
    input. `timeout_s` bounds each attempt.
    """

    webhook: Annotated[Hidden, Url()] = Hidden()
    webhook_form: Annotated[str, Choice(("json", "slack", "ntfy"))] = "json"
    webhook_detail: Annotated[str, Choice(("brief", "full"))] = "brief"
    secret_file: Annotated[Path | Literal[""], Place()] = ""
    desktop: Annotated[bool, Switch()] = False
    command: Annotated[tuple[str, ...], Argv()] = ()
    on: Annotated[tuple[str, ...], Words(NOTICES)] = NOTICES
    timeout_s: Annotated[float, Seconds(1, 60)] = 10.0


class Telemetry(msgspec.Struct, frozen=True):
    """Traces and metrics for an OpenTelemetry collector. `endpoint` "": OTEL_EXPORTER_OTLP_ENDPOINT, if that is set.

    `sample`: share of requests that are traced, besides those whose clients are. `every_s`: when metrics are sent.
    """

    endpoint: Annotated[Hidden, Url()] = Hidden()
    sample: Annotated[float, Share()] = 0.01
    every_s: Annotated[float, Seconds(1, 3600)] = 60.0


class Right(msgspec.Struct, frozen=True):
    """One rule of `[[rights]]`: what agents may do with paths. The first that names agent and path decides."""

    agent: Annotated[str, Text()]
    paths: Annotated[tuple[str, ...], Globs()]
    access: Annotated[str, Choice(("none", "read", "write"))]


class Config(msgspec.Struct, frozen=True):
    """Everything that can be configured, resolved. `file`: the file that was read, "" where there is none."""

    paths: Paths
    log: Log = Log()
    metrics: Metrics = Metrics()
    store: Store = Store()
    rpc: Rpc = Rpc()
    access: Access = Access()
    gate: Gate = Gate()
    mount: Mount = Mount()
    degradation: Degradation = Degradation()
    snapshots: Snapshots = Snapshots()
    backup: Backup = Backup()
    credentials: Credentials = Credentials()
    sandbox: Sandbox = Sandbox()
    notify: Notify = Notify()
    telemetry: Telemetry = Telemetry()
    rights: tuple[Right, ...] = ()
    file: str = ""


class Flags(NamedTuple):
    """What the command line said; an empty field says nothing."""

    config: str = ""
    state: str = ""
    mount: str = ""
    socket: str = ""
    log_format: str = ""
    no_mount: bool = False


NO_FLAGS = Flags()


class BadConfig(Invalid):
    """The configuration is refused; `problems` has one sentence for each thing that is wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems), hint="`lighthousectl config check` checks the file again.")
        self.problems = tuple(problems)


def policy_folders(config: Config) -> tuple[Path, ...]:
    """Where the users' policies are: those directories, and last the one of policies that were put by RPC."""
    return (*config.gate.policy_dirs, config.paths.state / "policies")


SECTIONS: dict[str, type[msgspec.Struct]] = {
    "paths": Paths,
    "log": Log,
    "metrics": Metrics,
    "store": Store,
    "rpc": Rpc,
    "access": Access,
    "gate": Gate,
    "mount": Mount,
    "degradation": Degradation,
    "snapshots": Snapshots,
    "backup": Backup,
    "credentials": Credentials,
    "sandbox": Sandbox,
    "notify": Notify,
    "telemetry": Telemetry,
}


def load(flags: Flags = NO_FLAGS, environ: Mapping[str, str] | None = None, uid: int | None = None) -> Config:
    """The configuration in force for this command line, environment and user. Raises BadConfig."""
    env = dict(os.environ if environ is None else environ)
    env.setdefault("HOME", os.path.expanduser("~"))
    uid = os.geteuid() if uid is None else uid
    named = flags.config or env.get(places.CONFIG, "")
    file = named or places.default_config(env, uid)
    found = _read_file(file, required=bool(named))
    rights = _rights((found or {}).pop("rights", []), file)
    sections = _sections(found, file)
    chosen = _chosen_paths(sections.pop("paths"), flags, env)
    if flags.log_format:
        sections["log"]["format"] = flags.log_format
    if flags.no_mount:
        sections["mount"]["enabled"] = False
    if "limits" in sections["gate"]:
        sections["gate"]["limits"] = {**LIMITS, **sections["gate"]["limits"]}
    sections["gate"].setdefault("policy_dirs", (Path(file).absolute().parent / "policies",))
    for name in Credentials.__struct_fields__:
        sections["credentials"].setdefault(name, credentials.passed(name.replace("_", "-"), env))
    sections["notify"].setdefault("secret_file", credentials.passed("webhook-secret", env))
    if "state" in chosen:
        sections["metrics"].setdefault("port", 0)
    parts: dict[str, Any] = {name: SECTIONS[name](**values) for name, values in sections.items()}
    file = "" if found is None else file
    config = Config(paths=_resolve_paths(chosen, env, uid), file=file, rights=rights, **parts)
    _check_paths(config.paths)
    return config


def _read_file(file: str, *, required: bool) -> dict[str, Any] | None:
    try:
        with open(file, "rb") as opened:
            data = opened.read(MAX_FILE + 1)
    except FileNotFoundError:
        if required:
            raise BadConfig([f"{file}: there is no such file."]) from None
        return None
    except OSError as error:
        raise BadConfig([f"{file}: cannot be read: {error.strerror}."]) from None
    if len(data) > MAX_FILE:
        raise BadConfig([f"{file}: the file is over {MAX_FILE} bytes, which no configuration needs."])
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise BadConfig([f"{file}: is not UTF-8 text (byte {error.start})."]) from None
    except tomllib.TOMLDecodeError as error:
        raise BadConfig([f"{file}: is not valid TOML: {error}."]) from None
    except RecursionError:
        raise BadConfig([f"{file}: is nested too deeply."]) from None


def _sections(found: dict[str, Any] | None, file: str) -> dict[str, dict[str, Any]]:
    """Each section's settings as read. Raises BadConfig for everything unknown or refused in the file."""
    problems: list[str] = []
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    for name, values in (found or {}).items():
        if name not in SECTIONS:
            problems.append(f"{file}: [{name}] is no section; {_nearest(name, SECTIONS)}.")
        elif not isinstance(values, dict):
            problems.append(f"{file}: {name} must be a section: [{name}] with its keys below it.")
        else:
            sections[name] = _settings(name, values, file, problems)
    if problems:
        raise BadConfig(problems)
    return sections


def _rights(found: Any, file: str) -> tuple[Right, ...]:
    """The rules of `[[rights]]`, in their order. Raises BadConfig."""
    if not isinstance(found, list) or not all(isinstance(rule, dict) for rule in found):
        raise BadConfig([f"{file}: rights must be tables: [[rights]] with agent, paths and access below each."])
    problems: list[str] = []
    rights = []
    for values in found:
        accepted = _settings("rights", values, file, problems)
        missing = [name for name in Right.__struct_fields__ if name not in values]
        problems += [f"{file}: rights.{name} must be given." for name in missing]
        if not missing and not problems:
            rights.append(Right(**accepted))
    if problems:
        raise BadConfig(problems)
    return tuple(rights)


def _settings(section: str, values: dict[str, Any], file: str, problems: list[str]) -> dict[str, Any]:
    kinds = kinds_of(Right if section == "rights" else SECTIONS[section])
    accepted: dict[str, Any] = {}
    for key, value in values.items():
        kind = kinds.get(key)
        if kind is None:
            problems.append(f"{file}: {section}.{key} is no setting; {_nearest(key, kinds)}.")
            continue
        try:
            accepted[key] = kind.read(value)
        except ValueError:
            found = "what it is" if isinstance(kind, Url) and isinstance(value, str) else _spelled(value)
            problems.append(f"{file}: {section}.{key} must be {kind.allowed}, not {found}.")
    return accepted


def kinds_of(section: type[msgspec.Struct]) -> dict[str, Kind]:
    """The kind of each setting of a section."""
    hints = get_type_hints(section, include_extras=True)
    return {name: hints[name].__metadata__[0] for name in section.__struct_fields__}


def _nearest(word: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f'did you mean "{near[0]}"' if near else "known are " + ", ".join(sorted(known))


def _spelled(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."


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
