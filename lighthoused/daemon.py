"""The composition root: everything is constructed here, in reading order.

It starts from the store up, and stops from the edges down.
"""

import os
import pwd
import resource
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial

import msgspec
import structlog
from prometheus_client import CollectorRegistry, generate_latest

from lighthoused.api.agents import AgentsApi
from lighthoused.api.agents import fold as fold_agents
from lighthoused.api.approvals import ApprovalsApi
from lighthoused.api.approvals import fold as fold_approvals
from lighthoused.api.connection import ConnectionApi
from lighthoused.api.degradation import DegradationApi
from lighthoused.api.degradation import last as last_condition
from lighthoused.api.gate import GateApi
from lighthoused.api.hooks import HooksApi
from lighthoused.api.log import LogApi
from lighthoused.api.mirrors import MirrorsApi
from lighthoused.api.notify import NotifyApi
from lighthoused.api.patterns import PatternsApi
from lighthoused.api.policies import PoliciesApi, restore
from lighthoused.api.projects import ProjectsApi
from lighthoused.api.reload import ReloadApi
from lighthoused.api.timetravel import TimeTravelApi
from lighthoused.api.tokens import TokensApi, fold
from lighthoused.api.upkeep import UpkeepApi
from lighthoused.api.views import event_line
from lighthoused.config import Config, policy_folders
from lighthoused.core.author import DAEMON, Author
from lighthoused.core.effects import World
from lighthoused.core.errors import Invalid
from lighthoused.core.events import Draft
from lighthoused.credentials import read_line
from lighthoused.gate import analysis
from lighthoused.gate.approvals import Approvals
from lighthoused.gate.audit import Audit
from lighthoused.gate.content.redaction import redacted
from lighthoused.gate.flows import Flows
from lighthoused.gate.gate import Gate
from lighthoused.gate.memory import Memory
from lighthoused.identity.access import Access
from lighthoused.identity.agents import Agents
from lighthoused.identity.keyring import KeyRing
from lighthoused.identity.origins import descends, origin_of
from lighthoused.identity.rights import Rights
from lighthoused.identity.tokens import Tokens
from lighthoused.identity.users import Users
from lighthoused.mirror.mirrors import Mirrors
from lighthoused.mount.eventlog import EventLog
from lighthoused.mount.following import Following
from lighthoused.mount.history import lost_moments
from lighthoused.mount.kept import Inherited
from lighthoused.mount.operations import Operations
from lighthoused.mount.permits import Permits
from lighthoused.mount.pipes import Pipes
from lighthoused.mount.root import Rooms, Root
from lighthoused.mount.session import Session
from lighthoused.mount.vnode import Owner
from lighthoused.notify.notifier import Notifier
from lighthoused.notify.outlets import outlets_of
from lighthoused.ops.degradation import MOUNT, Degradation
from lighthoused.ops.metrics import Metrics
from lighthoused.ops.telemetry import telemetry_of
from lighthoused.pattern.fitting import fit
from lighthoused.pattern.learning import Learning
from lighthoused.pattern.patterns import Patterns
from lighthoused.policy.engine import Policies
from lighthoused.policy.opa import ByServer, OpaServer
from lighthoused.policy.shelf import Shelf
from lighthoused.reloading import Reloading, roles_of
from lighthoused.reported import SERVING, Report
from lighthoused.rpc.dispatch import Dispatcher
from lighthoused.rpc.server import Server
from lighthoused.soundness import TIERS, Soundness, room_below, skipped_tier
from lighthoused.store.store import Store
from lighthoused.survival.notify import notify
from lighthoused.takeover import Takeover
from lighthoused.tree.automatic import Automatic
from lighthoused.tree.gc import Gc
from lighthoused.tree.glance import Glance
from lighthoused.tree.mending import Fsck
from lighthoused.tree.tree import Tree
from lighthoused.tree.undo import Undo

log = structlog.get_logger()

OWN_DESCRIPTORS = 128
"""Open files left for all else than connections."""


class Daemon:
    """One daemon's parts, wired."""

    def __init__(self, config: Config, store: Store, takeover: Takeover | None, reread: Callable[[], Config]) -> None:
        self.config = config
        """As it was at the start; `reloading` has what is in force."""
        self.started = time.monotonic()
        self.clock = time.time_ns
        self.metrics_url = ""
        self.phase = "STARTING"
        """What goes on before and after SERVING."""
        self.report = Report(self)
        self.metrics = Metrics(CollectorRegistry())
        self._open(store, takeover)
        self._know_peers()
        self._ask_people()
        self._judge()
        self._mount(takeover)
        self._keep_up()
        self._listen(reread)

    def _open(self, store: Store, takeover: Takeover | None) -> None:
        """The log, and the tree over it."""
        config = self.config
        self.store = store
        self.store.writer.observer = self.metrics.log
        self.metrics.log.follow_head(lambda: self.store.writer.committed)
        self.tree = Tree(store, self.clock, config.mount.cache_bytes, takeover.unstored if takeover else None)
        mount = str(config.paths.mount) if config.mount.enabled else ""
        self.glance = Glance(self.tree.projects, self.tree.reading, mount)

    def _know_peers(self) -> None:
        """Who asks, and what they may."""
        config = self.config
        self.agents = Agents(self.clock)
        fold_agents(self.agents, self.store.log)
        given = config.credentials.token_keys
        self.keys = KeyRing.load(given or config.paths.state / "token.keys", managed=bool(given))
        self.tokens = Tokens(self.keys, self.clock)
        fold(self.tokens, self.store.log)
        self.users = Users(roles_of(config))
        self.access = Access(self.agents, self.tokens, self.users, os.geteuid(), config.rpc.rate, self._report_security)

    def _ask_people(self) -> None:
        """What waits for a person, who is told of it, and the record of what was judged."""
        config = self.config
        self.audit = Audit(self.store.append, self.clock)
        self.notifier = Notifier(
            outlets_of(config.notify, config.credentials.webhook_url), config.notify.on, self.metrics.notify, self.clock
        )
        self.approvals = Approvals(
            self.audit.record,
            deadline_s=config.gate.approval_deadline_s,
            now=self.clock,
            listener=self.notifier,
            origin_of=origin_of,
            descends=descends,
        )
        fold_approvals(self.approvals, self.store.log, self.clock())
        self.metrics.gate.follow_pending(lambda: len(self.approvals.waiting()))

    def _judge(self) -> None:
        """Policies, what people's answers taught, and the gate that goes by them."""
        config = self.config
        self.shelf = Shelf(policy_folders(config)[-1])
        self._put = restore(self.shelf, self.store.log)
        self.policies = Policies(policy_folders(config))
        if self.policies.problem:
            raise Invalid(self.policies.problem, "Correct the file; the daemon does not start without your policies.")
        self.analyser = analysis.standard()
        self.patterns = Patterns()
        self.learning = Learning(self.patterns, self.store.log, self.store.feed, fit, self.clock)
        self.learning.rebuild()
        self.opa = self._opa()
        self.verdicts = Memory(config.gate.cache_bytes)
        self.gate = Gate(
            self.analyser,
            self.policies if self.opa is None else ByServer(self.policies, self.opa),
            self.verdicts,
            self.approvals,
            self.audit,
            self.metrics.gate,
            patterns=self.patterns,
            profile=config.gate.profile,
            now=self.clock,
            flows=Flows(config.gate.limits, self.glance.text, counts_matter=lambda: self.policies.may_count),
            prompt=self.opa is None,
            unaudited=config.degradation.unaudited == "judge",
        )
        self.metrics.gate.follow_tiers(self.gate.tiers.all)

    def _mount(self, takeover: Takeover | None) -> None:
        """What is seen under the mount, and what is done when it is lost."""
        config = self.config
        self.following = Following(self.store.log, self.store.feed, event_line)
        self.owner = Owner(os.geteuid(), os.getegid(), self.clock())
        kept = takeover.pipes if takeover else None
        self.pipes = Pipes(config.paths.mount, self.owner, self.following.lines, kept)
        self.degradation = self._degradation()
        self.session = self._session(takeover.mount if takeover else None)
        self.degradation.begin()
        self.store.writer.failing = self.degradation.look
        self._world = World(
            home=os.path.expanduser("~"),
            roots=(),
            mount=str(config.paths.mount) if self.session is not None else "",
            user=pwd.getpwuid(os.geteuid()).pw_name,
        )

    def _keep_up(self) -> None:
        """Snapshots, collection, undoing, and the directories that projects are kept equal with."""
        config = self.config
        snapshots = config.snapshots
        self.automatic = Automatic(self.tree.projects, self.store.log, self.clock, snapshots.every_s, snapshots.keep)
        self.gc = Gc(self.tree, self._forget_moments)
        self.undo = Undo(self.tree, self._invalidate)
        own = (config.paths.state, config.paths.mount)
        self.mirrors = Mirrors(self.tree, config.paths.state, self.is_own_path, own, self._invalidate)

    def _listen(self, reread: Callable[[], Config]) -> None:
        """The socket, and what is answered there."""
        config = self.config
        self.reloading = Reloading(
            config, reread, self.policies, self.opa, self.keys, self.users, self.notifier, self.announce
        )
        connections = min(config.rpc.max_connections, raise_descriptor_limit() - OWN_DESCRIPTORS)
        told = config.telemetry
        self.telemetry = telemetry_of(told.endpoint.reveal(), told.sample, told.every_s, os.environ)
        self.server = Server(
            self._dispatcher(),
            self.access,
            self.metrics.rpc,
            connections,
            self.telemetry,
            elsewhere=lambda: self.metrics.mount.operations,
        )
        self.store.writer.answering = self.server.outbox

    def is_own_path(self, path: bytes) -> bool:
        """Whether a path is the daemon's state or mount, which it must not import or write to."""
        own = (os.fsencode(self.config.paths.state), os.fsencode(self.config.paths.mount))
        return any(path == one or path.startswith(one + b"/") for one in own)

    def world(self, uid: int) -> World:
        """Where requests of a user happen: in their home, where projects came from, and the mount."""
        sources = self.tree.projects.sources
        if self._world.roots is not sources:
            self._world = msgspec.structs.replace(self._world, roots=sources)
        if uid in (-1, self.owner.uid) or (user := self.users.find(uid)) is None:
            return self._world
        return msgspec.structs.replace(self._world, home=user.home, user=user.name)

    async def announce(self, kind: str, payload: Mapping[str, object]) -> None:
        """Make an event of something that happened to the daemon itself, as soon as the store takes it."""
        here = DAEMON._replace(uid=os.geteuid(), pid=os.getpid())
        await self.degradation.tell(here.draft("daemon", kind, payload, self.clock()))

    async def scrubbed(self, check: str, problems: int) -> None:
        """Make an event of a check of everything."""
        await self.announce(f"scrub.{check}", {"problems": problems})

    async def record(self, draft: Draft) -> None:
        """Make an event of what somebody reports, after the verdicts before it. Raises core errors."""
        await self.audit.flush()
        await self.store.append((redacted(draft),))

    async def caught_up(self) -> None:
        """Wait until what was judged and what was done under the mount so far is in the log."""
        await self.audit.flush()
        await self.tree.journal.caught_up()

    def _dispatcher(self) -> Dispatcher:
        append = self.store.append
        registry = AgentsApi(self.agents, append, self.clock)
        families = (
            ConnectionApi(self.access, self.report.status, lambda: generate_latest(self.metrics.registry)),
            DegradationApi(self.degradation.approve),
            LogApi(self.store, self.clock, self.caught_up, self.scrubbed),
            ProjectsApi(self.tree, self.undo, self.is_own_path),
            TimeTravelApi(self.tree),
            UpkeepApi(Fsck(self.tree, self._invalidate), self.gc, self.scrubbed),
            MirrorsApi(self.mirrors),
            registry,
            TokensApi(self.tokens, self.keys, append, self.clock),
            GateApi(self.gate, self.world),
            HooksApi(
                self.gate,
                self.world,
                self.agents,
                registry.admit,
                self.record,
                self.clock,
                waits=self.config.gate.hook_escalation == "wait",
            ),
            ApprovalsApi(self.approvals, self.glance),
            NotifyApi(self.notifier),
            ReloadApi(self.reloading.reload),
            PatternsApi(self.approvals, self.patterns, append, self.clock),
            PoliciesApi(
                self.policies,
                self.shelf,
                self._put,
                self.analyser,
                append,
                self.reloading.reload_policies,
                self.clock,
                self.config.gate.profile,
            ),
        )
        handlers = {kind: handler for family in families for kind, handler in family.handlers().items()}
        dispatcher = Dispatcher(handlers, self.degradation.refusal)
        assert not dispatcher.missing, dispatcher.missing
        return dispatcher

    def _session(self, inherited: Inherited | None) -> Session | None:
        config = self.config
        if not config.mount.enabled:
            return None
        events = EventLog(self.store.log, event_line)
        root = Root(self.owner, Rooms(self.tree, self.report.files, self.pipes, self.following, events))
        permits = Permits(Rights(config.rights), self.tree, self._report_security) if config.rights else None
        holds = inherited.holds if inherited else None
        operations = Operations(
            self.tree, root, self._author, self.metrics.mount, str(config.paths.state), permits, holds
        )
        return Session(operations, config.paths.mount, config.mount.allow_other, self, inherited)

    def lost(self, why: str) -> None:
        """The mount is."""
        self.degradation.lost(MOUNT, why)

    def restored(self) -> None:
        """The mount is."""
        self.degradation.restored(MOUNT)

    def _degradation(self) -> Degradation:
        config = self.config.degradation
        state = str(self.config.paths.state)
        warnings: dict[str, Callable[[], str]] = {"disk": lambda: room_below(state, config.low_space)}
        if self.opa is not None:
            warnings["opa"] = lambda: self.opa.problem if self.opa is not None else ""
        for name in TIERS:
            warnings[name] = partial(skipped_tier, self.gate.tiers, name)
        degradation = Degradation(
            Soundness(self.tree, lambda: self.session, lambda: degradation.condition, self._tell_state),
            self.store.append,
            self.metrics.degradation,
            self.clock,
            warnings,
            approval=config.approval,
            condition=last_condition(self.store.log),
        )
        self.metrics.degradation.follow(lambda: degradation.condition.state, lambda: degradation.warnings, warnings)
        return degradation

    def _tell_state(self) -> None:
        if self.phase == SERVING:
            with suppress(OSError):
                notify(f"STATUS={self.report.summary()}")

    def _opa(self) -> OpaServer | None:
        config = self.config.gate
        url = config.opa_url.reveal()
        if not url:
            return None
        file = self.config.credentials.opa_token
        token = read_line(file, "The token for the OPA server") if file else ""
        server = OpaServer(url, token, self.policies, config.opa_deadline_s, self.announce, self.metrics.opa)
        self.metrics.opa.follow(lambda: not server.problem)
        return server

    def _author(self, pid: int, uid: int, gid: int) -> Author:
        acting = self.agents.of(pid)
        return Author(acting.agent, acting.session, uid, gid, pid)

    async def _invalidate(self, inodes: Iterable[int], entries: Iterable[tuple[int, bytes]]) -> None:
        if self.session is not None:
            await self.session.invalidate(inodes, entries)

    async def _forget_moments(self) -> None:
        if self.session is not None:
            await self.session.invalidate((), lost_moments(self.session.virtual, self.tree))

    def _report_security(self, kind: str, payload: dict[str, object], author: Author) -> None:
        self.metrics.security.happened(kind)
        log.warning(kind, agent=author.agent, uid=author.uid, pid=author.pid, **payload)
        paths = (str(payload["path"]),) if "path" in payload else ()
        self.audit.record(author.draft("security", kind, payload, self.clock(), paths=paths))


def raise_descriptor_limit() -> int:
    """Allow this process as many open files as it may have (getrlimit(2)); the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
