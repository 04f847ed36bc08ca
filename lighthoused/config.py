"""The daemon's configuration: what can be set, and its defaults.

Must not know where settings come from (`configured`), nor what uses them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args, get_type_hints

import msgspec

from lighthoused.core.effects import KINDS, LIMITS
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

NOTICES = ("requested", "answered", "expired", "degraded", "recovered")


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


def kinds_of(section: type[msgspec.Struct]) -> dict[str, Kind]:
    """The kind of each setting of a section."""
    hints = get_type_hints(section, include_extras=True)
    return {name: hints[name].__metadata__[0] for name in section.__struct_fields__}
