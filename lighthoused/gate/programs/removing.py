"""Words by which a command line says that it removes something: ``db:drop``, ``delete-bucket``, ``remove --force app``.

Must not know any program.
"""

import re
from collections.abc import Iterable

MAX_LOOKED_AT = 6
_WORD = re.compile(r"(?a)(?!\d)\w[\w:.-]{0,63}")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_STRONG = frozenset(
    {"delete", "destroy", "purge", "drop", "wipe", "erase", "terminate", "nuke", "truncate", "obliterate", "teardown"}
    | {"decommission", "deprovision", "deregister", "unpublish", "deleteall", "flushall", "flushdb", "rmr", "undeploy"}
)
_WEAK = frozenset(
    {"remove", "rm", "del", "reset", "flush", "clear", "uninstall", "revoke", "rollback", "prune", "disable", "expire"}
    | {"evict", "rb", "drain", "unregister", "untag", "empty", "rotate", "cancel", "overwrite"}
)
_UNDOING = frozenset(
    {"remove", "rm", "rollback", "revoke", "uninstall", "untag", "disable", "unregister", "suspend", "deactivate"}
    | {"deallocate", "poweroff", "shutdown", "detach", "invalidate", "retire", "archive", "deprecate", "unassign"}
    | {"deauthorize", "quarantine", "unlink", "wipeout", "expunge"}
    | {"rb", "disconnect", "kill"}
)
_GRAVE = _WEAK - {"clear", "rotate", "cancel", "empty", "prune", "drain", "expire"}
_THINGS = frozenset(
    {
        "account",
        "alert",
        "api",
        "app",
        "application",
        "backup",
        "bucket",
        "cert",
        "certificate",
        "cluster",
        "collection",
    }
    | {"container", "customer", "dashboard", "data", "database", "db", "deployment", "disk", "dns", "domain", "droplet"}
    | {
        "everything",
        "feature",
        "firewall",
        "flag",
        "function",
        "gateway",
        "group",
        "host",
        "index",
        "indices",
        "instance",
    }
    | {"invoice", "keyspace", "listener", "machine", "member", "message", "monitor", "namespace", "node", "org"}
    | {
        "organization",
        "partition",
        "permission",
        "pipeline",
        "pod",
        "object",
        "obj",
        "policy",
        "pool",
        "prod",
        "product",
        "production",
    }
    | {"queue", "record", "registry", "release", "replica", "repo", "repository", "role", "route", "rule", "schema"}
    | {
        "secret",
        "server",
        "service",
        "shard",
        "site",
        "snapshot",
        "stack",
        "storage",
        "stream",
        "subscription",
        "table",
    }
    | {"team", "tenant", "token", "topic", "user", "vault", "vm", "volume", "vpc", "webhook", "worker", "zone"}
)
_FORCED = frozenset(
    {"--force", "--yes", "--no-confirm", "--noconfirm", "--all", "--confirm", "--assume-yes", "--purge"}
)
_LOOKS = frozenset(
    {"list", "ls", "get", "show", "describe", "help", "view", "search", "find", "explain", "docs", "man", "log", "logs"}
    | {
        "status",
        "grep",
        "test",
        "lint",
        "create",
        "add",
        "new",
        "generate",
        "g",
        "make",
        "init",
        "can",
        "can-i",
        "undo",
        "no",
    }
    | {"not", "never", "history", "plan", "diff", "inspect", "print", "echo", "un", "info", "preview", "read", "query"}
)
_HARMLESS = frozenset(
    {"--help", "--dry-run", "--dryrun", "--dry", "--simulate", "--noop", "--no-op", "--whatif", "--what-if"}
    | {"--preview", "--plan", "--version", "--explain"}
)
_SWITCHED_OFF = ("=false", "=no", "=none", "=0", "=off")
_FLAG = re.compile(
    r"(?i)--?(?:delete|destroy|purge|wipe|erase|nuke|obliterate|flush|drop|truncate|remove)"
    r"(?:[-_]?(?:all|data|everything|dbs?|databases?|duplicates|files|volumes|tables?|index(?:es)?|schemas?|storage"
    r"|sources?|remote|old|expired|missing|buckets?|clusters?|users?|bucket|topics?|queues?|repo|backups?|snapshots?))"
    r"|--(?:delete|destroy|purge|wipe|erase|nuke|obliterate)"
)


def says_it_removes(words: Iterable[str], flags: Iterable[str], elsewhere: bool = False) -> bool:
    """Whether the first words after a program's name, or its flags, say that something is removed.

    A weak verb (``remove``, ``reset``) counts only beside a thing that matters (``db``, ``user``), with force, or
    (some) where the program is for things `elsewhere`.
    """
    given = {flag.partition("=")[0] for flag in flags if not flag.endswith(_SWITCHED_OFF)}
    if given & _HARMLESS:
        return False
    forced = bool(given & _FORCED)
    seen = list(words)[: MAX_LOOKED_AT + 2]
    for at, word in enumerate(seen[:MAX_LOOKED_AT]):
        parts = _parts(word)
        if not parts:
            continue
        ends = {parts[-1]} if "." in word else {parts[0], parts[-1]}
        if parts[0] in _LOOKS and not (len(parts) > 1 and parts[-1] in _STRONG):
            return False
        if word.lower() in _STRONG or (ends & _STRONG and (len(parts) == 1 or _is_command(parts))):
            return True
        if elsewhere and ends & _UNDOING:
            return True
        if ends & _WEAK and _matters(parts, seen[max(at - 1, 0) : at], seen[at + 1 : at + 3], forced, ends):
            return True
    return any(map(_FLAG.fullmatch, given))


def named_for_it(program: str) -> bool:
    """Whether a program is called after what it does: ``mega-rm``, ``swift-delete``."""
    parts = _parts(program)
    return len(parts) > 1 and parts[-1] in _STRONG | {"rm", "rmdir"} and _is_command(parts)


def _is_command(parts: list[str]) -> bool:
    """``delete-bucket``, ``db:drop`` and ``DeleteBucket``, not ``drop-down`` or ``no-delete``."""
    return not {"down", "in", "shadow", "no", "not", "never", "marker", "un", "can"} & set(parts) and len(parts) < 7


def _matters(parts: list[str], before: list[str], after: list[str], forced: bool, verbs: set[str]) -> bool:
    near = {_single(part) for word in (*before, *after) for part in _parts(word)} | set(map(_single, parts))
    return bool(near & _THINGS) or (forced and bool(verbs & _GRAVE))


def _parts(word: str) -> list[str]:
    """The words that a command's name is made of; none of what is no name (``a/b``)."""
    return [part.lower() for part in _PART.findall(word)] if _WORD.fullmatch(word) else []


def _single(part: str) -> str:
    return part[:-1] if part.endswith("s") and part[:-1] in _THINGS else part
