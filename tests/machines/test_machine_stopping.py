"""Started, used, stopped, at any moment and in every way: nothing is left of it, neither a dead mount nor a process.

LIGHTHOUSE_STOP_ROUNDS=40 goes all ways, several times each, at other moments (and others by LIGHTHOUSE_STOP_SEED).
"""

import os
import random
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from tests_support.machine import Machine

ROUNDS = int(os.environ.get("LIGHTHOUSE_STOP_ROUNDS", "0"))
SEED = os.environ.get("LIGHTHOUSE_STOP_SEED", "")
USERS = (
    "exec 3>>log; while echo x >&3; do sleep 0.001; done",
    "exec 4<kept; while sleep 0.02; do read line <&4; done",
    "cd src; while sleep 0.02; do ls; done",
    "while echo $$ > new && mv new old && rm old; do sleep 0.01; done",
    "exec cat ../streams/events",
)
BEGIN = """systemctl start lighthoused; cd {mount}/demo/current
for use in {users}; do sh -c "$use" >/dev/null 2>&1 & echo $! >> {pids}; done
cd /; sleep {moment}
"""
STOP = "systemctl stop lighthoused"
KILL = "systemctl kill --signal=KILL lighthoused"
FORGET = "systemctl reset-failed lighthoused 2>/dev/null || true"
WAYS = {
    "at work": f"{BEGIN}{STOP}",
    "while it starts": f"systemctl start --no-block lighthoused; sleep {{moment}}; {STOP}",
    "while it is restarted": BEGIN + "systemctl restart --no-block lighthoused; sleep {moment}; " + STOP,
    "twice at once": BEGIN + STOP + " & sleep {short}; " + STOP + "; wait $!",
    "killed before": BEGIN + KILL + "; sleep {moment}; " + STOP,
    "killed meanwhile": BEGIN + STOP + " --no-block; sleep {short}; " + KILL + " || true; " + STOP,
    "hanging": BEGIN
    + "kill -STOP $(systemctl show --value --property=MainPID lighthoused); sleep {short}; "
    + f"{STOP} --no-block; sleep 1; {KILL} || true; {STOP}",
    "helper killed at the start": f"systemctl start --no-block lighthoused; sleep {{moment}}; {STOP}",
    "helper killed at the end": f"{BEGIN}{STOP}",
}
UNITS = ("of_machine", "of_user")
FOUND = [
    ("of_machine", "killed before"),
    ("of_machine", "killed meanwhile"),
    ("of_user", "killed before"),
]
"""Ways that once left a dead mount. Not "while it is restarted": a stop between the halves of a restart still can."""
IN_ORDER = ("at work", "twice at once")
"""Ways that do not even leave the state "failed"."""
SOON_S = 10.0
HUNT = """import os, time
end = time.monotonic() + 20
while time.monotonic() < end and not os.path.exists("/tmp/hunted"):
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = open(f"/proc/{process}/cmdline", "rb").read()
            if b"mount-helper" in words or b"fusermount3" in words:
                os.kill(int(process), 9)
        except OSError:
            pass
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


class Unit(NamedTuple):
    """lighthoused.service, of the machine or of a user."""

    machine: Machine
    user: str
    mount: str

    def shell(self, script: str) -> str:
        """Run as whose unit it is."""
        if not self.user:
            return self.machine.shell(script)
        uid = self.machine.run("id", "--user", self.user).strip()
        mine = 'systemctl() { command systemctl --user "$@"; }\n'
        return self.machine.shell(
            mine + script, user=self.user, HOME=f"/home/{self.user}", XDG_RUNTIME_DIR=f"/run/user/{uid}"
        )

    def left(self) -> list[str]:
        """What is there though the unit is stopped."""
        mounts = [line for line in self.machine.run("cat", "/proc/self/mountinfo").splitlines() if self.mount in line]
        listed = self.machine.run("ls", "-A", self.mount, check=False).splitlines()
        owner = self.user or "lighthouse"
        running = self.machine.run("pgrep", "--euid", owner, "--list-full", "lighthouse", check=False).splitlines()
        state = self.shell("systemctl show --value --property=ActiveState lighthoused").strip()
        return [*mounts, *listed, *running, *({state} - {"inactive"})]


@pytest.fixture(scope="module")
def of_machine(shared: Machine) -> Iterator[Unit]:
    yield Unit(shared, "", "/mnt/lighthouse")
    shared.run("systemctl", "start", "lighthoused")


@pytest.fixture(scope="module")
def of_user(shared: Machine) -> Unit:
    shared.run("loginctl", "enable-linger", "other")
    unit = Unit(shared, "other", "/home/other/lighthouse")
    unit.shell(
        """while ! systemctl is-system-running --quiet; do sleep 0.1; done
        mkdir ~/demo; systemctl start lighthoused; lighthousectl project import ~/demo"""
    )
    return unit


@pytest.fixture
def unit(request: pytest.FixtureRequest) -> Unit:
    found: Unit = request.getfixturevalue(request.param)
    found.shell(f"systemctl start lighthoused; cd {found.mount}/demo/current; mkdir -p src; echo kept > kept")
    return found


@pytest.mark.parametrize(
    ("unit", "way"), [(unit, way) for unit in UNITS for way in WAYS] if ROUNDS else FOUND, indirect=["unit"]
)
def test_nothing_is_left(unit: Unit, way: str) -> None:
    chance = random.Random(SEED + way)
    for _ in range(max(1, ROUNDS // len(WAYS))):
        moment, short = chance.uniform(0, 1.2), chance.uniform(0, 0.15)
        end(unit, way, moment, short)
        assert not left_soon(unit), (moment, short, unit.shell("systemctl status --lines=40 lighthoused || true"))
        kept = unit.shell(f"{FORGET}; systemctl start lighthoused; cat {unit.mount}/demo/current/kept")
        assert kept == "kept\n", (moment, short, kept)
    if not unit.user:
        unit.machine.run("systemctl", "start", "lighthoused")
    else:
        unit.shell(STOP)


def left_soon(unit: Unit) -> list[str]:
    """What is left; where systemd waited to start it again, the mount goes a moment after `systemctl stop`."""
    until = time.monotonic() + SOON_S
    while (left := unit.left()) and time.monotonic() < until:
        time.sleep(0.2)
    return left


def end(unit: Unit, way: str, moment: float, short: float) -> None:
    """Stop it this way, while others use it; and be rid of them."""
    unit.shell(STOP)
    unit.machine.shell("rm -f /tmp/hunted /tmp/pids; : > /tmp/pids; chmod 0666 /tmp/pids")
    hunter = unit.machine.start("python3", "-c", HUNT) if way.startswith("helper") else None
    users = " ".join(f"'{use}'" for use in USERS)
    try:
        unit.shell(WAYS[way].format(mount=unit.mount, users=users, pids="/tmp/pids", moment=moment, short=short))
        if way not in IN_ORDER:
            unit.shell(FORGET)
    finally:
        unit.machine.shell(
            "touch /tmp/hunted; for pid in $(cat /tmp/pids); do kill -KILL $pid 2>/dev/null || true; done"
        )
        if hunter:
            hunter.communicate()
