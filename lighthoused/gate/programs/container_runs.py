"""``docker run`` and its like: the command runs in a container, and reaches of this machine what is mounted there."""

import posixpath
import re

from lighthoused.gate.containers import Container, Mount
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import Input, State
from lighthoused.gate.shell.text import UNKNOWN, unmarked

_SWITCHES = frozenset(
    {"--rm", "--detach", "--interactive", "--tty", "--init", "--privileged", "--read-only", "--publish-all", "--help"}
    | {
        "--no-healthcheck",
        "--oom-kill-disable",
        "--sig-proxy",
        "--disable-content-trust",
        "--quiet",
        "--rmi",
        "--replace",
    }
    | {"--no-hosts", "--tls-verify", "--systemd", "--env-host", "--http-proxy", "--rootfs", "--passwd"}
)
"""Flags without a value (docker-run(1), podman-run(1))."""
_GLOBAL = frozenset({"-H", "--host", "-c", "--context", "--config", "-l", "--log-level", "--namespace", "-n", "--root"})
_LETTERS = frozenset("ditTPq")
_STARTS = frozenset({"run", "create"})
_ROOT = re.compile(r"/+|/(proc|sys|dev|etc|boot|root|var|usr|var/lib|var/run|run)/?")
_SOCKET = re.compile(r"^(/var)?/run/(docker|podman/podman|containerd/containerd|crio/crio)\.sock$")


class _Asked:
    """The arguments of ``run``: flags with their values, then image and command."""

    def __init__(self, words: list[str]) -> None:
        self.flags: dict[str, list[str]] = {}
        rest = list(map(unmarked, words))
        while rest and rest[0].startswith("-") and len(rest[0]) > 1:
            word = rest.pop(0)
            flag, equals, value = word.partition("=")
            if flag.startswith("--"):
                self._add(flag, value if equals or flag in _SWITCHES or not rest else rest.pop(0))
                continue
            letters = word[1:]
            while letters[:1] in _LETTERS and letters:
                self._add("-" + letters[0], "")
                letters = letters[1:]
            if letters:
                attached = letters[1:].removeprefix("=")
                self._add("-" + letters[0], attached or (rest.pop(0) if rest else ""))
        self.command = rest[1:]

    def _add(self, flag: str, value: str) -> None:
        self.flags.setdefault(flag, []).append(value)

    def of(self, *names: str) -> list[str]:
        return [value for name in names for value in self.flags.get(name, ())]


def containers(run: Run, argv: list[str], state: State) -> str | None:
    """A command in a new container."""
    at = 1
    while at < len(argv) and (argv[at].startswith("-") or argv[at] == "container"):
        at += 2 if argv[at] in _GLOBAL else 1
    if argv[at : at + 1] == [] or argv[at] not in _STARTS:
        return None
    asked = _Asked(argv[at + 1 :])
    mounts = (*map(_volume, asked.of("-v", "--volume")), *map(_mount, asked.of("--mount")))
    known = tuple(_absolute(run, mount, state) for mount in mounts if mount is not None)
    _escapes(run, argv[0], asked, known)
    command = [*asked.of("--entrypoint")[-1:], *asked.command]
    if not command or command[0].startswith("-") or not command[0]:
        return UNKNOWN
    inside = state.fork(Input(state.stdin.text))
    inside.assign("HOME", ("/root",))
    inside.assign("PWD", ((asked.of("-w", "--workdir") or ["/"])[-1],))
    place = run.findings.place
    before, place.container = place.container, None if "host" in asked.of("--pid") else Container(known)
    run.command(command, inside)
    place.container = before
    return UNKNOWN


def _volume(value: str) -> Mount | None:
    """``source:target[:options]``; a source without a slash is a volume, not a directory."""
    source, colon, rest = value.partition(":")
    target, _, options = rest.partition(":")
    if not colon or not target.startswith("/") or not re.match(r"[/.~\ue000-\ue007]", source):
        return None
    return Mount(posixpath.normpath(target), source, "ro" not in options.split(","))


def _mount(value: str) -> Mount | None:
    """``type=bind,source=...,target=...``"""
    fields = dict(part.partition("=")[::2] for part in value.split(","))
    source, target = fields.get("source", fields.get("src", "")), fields.get("target", fields.get("dst", ""))
    target = target or fields.get("destination", "")
    if fields.get("type", "bind") != "bind" or not source or not target:
        return None
    return Mount(posixpath.normpath(target), source, not {"ro", "readonly"} & fields.keys())


def _absolute(run: Run, mount: Mount, state: State) -> Mount:
    return mount._replace(outside=run.findings.targets.absolute(mount.outside, state.cwd))


def _escapes(run: Run, name: str, asked: _Asked, mounts: tuple[Mount, ...]) -> None:
    """What makes a container as good as the machine itself."""
    flags = asked.flags
    whole = any(_ROOT.fullmatch(mount.outside) and (mount.writable or mount.outside == "/") for mount in mounts)
    socket = any(_SOCKET.match(mount.outside) for mount in mounts)
    if whole or socket or "true" in flags.get("--privileged", ()) or "" in flags.get("--privileged", ()):
        note = "The container sees the whole machine."
        run.findings.add("escalate_privilege", f"{name} run", "system", program=name, note=note)
    elif "host" in asked.of("--pid"):
        note = "The container sees and ends all processes of the machine."
        run.findings.add("escalate_privilege", f"{name} run", "system", program=name, note=note)


RUNS = dict.fromkeys(("docker", "podman", "nerdctl", "finch"), containers)
