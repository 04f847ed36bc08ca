"""What agents do and say as people are told it: effects in words, text without hidden parts. Not how it is shown."""

from lighthoused.core.effects import KINDS, destructive
from lighthoused.core.verdicts import Effect

VERBS: dict[str, str] = {
    "read": "reads",
    "write": "writes",
    "append": "adds to",
    "delete": "deletes",
    "discard": "throws away unsaved work in",
    "rewrite_history": "rewrites or removes history:",
    "overwrite_device": "writes over the disk",
    "mount": "attaches, detaches or resizes",
    "permission": "changes who may use",
    "account": "changes users, groups or passwords:",
    "escalate_privilege": "runs with more rights:",
    "execute": "runs",
    "interpret": "runs code that cannot be seen before:",
    "fetch": "gets data from",
    "send": "sends local data to",
    "listen": "opens a way in from the network:",
    "push": "uploads:",
    "publish": "makes public",
    "install": "installs",
    "uninstall": "removes the package",
    "configure": "changes settings:",
    "persist": "arranges to run later or at every start:",
    "service": "stops or disables the service",
    "kill": "ends processes:",
    "power": "halts, reboots or suspends the machine",
    "kernel": "changes the kernel:",
    "trace": "looks into other processes or the user's input:",
    "firewall": "changes packet filters or routes:",
    "destroy": "removes, elsewhere,",
    "alter": "changes, elsewhere,",
    "conceal": "removes traces:",
    "disguise": "hides what it is, or switches a protection off:",
    "exhaust": "uses up processes, memory or disk:",
    "collect": "copies to where others may read it:",
    "disclose": "writes or sends a secret in plain text:",
    "expose": "lets others reach or change:",
    "probe": "looks for secrets or weaknesses in",
    "spend": "costs or moves money:",
    "weaken": "writes code with a known weakness:",
    "unparsed": "could not be understood, and may do anything:",
}
SCOPES: dict[str, str] = {
    "project": "in the project",
    "elsewhere": "outside the project",
    "home": "in the home directory",
    "system": "of the system",
    "temp": "temporary",
    "device": "a device",
    "network": "over the network",
    "remote": "on a remote host",
    "database": "in a database",
    "cluster": "in a cluster",
    "process": "a process",
    "unknown": "",
}
PLACES: dict[str, str] = {
    "root": "all of it",
    "top": "needed by all users",
    "vcs": "the project's own history",
    "secret": "a secret",
    "startup": "runs by itself later",
    "account": "says who may do what",
    "log": "a record of what happened",
    "history": "what somebody typed",
    "program": "a program of the system",
}


def in_words(effect: Effect) -> str:
    """What an effect does, to what, and what that means: ``deletes /srv/a and all below it (of the system)``."""
    verb = verb_of(effect.kind)
    verb = verb if effect.target else verb.rstrip(":")
    below = " and all below it" if effect.recursive and effect.target else ""
    about = ", ".join(filter(None, _circumstances(effect)))
    return " ".join(filter(None, (_certainty(effect), verb, effect.target))) + below + (f" ({about})" if about else "")


def verb_of(kind: str) -> str:
    """What an effect of a kind does."""
    about = KINDS.get(kind, kind)
    return VERBS.get(kind) or f"{about[:1].lower()}{about[1:].rstrip('.')}:"


def _certainty(effect: Effect) -> str:
    return "" if effect.certainty == "certain" else "perhaps"


def _circumstances(effect: Effect) -> tuple[str, ...]:
    undo = "can be undone" if effect.undoable else "cannot be undone" if destructive(effect) else ""
    return SCOPES.get(effect.scope, effect.scope), PLACES.get(effect.place, ""), undo


def visible(text: str, keep: str = "") -> str:
    """Text with what a terminal would obey or not show spelled out, but for the characters in `keep`.

    Commands, paths and reasons are an agent's words: they must not hide a part of themselves from who reads them.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in keep else letter.encode("unicode_escape").decode()
        for letter in text
    )
