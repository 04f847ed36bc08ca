"""Every method once: its messages, the role that may call it, its deadline."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lighthoused.core.verdicts import Verdict
from lighthoused.protocol.messages.agents import (
    AgentList,
    AgentListRequest,
    AgentRegisterRequest,
    AgentView,
    TokenIssueRequest,
    TokenKeys,
    TokenKeysRequest,
    TokenList,
    TokenListRequest,
    TokenReply,
    TokenRetireRequest,
    TokenRevokeRequest,
    TokenRotateRequest,
)
from lighthoused.protocol.messages.base import DEFAULT_DEADLINE_MS, RANKS, Request, Role
from lighthoused.protocol.messages.connection import Cancel, Done, Hello, Ping, Pong, Welcome
from lighthoused.protocol.messages.gate import (
    ApprovalAlwaysRequest,
    ApprovalAnswerRequest,
    ApprovalList,
    ApprovalListRequest,
    ApprovalShowRequest,
    ApprovalView,
    CheckRequest,
    HookReply,
    HookReportRequest,
    HookRequest,
)
from lighthoused.protocol.messages.log import (
    AppendReply,
    AppendRequest,
    EventView,
    Progress,
    QueryReply,
    QueryRequest,
    SubscribeRequest,
    VerifyReply,
    VerifyRequest,
)
from lighthoused.protocol.messages.mirrors import (
    Mirror,
    MirrorAddRequest,
    MirrorList,
    MirrorListRequest,
    MirrorRemoveRequest,
    MirrorStatusReply,
    MirrorStatusRequest,
)
from lighthoused.protocol.messages.notifications import NotifyTestReply, NotifyTestRequest
from lighthoused.protocol.messages.patterns import (
    Pattern,
    PatternList,
    PatternListRequest,
    PatternReply,
    PatternRevokeRequest,
    PatternShowRequest,
)
from lighthoused.protocol.messages.policies import (
    PolicyChanged,
    PolicyDeleteRequest,
    PolicyExplainReply,
    PolicyExplainRequest,
    PolicyList,
    PolicyListRequest,
    PolicyPutRequest,
    PolicyReloadReply,
    PolicyReloadRequest,
    PolicyShowRequest,
    PolicySource,
    PolicyTestReply,
    PolicyTestRequest,
    ReloadReply,
    ReloadRequest,
)
from lighthoused.protocol.messages.projects import (
    BlameReply,
    BlameRequest,
    ChangePointsReply,
    ChangePointsRequest,
    DiffReply,
    DiffRequest,
    ExportReply,
    HistoryReply,
    HistoryRequest,
    Project,
    ProjectExportRequest,
    ProjectImportRequest,
    ProjectList,
    ProjectListRequest,
    Snapshot,
    SnapshotCreateRequest,
    SnapshotDeleteRequest,
    SnapshotList,
    SnapshotListRequest,
    UndoReply,
    UndoRequest,
)
from lighthoused.protocol.messages.status import (
    DegradationApproveRequest,
    MetricsReply,
    MetricsRequest,
    Status,
    StatusRequest,
)
from lighthoused.protocol.messages.upkeep import FsckReply, FsckRequest, GcReply, GcRequest


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
