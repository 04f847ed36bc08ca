"""Every request, reply and error of the protocol, once. Dispatch, clients and docs/protocol.md derive from here.

A request is a map ``{"method": ..., "id": ..., ...parameters}``; `id` is the client's, unique among its open requests.
Answers carry the id: ``{"id", "result"}`` or ``{"id", "error": {"code", "message", "hint"}}``. A streaming method first
sends any number of ``{"id", "item"}`` and ends with a result or an error. Over msgpack a payload is a nested value.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import msgspec

from lighthoused.core.appended import Appended
from lighthoused.core.sight import FileView
from lighthoused.core.verdicts import Answer, Effect, Template, Verdict

PROTOCOL_VERSION = 1
MAX_FRAME = 16 * 1024 * 1024
DEFAULT_DEADLINE_MS = 30_000
MAX_DEADLINE_MS = 3_600_000

Role = Literal["viewer", "agent", "expert", "operator", "admin"]
ROLES: tuple[str, ...] = get_args(Role)
"""Weakest first: each may do what the ones before it may."""
RANKS = {role: rank for rank, role in enumerate(ROLES)}


class ErrorBody(msgspec.Struct, frozen=True):
    """An error as sent. `code` is the `code` of a `core.errors` class, or `unknown_method`."""

    code: str
    message: str
    hint: str = ""


class Request(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="method"):
    """Fields of every request. `deadline_ms` 0: the method's default.

    `traceparent`: the client's span as in W3C Trace Context, so that the daemon's spans become parts of its trace.
    """

    id: int
    deadline_ms: int = 0
    traceparent: str = ""


# --- connection -------------------------------------------------------------------------------------------------------


class Hello(Request, tag="hello", omit_defaults=False):
    """Introduce the client: the protocol it speaks and, where the socket's credentials do not suffice, its token."""

    protocol: int = PROTOCOL_VERSION
    client: str = ""
    token: str = ""


class Welcome(msgspec.Struct, frozen=True):
    protocol: int
    server: str
    agent: str
    role: str
    uid: int
    pid: int


class Ping(Request, tag="ping"):
    """Answer at once."""


class Pong(msgspec.Struct, frozen=True):
    time: int
    """The daemon's clock, ns since the epoch."""


class Cancel(Request, tag="cancel"):
    """Stop the open request `target` of this connection (also ends a subscription)."""

    target: int


class Done(msgspec.Struct, frozen=True):
    """Nothing but success to report."""

    ok: bool = True


# --- status -----------------------------------------------------------------------------------------------------------


class StatusRequest(Request, tag="status"):
    """How the daemon is: versions, paths, projects, counts."""


class TierView(msgspec.Struct, frozen=True):
    """A tier of the gate, with its counts since the daemon started. Times are microseconds.

    `abstained`: left to the next tier. `failed`: an error, or no answer within the deadline. `skipped`: not asked,
    as its circuit breaker was open.
    """

    name: str
    breaker: Literal["closed", "open", "half-open"]
    answered: int
    abstained: int
    failed: int
    skipped: int
    mean_us: int
    p99_us: int


class DegradationView(msgspec.Struct, frozen=True):
    """Whether the daemon can be relied on. `since`: ns since the epoch. `reason`: why it is not normal, or "".

    `losses`: what is lost, each with why. `held`: checks have passed, and an operator has to approve.
    """

    state: Literal["normal", "emergency", "recovering"]
    since: int
    reason: str
    losses: dict[str, str]
    held: bool


class Status(msgspec.Struct, frozen=True):
    version: str
    pid: int
    state: str
    uptime_s: float
    head: int
    """seq of the newest event."""
    paths: dict[str, str]
    """``state``, ``mount``, ``socket``, ``metrics`` (a URL or "")."""
    projects: tuple[str, ...]
    agents: int
    pending_approvals: int
    store: dict[str, Any]
    policy: dict[str, Any]
    tiers: tuple[TierView, ...] = ()
    health: dict[str, str] = {}
    """What keeps each component from working, "" where nothing does."""
    degradation: DegradationView = DegradationView("normal", 0, "", {}, False)
    warnings: dict[str, str] = {}
    """What is less good than it should be, while all works: little room, no OPA server, a tier that is skipped."""


class DegradationApproveRequest(Request, tag="degradation.approve"):
    """Let normal work go on, once the checks after an emergency have passed and the daemon waits for approval."""


class MetricsRequest(Request, tag="metrics"):
    """All metrics, as ``/metrics`` gives them."""


class MetricsReply(msgspec.Struct, frozen=True):
    text: str
    """In the Prometheus text format."""


# --- log --------------------------------------------------------------------------------------------------------------


class NewEvent(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An event to append. `event_id`: idempotency key. `expected_version`: -1 any, 0 the stream must be new."""

    stream: str
    type: str
    payload: Any = None
    event_id: str = ""
    schema: int = 1
    session: str = ""
    correlation: str = ""
    causation: int = 0
    paths: tuple[str, ...] = ()
    expected_version: int = -1


class AppendRequest(Request, tag="log.append"):
    """Append events, all or none. Acknowledged means synced to disk. Streams of the daemon's own are refused."""

    events: tuple[NewEvent, ...]


class AppendReply(msgspec.Struct, frozen=True):
    events: tuple[Appended, ...]


class Filter(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which events; an empty field means any. `stream` and `type` may end in ``*``. `path` includes what is below it.

    `since` and `until` are ns since the epoch, inclusive.
    """

    stream: str = ""
    type: str = ""
    agent: str = ""
    session: str = ""
    path: str = ""
    correlation: str = ""
    since: int = 0
    until: int = 0


class QueryRequest(Request, tag="log.query"):
    """A page of events by seq. `cursor` is the seq to continue after (before, where `reverse`); 0: from the end."""

    filter: Filter = Filter()
    cursor: int = 0
    limit: int = 1000
    reverse: bool = False


class EventView(msgspec.Struct, frozen=True):
    """An event as clients see it; hashes in hex."""

    seq: int
    time: int
    stream: str
    version: int
    type: str
    schema: int
    agent: str
    session: str
    uid: int
    pid: int
    event_id: str
    correlation: str
    causation: int
    paths: tuple[str, ...]
    payload: Any
    prev: str
    hash: str


class QueryReply(msgspec.Struct, frozen=True):
    events: tuple[EventView, ...]
    cursor: int
    """Pass this on to continue; 0 when there is nothing more."""


class SubscribeRequest(Request, tag="log.subscribe"):
    """Stream events with seq > `after` as they are committed, without gap or duplicate; -1: only new ones."""

    filter: Filter = Filter()
    after: int = -1


class VerifyRequest(Request, tag="log.verify"):
    """Prove the log: dense seqs, increasing times, hashes, chain, indexes. Streams progress."""


class Progress(msgspec.Struct, frozen=True):
    """How far a long request is; `total` 0 while unknown."""

    done: int
    total: int
    what: str = ""


class VerifyReply(msgspec.Struct, frozen=True):
    ok: bool
    events: int
    head: str
    problems: tuple[str, ...] = ()


# --- projects and time travel -----------------------------------------------------------------------------------------


class Project(msgspec.Struct, frozen=True):
    name: str
    root: int
    """Inode number of the project's root directory."""
    created: int
    source: str
    """Directory it was imported from, "" if it began empty."""
    complete: bool
    """False while its import has not finished."""


class ProjectListRequest(Request, tag="project.list"):
    """All projects."""


class ProjectList(msgspec.Struct, frozen=True):
    projects: tuple[Project, ...]


class ProjectImportRequest(Request, tag="project.import"):
    """Import a directory as a project, or finish an interrupted import. Streams progress (files).

    A complete project of that name and source is left alone. `source` "" makes an empty project.
    """

    source: str
    name: str = ""


class ProjectExportRequest(Request, tag="project.export"):
    """Write a project as it was at `at` into the new directory `dest`. Streams progress (files)."""

    project: str
    dest: str
    at: str = ""
    """A moment: RFC 3339 time, ``@seq``, snapshot name, or a duration ago like ``10m``; "" is now."""


class ExportReply(msgspec.Struct, frozen=True):
    files: int
    bytes: int
    seq: int


class HistoryRequest(Request, tag="tree.history"):
    """The changes to a path (and what is below it), newest first, by pages."""

    project: str
    path: str = ""
    cursor: int = 0
    limit: int = 100


class HistoryEntry(msgspec.Struct, frozen=True):
    seq: int
    time: int
    type: str
    agent: str
    session: str
    paths: tuple[str, ...]


class HistoryReply(msgspec.Struct, frozen=True):
    entries: tuple[HistoryEntry, ...]
    cursor: int


class DiffRequest(Request, tag="tree.diff"):
    """What differs between two moments. `text`: with unified diffs of text files."""

    project: str
    since: str
    until: str = ""
    path: str = ""
    text: bool = False


class PathChange(msgspec.Struct, frozen=True):
    path: str
    kind: Literal["added", "removed", "modified", "mode", "type"]
    size_before: int
    size_after: int
    text: str = ""


class DiffReply(msgspec.Struct, frozen=True):
    changes: tuple[PathChange, ...]
    truncated: bool = False


class UndoRequest(Request, tag="tree.undo"):
    """Restore what an agent or session changed since a moment, or paths to how they were, as new events.

    `apply` False only plans. Where others changed the same thing later, it is left alone and listed as a conflict.
    """

    project: str
    paths: tuple[str, ...] = ()
    agent: str = ""
    session: str = ""
    since: str = ""
    apply: bool = False


class UndoStep(msgspec.Struct, frozen=True):
    path: str
    action: Literal["restore", "remove", "revert", "conflict"]
    detail: str = ""


class UndoReply(msgspec.Struct, frozen=True):
    steps: tuple[UndoStep, ...]
    applied: bool
    seq: int
    """seq of the last undo event, 0 where nothing was applied."""
    horizon: int = 0
    """seq that it stopped at, as older history is not kept, where there is more of what was asked for; else 0."""


class BlameRequest(Request, tag="tree.blame"):
    """By which event each line of a text file came to be there, followed through renames and saves."""

    project: str
    path: str
    at: str = ""


class BlameOrigin(msgspec.Struct, frozen=True):
    """An event that lines came from."""

    seq: int
    time: int
    agent: str
    session: str
    type: str
    earlier: bool = False
    """The lines may be older: what was before was too much to look at, or is no longer kept."""
    verdict: int = 0
    """seq of the gate's newest verdict for this agent and session in the minute before, if it was to allow; else 0. The
    gate judges commands: whether that one changed this file, the log does not know."""


class BlameLine(msgspec.Struct, frozen=True):
    origin: int
    """Index in `origins`."""
    text: str


class BlameReply(msgspec.Struct, frozen=True):
    origins: tuple[BlameOrigin, ...]
    lines: tuple[BlameLine, ...]


class ChangePointsRequest(Request, tag="tree.change_points"):
    """The bursts of changes to a project after one moment and up to another, oldest first."""

    project: str
    since: str
    until: str = ""


class ChangePoint(msgspec.Struct, frozen=True):
    """Changes of one agent in close succession; `first` and `last` are seqs, `time` is the last one's."""

    first: int
    last: int
    time: int
    agent: str
    session: str
    events: int


class ChangePointsReply(msgspec.Struct, frozen=True):
    since: int
    until: int
    points: tuple[ChangePoint, ...]


class SnapshotCreateRequest(Request, tag="snapshot.create"):
    """Name the present state of a project."""

    project: str
    name: str


class Snapshot(msgspec.Struct, frozen=True):
    project: str
    name: str
    seq: int
    time: int
    agent: str


class SnapshotListRequest(Request, tag="snapshot.list"):
    """Snapshots, of one project or all."""

    project: str = ""


class SnapshotList(msgspec.Struct, frozen=True):
    snapshots: tuple[Snapshot, ...]


class SnapshotDeleteRequest(Request, tag="snapshot.delete"):
    """Forget a snapshot's name; the state stays readable by time."""

    project: str
    name: str


# --- upkeep -----------------------------------------------------------------------------------------------------------


class FsckRequest(Request, tag="store.fsck"):
    """Check that store and tree hold together: log, rows against its replay, names, links, blocks. Streams progress.

    `deep` also compares every block with its hash. `repair` mends what can be mended: rows as the log says, all else by
    new events. `project` "" is all of them (the log and the rows always are).
    """

    project: str = ""
    deep: bool = False
    repair: bool = False


class Fault(msgspec.Struct, frozen=True):
    """`kind`: log, row, root, entry, kind, place, links, orphan, size, block. `remedy` "": it cannot be mended."""

    kind: str
    message: str
    remedy: str = ""
    project: str = ""
    """"" where it is not of one project."""
    mended: bool = False


class GcRequest(Request, tag="store.gc"):
    """Remove what nothing can show: content that is not versioned, blocks of nothing. Streams progress.

    With `keep`, a duration like ``30d``, also history older than that, but for snapshots. Events always stay.
    """

    keep: str = ""
    dry_run: bool = False


class GcReply(msgspec.Struct, frozen=True):
    horizon: int
    """seq from which on any moment can be shown."""
    rows: int
    """Versions of inodes and directory entries that were removed (or would be, in a dry run)."""
    blocks: int
    bytes: int
    dry_run: bool


class FsckReply(msgspec.Struct, frozen=True):
    """`ok`: nothing is wrong (any more)."""

    ok: bool
    head: int
    events: int
    inodes: int
    entries: int
    blocks: int
    """Blocks whose presence (or, `deep`, content) was checked."""
    faults: tuple[Fault, ...] = ()
    more: int = 0
    """Faults beyond those in `faults`."""


# --- mirrors ----------------------------------------------------------------------------------------------------------


class Mirror(msgspec.Struct, frozen=True):
    """A project and an ordinary directory that are kept equal. `since`: ns since the epoch."""

    project: str
    directory: str
    adopt: str
    since: int


class MirrorAddRequest(Request, tag="mirror.add"):
    """Keep a project and a directory equal, both ways. Streams progress (entries compared).

    The directory is empty or equal, or `adopt` says whose files win at first where both have them: the project's
    (``inside``) or the directory's (``outside``). What only one side has is kept, the losers are in the history.
    """

    project: str
    directory: str
    adopt: Literal["", "inside", "outside"] = ""


class MirrorListRequest(Request, tag="mirror.list"):
    """All mirrors."""


class MirrorList(msgspec.Struct, frozen=True):
    mirrors: tuple[Mirror, ...]


class MirrorRemoveRequest(Request, tag="mirror.remove"):
    """Stop keeping them equal; both sides stay as they are. `directory` "": the project's only mirror."""

    project: str
    directory: str = ""


class MirrorConflict(msgspec.Struct, frozen=True):
    """Both sides changed `path`. `copy`: the new name of the directory's version; "" where one side had removed it."""

    path: str
    copy: str
    reason: str
    time: int


class MirrorRefused(msgspec.Struct, frozen=True):
    """A path that is not mirrored, and why."""

    path: str
    reason: str


class MirrorStatus(msgspec.Struct, frozen=True):
    """`state`: starting, comparing, live or paused. `reason`: why it was paused last, until it is live again.

    `pending`: paths that wait to be looked at.
    """

    project: str
    directory: str
    state: str
    reason: str
    compared: int
    """Entries of the latest full comparison so far."""
    pending: int
    refused: tuple[MirrorRefused, ...]
    conflicts: tuple[MirrorConflict, ...]
    """The newest ones."""


class MirrorStatusRequest(Request, tag="mirror.status"):
    """How mirrors are, of one project or all."""

    project: str = ""


class MirrorStatusReply(msgspec.Struct, frozen=True):
    mirrors: tuple[MirrorStatus, ...]


# --- gate -------------------------------------------------------------------------------------------------------------


class CheckRequest(Request, tag="gate.check"):
    """Judge what an agent asks to do. `wait`: an escalation is parked until a person answers or its deadline denies it.

    `agent` and `session` count only for operators; others are who their peer is.
    """

    input: dict[str, Any]
    tool: str = "Bash"
    cwd: str = "/"
    agent: str = ""
    session: str = ""
    wait: bool = False
    explain: bool = False


class HookRequest(Request, tag="gate.hook"):
    """A PreToolUse hook: `event` is its standard input; the result is what Claude Code's hook prints, as it is.

    `agent`: what the program that runs the hook is registered as, if it is no agent yet; "" leaves it as it is.
    `can_ask` False: that program cannot ask its user, so that an escalation always waits for a person here.
    """

    event: dict[str, Any]
    agent: str = ""
    can_ask: bool = True


class HookReportRequest(Request, tag="gate.report"):
    """What other hooks tell: a tool call's end, a session's begin and end, a prompt. Recorded as the agent's own word.

    `sizes`: bytes of fields of `event` that are cut or left out. `agent` as in gate.hook.
    """

    event: dict[str, Any]
    agent: str = ""
    sizes: dict[str, int] = {}


class HookDecision(msgspec.Struct, frozen=True, rename="camel"):
    """`permission_decision` is ``allow``, ``deny`` or ``ask``."""

    hook_event_name: str
    permission_decision: str
    permission_decision_reason: str


class HookReply(msgspec.Struct, frozen=True, rename="camel"):
    hook_specific_output: HookDecision


class Approval(msgspec.Struct, frozen=True):
    """A parked request. `request` is the hash of exactly what was shown; approving binds to it."""

    id: str
    request: str
    agent: str
    session: str
    tool: str
    input: dict[str, Any]
    cwd: str
    rule: str
    reason: str
    suggestion: str
    effects: tuple[Effect, ...]
    created: int
    deadline: int
    uid: int = -1
    template: Template | None = None
    """What `always` would allow; None where a person is to be asked each time."""


class ApprovalListRequest(Request, tag="approvals.list"):
    """Requests that wait for a person, oldest first; long inputs and effects are cut, and say so."""


class ApprovalList(msgspec.Struct, frozen=True):
    approvals: tuple[Approval, ...]


class ApprovalShowRequest(Request, tag="approvals.show"):
    """One request that waits, whole, with the files it would change as they are now."""

    approval: str


class ApprovalView(msgspec.Struct, frozen=True):
    """`seen` is the hash of exactly this: the request, and the state of its files."""

    approval: Approval
    files: tuple[FileView, ...]
    seen: str


class ApprovalAnswerRequest(Request, tag="approvals.answer"):
    """Answer one. `request` must be the hash of what was shown; only a denial may leave it out.

    `seen`, where given, must be what approvals.show says now: no file that was shown has changed since.
    """

    approval: str
    answer: Literal["allow", "deny"]
    reason: str = ""
    request: str = ""
    seen: str = ""


class ApprovalAlwaysRequest(Request, tag="approvals.always"):
    """Allow a request that waits, and from now on all with its template. Never for an escalation that is required.

    `request` and `template` must be what was shown. `scope`: for this agent in this project, for any agent in this
    project, or for any agent in any project.
    """

    approval: str
    request: str
    template: str
    scope: Literal["agent", "project", "everywhere"] = "agent"
    reason: str = ""


# --- patterns ---------------------------------------------------------------------------------------------------------


class Precedent(msgspec.Struct, frozen=True):
    """What a person said before. `by` is who, `agent` who asked, `seq` the event that proves it."""

    seq: int
    time: int
    by: str
    said: Answer
    agent: str
    asked: str


class Pattern(msgspec.Struct, frozen=True):
    """What people said about one template. `agent` and `project` "": any.

    `standing`: somebody allowed it for good. `verdict`: what the gate answers from it; ``escalate`` while the answers
    are too few or do not agree. `seq`, `time` and `by` are of the newest answer.
    """

    id: str
    standing: bool
    verdict: Answer
    agent: str
    project: str
    template: Template
    text: str
    allowed: int
    denied: int
    seq: int
    time: int
    by: str


class PatternListRequest(Request, tag="pattern.list"):
    """What people allowed for good, then what they answered lately, newest first; at most `limit`."""

    limit: int = 200


class PatternList(msgspec.Struct, frozen=True):
    patterns: tuple[Pattern, ...]


class PatternShowRequest(Request, tag="pattern.show"):
    """One pattern with its precedents, newest first."""

    pattern: str


class PatternReply(msgspec.Struct, frozen=True):
    pattern: Pattern
    precedents: tuple[Precedent, ...]


class PatternRevokeRequest(Request, tag="pattern.revoke"):
    """Take a pattern back: people are asked again, and what they said about it before does not count any more."""

    pattern: str


# --- policies ---------------------------------------------------------------------------------------------------------


class PolicyRule(msgspec.Struct, frozen=True):
    """A rule of a policy. `state`: ``in force``, ``disabled`` or ``replaced`` (a user's rule stands in its place)."""

    id: str
    verdict: str
    line: int
    state: str
    examples: int


class PolicyView(msgspec.Struct, frozen=True):
    """A policy. `origin`: ``default``, ``file`` (of a directory) or ``put`` (by policy.put: it has a `revision`)."""

    name: str
    origin: str
    path: str
    rules: tuple[PolicyRule, ...]
    revision: int = 0
    """How often this name was put or deleted."""
    agent: str = ""
    """Who put it."""
    time: int = 0


class PolicyListRequest(Request, tag="policy.list"):
    """All policies in force and their rules."""


class PolicyList(msgspec.Struct, frozen=True):
    """`version`: a hash of all sources in force. `problem`: why newer ones are not, "" where there are none."""

    policies: tuple[PolicyView, ...]
    version: str
    profile: str
    problem: str


class PolicyShowRequest(Request, tag="policy.show"):
    """One policy with its source."""

    name: str


class PolicySource(msgspec.Struct, frozen=True):
    view: PolicyView
    source: str


class PolicyPutRequest(Request, tag="policy.put"):
    """Add a policy, or replace the one of that name. Refused where it does not compile or its own examples fail.

    `check_only`: only say whether it would be taken.
    """

    name: str
    source: str
    check_only: bool = False


class PolicyDeleteRequest(Request, tag="policy.delete"):
    """Remove a policy that was put."""

    name: str


class PolicyChanged(msgspec.Struct, frozen=True):
    """`version` of the set now in force. `lacking`: rules of the policy without an example of both kinds."""

    name: str
    revision: int
    version: str
    examples: int = 0
    lacking: tuple[str, ...] = ()


class PolicyTestRequest(Request, tag="policy.test"):
    """Run the examples of all policies in force, or those about one rule; with `sources`, as if these were put."""

    rule: str = ""
    sources: dict[str, str] = {}


class PolicyFailure(msgspec.Struct, frozen=True):
    """An example that does not hold, and why."""

    rule: str
    policy: str
    line: int
    expected: str
    call: str
    problem: str


class PolicyTestReply(msgspec.Struct, frozen=True):
    """`rules`: how many examples each rule has."""

    ok: bool
    examples: int
    rules: dict[str, int]
    failures: tuple[PolicyFailure, ...] = ()
    lacking: tuple[str, ...] = ()


class PolicyExplainRequest(Request, tag="policy.explain"):
    """One rule: where it is, what it says, what it catches and spares. ``*`` may stand for a part of the id."""

    rule: str


class RuleView(msgspec.Struct, frozen=True):
    """A rule with its source; `caught` and `spared` are its examples."""

    id: str
    verdict: str
    policy: str
    line: int
    state: str
    source: str
    caught: tuple[str, ...]
    spared: tuple[str, ...]


class PolicyExplainReply(msgspec.Struct, frozen=True):
    rules: tuple[RuleView, ...]


class ReloadRequest(Request, tag="daemon.reload"):
    """Read policies, configuration and key ring anew, as SIGHUP does. What is wrong leaves what was in force."""


class ReloadReply(msgspec.Struct, frozen=True):
    """`changed`: settings now in force (``section.key``). `restart`: those that count from the next start on."""

    policies: int
    changed: tuple[str, ...]
    restart: tuple[str, ...]
    problems: tuple[str, ...]


class PolicyReloadRequest(Request, tag="policy.reload"):
    """Read all policies again, all or none, as SIGHUP does."""


class PolicyReloadReply(msgspec.Struct, frozen=True):
    """`problem`: why the policies in force before stay, "" where the new ones took over."""

    version: str
    policies: int
    problem: str = ""


# --- notifications ----------------------------------------------------------------------------------------------------


class NotifyTestRequest(Request, tag="notify.test"):
    """Tell a test notice by every way that is configured, once, and say what became of it."""


class Delivery(msgspec.Struct, frozen=True):
    """What became of a notice at one outlet (``webhook``, ``desktop``, ``command``); `told` says it in words."""

    outlet: str
    ok: bool
    told: str
    took_ms: int


class NotifyTestReply(msgspec.Struct, frozen=True):
    deliveries: tuple[Delivery, ...]


# --- agents and tokens ------------------------------------------------------------------------------------------------


class AgentRegisterRequest(Request, tag="agent.register"):
    """Declare that process `pid` (0: the peer) and all its descendants are this agent."""

    agent: str
    pid: int = 0
    session: str = ""
    """"" makes a new session id."""


class AgentView(msgspec.Struct, frozen=True):
    agent: str
    session: str
    pid: int
    uid: int
    since: int
    alive: bool


class AgentListRequest(Request, tag="agent.list"):
    """Registered agents and their sessions."""


class AgentList(msgspec.Struct, frozen=True):
    agents: tuple[AgentView, ...]


class TokenIssueRequest(Request, tag="token.issue"):
    """Issue a token for an agent: JWT, HMAC-SHA256. The token itself is shown only here."""

    agent: str
    role: Role = "agent"
    ttl_s: int = 86_400
    scopes: tuple[str, ...] = ()
    """Method prefixes it may call (``gate.``, ``log.query``); none: all that its role may."""


class TokenView(msgspec.Struct, frozen=True):
    id: str
    agent: str
    role: str
    scopes: tuple[str, ...]
    issued: int
    expires: int
    revoked: bool


class TokenReply(msgspec.Struct, frozen=True):
    token: str
    view: TokenView


class TokenListRequest(Request, tag="token.list"):
    """Tokens issued, without their secrets."""


class TokenList(msgspec.Struct, frozen=True):
    tokens: tuple[TokenView, ...]


class TokenRevokeRequest(Request, tag="token.revoke"):
    """Refuse a token from now on."""

    token_id: str


class TokenKeysRequest(Request, tag="token.keys"):
    """The ring of keys that sign tokens: their ids."""


class TokenKeys(msgspec.Struct, frozen=True):
    """`signing` signs new tokens, all of `keys` verify. `file`: the ring's; `managed`: the daemon only reads it."""

    keys: tuple[str, ...]
    signing: str
    file: str
    managed: bool


class TokenRotateRequest(Request, tag="token.rotate"):
    """Add a key to the ring, which signs from now on; tokens of the others stay valid."""


class TokenRetireRequest(Request, tag="token.retire"):
    """Remove a key from the ring: tokens that it signed are refused from now on."""

    key: str


# --- the table --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Method:
    """`role`: the weakest that may call it. `item`: what a streaming method sends, else None. `deadline_ms` 0: none.

    `is_new_work`: refused while the daemon is in an emergency or recovers from one.
    """

    request: type[Request]
    result: Any
    role: Role
    item: Any = None
    deadline_ms: int = DEFAULT_DEADLINE_MS
    is_new_work: bool = False

    @cached_property
    def name(self) -> str:
        return str(self.request.__struct_config__.tag)

    @cached_property
    def rank(self) -> int:
        """Of its role: who has at least this rank may call it."""
        return RANKS[self.role]


METHODS: tuple[Method, ...] = (
    Method(Hello, Welcome, "viewer"),
    Method(Ping, Pong, "viewer"),
    Method(Cancel, Done, "viewer"),
    Method(StatusRequest, Status, "viewer"),
    Method(MetricsRequest, MetricsReply, "viewer"),
    Method(DegradationApproveRequest, Done, "operator"),
    Method(AppendRequest, AppendReply, "agent", is_new_work=True),
    Method(QueryRequest, QueryReply, "viewer"),
    Method(SubscribeRequest, Done, "viewer", item=EventView, deadline_ms=0),
    Method(VerifyRequest, VerifyReply, "viewer", item=Progress, deadline_ms=0),
    Method(ProjectListRequest, ProjectList, "viewer"),
    Method(ProjectImportRequest, Project, "operator", item=Progress, deadline_ms=0, is_new_work=True),
    Method(ProjectExportRequest, ExportReply, "operator", item=Progress, deadline_ms=0),
    Method(HistoryRequest, HistoryReply, "viewer"),
    Method(DiffRequest, DiffReply, "viewer", deadline_ms=120_000),
    Method(BlameRequest, BlameReply, "viewer"),
    Method(ChangePointsRequest, ChangePointsReply, "viewer", deadline_ms=120_000),
    Method(UndoRequest, UndoReply, "operator", deadline_ms=120_000),
    Method(SnapshotCreateRequest, Snapshot, "agent", is_new_work=True),
    Method(SnapshotListRequest, SnapshotList, "viewer"),
    Method(SnapshotDeleteRequest, Done, "operator"),
    Method(GcRequest, GcReply, "operator", item=Progress, deadline_ms=0),
    Method(FsckRequest, FsckReply, "operator", item=Progress, deadline_ms=0),
    Method(MirrorAddRequest, Mirror, "operator", item=Progress, deadline_ms=0, is_new_work=True),
    Method(MirrorListRequest, MirrorList, "viewer"),
    Method(MirrorRemoveRequest, Done, "operator"),
    Method(MirrorStatusRequest, MirrorStatusReply, "viewer"),
    Method(CheckRequest, Verdict, "agent", deadline_ms=330_000),
    Method(HookRequest, HookReply, "agent", deadline_ms=330_000),
    Method(HookReportRequest, Done, "agent"),
    Method(ApprovalListRequest, ApprovalList, "viewer"),
    Method(ApprovalShowRequest, ApprovalView, "operator"),
    Method(ApprovalAnswerRequest, Done, "operator"),
    Method(ApprovalAlwaysRequest, Pattern, "operator", is_new_work=True),
    Method(PatternListRequest, PatternList, "viewer"),
    Method(PatternShowRequest, PatternReply, "viewer"),
    Method(PatternRevokeRequest, Done, "operator"),
    Method(PolicyListRequest, PolicyList, "viewer"),
    Method(PolicyShowRequest, PolicySource, "viewer"),
    Method(PolicyPutRequest, PolicyChanged, "admin"),
    Method(PolicyDeleteRequest, PolicyChanged, "admin"),
    Method(PolicyTestRequest, PolicyTestReply, "operator"),
    Method(PolicyExplainRequest, PolicyExplainReply, "viewer"),
    Method(PolicyReloadRequest, PolicyReloadReply, "admin"),
    Method(ReloadRequest, ReloadReply, "admin"),
    Method(NotifyTestRequest, NotifyTestReply, "operator", deadline_ms=90_000),
    Method(AgentRegisterRequest, AgentView, "agent", is_new_work=True),
    Method(AgentListRequest, AgentList, "viewer"),
    Method(TokenIssueRequest, TokenReply, "admin", is_new_work=True),
    Method(TokenListRequest, TokenList, "operator"),
    Method(TokenRevokeRequest, Done, "admin"),
    Method(TokenKeysRequest, TokenKeys, "operator"),
    Method(TokenRotateRequest, TokenKeys, "admin"),
    Method(TokenRetireRequest, TokenKeys, "admin"),
)
