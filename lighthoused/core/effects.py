"""The kinds of effects that the gate knows, and the place where a request happens. Must not know how they are found."""

import msgspec

from lighthoused.core.verdicts import Effect

KINDS: dict[str, str] = {
    "read": "Reads a file or directory.",
    "collect": "Copies a file to where it is read by others: an archive, another directory, another form.",
    "write": "Creates or overwrites a file, or changes it in place.",
    "append": "Adds to the end of a file, or creates it.",
    "delete": "Removes a file or directory.",
    "discard": "Throws away work that was not committed or saved elsewhere.",
    "rewrite_history": "Rewrites or removes commits, branches or tags that others or the reflog may need.",
    "overwrite_device": "Writes to a disk, partition or filesystem below its files.",
    "mount": "Attaches, detaches or resizes filesystems and disks.",
    "permission": "Changes modes, owners, ACLs, capabilities or attributes of files.",
    "account": "Changes users, groups, passwords or who may become root.",
    "escalate_privilege": "Runs something with more rights than the caller has.",
    "execute": "Runs a program whose effects are not known in detail.",
    "interpret": "Runs code that cannot be seen before it runs.",
    "fetch": "Gets data from the network.",
    "send": "Sends local data to the network.",
    "listen": "Accepts connections or opens a shell to the network.",
    "push": "Adds commits or files to a remote branch or host.",
    "publish": "Makes a release public that cannot simply be withdrawn.",
    "install": "Installs packages, whose scripts run.",
    "uninstall": "Removes packages.",
    "configure": "Changes settings of the user, a tool or the system.",
    "persist": "Arranges for something to run later or at every start.",
    "service": "Stops, disables or masks a service.",
    "kill": "Ends or signals processes.",
    "power": "Halts, reboots or suspends the machine.",
    "kernel": "Loads kernel modules or changes kernel parameters.",
    "probe": "Looks for secrets, weaknesses or open doors.",
    "trace": "Reads or changes the memory of other processes, or watches the user.",
    "firewall": "Changes packet filters, routes or network interfaces.",
    "destroy": "Removes remote resources: databases, clusters, buckets, queues, accounts.",
    "alter": "Changes remote resources in a way that can be reverted.",
    "expose": "Lets others reach, read or change what they could not before.",
    "spend": "Orders something that costs money, or moves money.",
    "conceal": "Removes traces: histories, logs, audit records, times.",
    "disguise": "Makes something appear as what it is not, or switches a protection off.",
    "exhaust": "Uses up processes, memory or disk until the machine stops working.",
    "disclose": "Writes or sends a secret in plain text.",
    "weaken": "Writes code with a known weakness.",
    "unparsed": "Could not be understood as a command; may do anything.",
}


class World(msgspec.Struct, frozen=True):
    """Where a request happens, as far as judging needs it. Absolute paths without trailing slash.

    `roots` are directories of projects that are not versioned; below `mount`, ``<project>/current`` are those that are.
    """

    home: str = "/root"
    roots: tuple[str, ...] = ()
    mount: str = ""
    user: str = ""


def destructive(effect: Effect) -> bool:
    """Whether the effect loses something that the caller may want back."""
    return effect.kind in DESTRUCTIVE and not effect.undoable


DESTRUCTIVE = frozenset(
    {"delete", "discard", "rewrite_history", "overwrite_device", "destroy", "uninstall", "conceal", "exhaust"}
)

LIMITS: dict[str, int] = {
    "delete": 60,
    "destroy": 20,
    "discard": 20,
    "rewrite_history": 20,
    "kill": 60,
    "push": 30,
    "publish": 10,
    "send": 60,
}
"""Calls with such an effect that an agent may make in a minute, where nothing else is configured."""
