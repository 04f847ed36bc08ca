"""The daemon dies in every way there is; who works under the mount sees a wait, and readers of streams miss nothing."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests_support.machine import Machine
from tests_support.waiting import until

CURRENT = "/mnt/lighthouse/demo/current"
UNIT = "lighthoused.service"
SOON_S = 90.0
WORK = f"""
cd {CURRENT}/src; exec 3>>log; exec 4<>gone; echo unlinked >&4; rm gone; touch moved0; i=0
while [ ! -e /tmp/enough ]; do i=$((i+1)); echo $i >&3; mv moved$((i-1)) moved$i; test -e moved$i; sleep 0.05; done
seq $i | cmp - log; cat /proc/self/fd/4; pwd; ls | tr '\\n' ' '; echo whole
"""
FORGET = """import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
s.send(b"FDSTOREREMOVE=1\\nFDNAME=fuse-init")
"""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def machine(lasting: Machine) -> Machine:
    """A machine whose systemd soon notices that the daemon hangs."""
    settings = "[Unit]\\nStartLimitIntervalSec=0\\n[Service]\\nWatchdogSec=3\\nTimeoutAbortSec=2\\n"
    lasting.shell(
        f"mkdir /etc/systemd/system/{UNIT}.d; printf '{settings}' > /etc/systemd/system/{UNIT}.d/soon.conf;"
        f"systemctl daemon-reload; systemctl restart {UNIT}"
    )
    return lasting


@pytest.fixture
def working(machine: Machine) -> Iterator[None]:
    """Somebody works under the mount all the time, and somebody reads a stream; both must find all whole at the end."""
    machine.shell(
        "rm -f /tmp/enough; rm -f /mnt/lighthouse/demo/current/src/moved* /mnt/lighthouse/demo/current/src/log"
    )
    reader = machine.start("sh", "-c", "exec cat /mnt/lighthouse/demo/streams/events > /tmp/seen", user="dev")
    worker = machine.start("sh", "-euc", WORK, user="dev")
    until(lambda: machine.run("wc", "-l", "/tmp/seen", check=False)[:1] not in "0w")
    yield
    time.sleep(0.5)
    machine.write("/tmp/enough", "")
    said, _ = worker.communicate(timeout=SOON_S)
    assert said.endswith("whole\n"), said
    assert f"unlinked\n{CURRENT}/src\n" in said
    machine.shell(f"touch {CURRENT}/src/moved-last", user="dev")
    until(lambda: "moved-last" in machine.shell("tail -n 5 /tmp/seen"))
    assert reader.poll() is None
    reader.kill()
    machine.shell("pkill -x cat || true")
    seen = [int(seq) for seq in machine.shell("jq .seq /tmp/seen").split()]
    query = f"lighthousectl log query --path demo --limit 10000 --json --after {seen[0] - 1}"
    there = [int(seq) for seq in machine.shell(f"{query} | jq .seq").split()]
    assert [seq for seq in seen if seq in set(there)] == there
    assert there[-1] == seen[-1]
    assert len(seen) == len(set(seen))
    assert machine.run("lighthousectl", "log", "verify").endswith("whole\n")


def shown(machine: Machine, name: str) -> str:
    """A property of the service."""
    return machine.run("systemctl", "show", UNIT, f"--property={name}", "--value").strip()


def state(machine: Machine) -> str:
    """NORMAL, and so on; "" where the daemon does not answer."""
    said = machine.run("lighthousectl", "status", "--json", check=False)
    return str(json.loads(said)["state"]) if said.startswith("{") and '"state"' in said else ""


def restarted(machine: Machine, before: str) -> Callable[[], bool]:
    return lambda: shown(machine, "MainPID") not in ("0", before) and state(machine) == "NORMAL"


def journal(machine: Machine) -> str:
    return machine.run("journalctl", f"--unit={UNIT}", "--no-pager", "--output=cat")


def test_sigkills_and_restarts(machine: Machine, working: None) -> None:
    for _ in range(4):
        before = shown(machine, "MainPID")
        machine.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", UNIT)
        until(restarted(machine, before))
        time.sleep(0.3)
    machine.run("systemctl", "restart", UNIT)
    until(lambda: state(machine) == "NORMAL")
    assert "taken_up" in journal(machine)


def test_a_daemon_that_hangs_is_killed_by_the_watchdog(machine: Machine, working: None) -> None:
    before = shown(machine, "MainPID")
    machine.run("kill", "-STOP", shown(machine, "MainPID"))
    until(restarted(machine, before))
    assert "watchdog" in machine.run("journalctl", f"--unit={UNIT}", "--no-pager").lower()


def test_a_daemon_that_takes_too_much_memory_is_killed(machine: Machine, working: None) -> None:
    before = shown(machine, "MainPID")
    limit = int(shown(machine, "MemoryCurrent")) + (4 << 20)
    machine.run("systemctl", "set-property", "--runtime", UNIT, f"MemoryMax={limit}")
    large = f"cd {CURRENT}; head -c 96M /dev/urandom > /tmp/large; cp /tmp/large large; cmp /tmp/large large; echo same"
    writing = machine.start("sh", "-euc", large, user="dev")
    until(lambda: shown(machine, "MainPID") != before)
    machine.run("systemctl", "set-property", "--runtime", UNIT, "MemoryMax=infinity")
    said, _ = writing.communicate(timeout=SOON_S)
    assert said.endswith("same\n"), said
    until(lambda: state(machine) == "NORMAL")
    assert re.search(r"oom-kill|status=9/KILL", machine.run("journalctl", f"--unit={UNIT}", "--no-pager"))


def test_a_mount_that_is_taken_away_is_made_anew(machine: Machine) -> None:
    before = shown(machine, "MainPID")
    machine.shell(f"echo kept > {CURRENT}/kept.txt")
    machine.run("umount", "--lazy", "/mnt/lighthouse")
    until(restarted(machine, before))
    assert machine.run("cat", f"{CURRENT}/kept.txt") == "kept\n"
    machine.shell(f"echo more >> {CURRENT}/kept.txt; sync {CURRENT}/kept.txt")
    changes = machine.shell("lighthousectl log query --type 'degradation.*' --json | jq -r .payload.to").split()
    assert changes[-2:] == ["emergency", "normal"]
    assert re.search("Somebody unmounted it|The kernel ended its connection", journal(machine))


def test_what_systemd_does_not_keep_is_done_without(machine: Machine) -> None:
    """One of the kept descriptors is missing: a clean new mount, which the log tells."""
    machine.write("/root/forget.py", FORGET)
    override(machine, "ExecStopPost=+/usr/bin/python3 /root/forget.py")
    assert_made_anew(machine, "What the kernel said first about the kept mount is missing")


def test_an_old_kernel_is_given_a_clean_new_mount_after_a_crash(machine: Machine) -> None:
    override(machine, "Environment=LIGHTHOUSE_ASSUME_KERNEL=6.1.0-18-amd64")
    machine.run("systemctl", "restart", UNIT)
    assert_made_anew(machine, "does not repeat what a process that died left unanswered")
    machine.shell(f"cd {CURRENT}; systemctl restart {UNIT}; ls -l kept.txt; test $(pwd) = {CURRENT}")


def override(machine: Machine, line: str) -> None:
    """From now on the unit has this line, too."""
    machine.write(f"/etc/systemd/system/{UNIT}.d/other.conf", f"[Service]\n{line}\n")
    machine.run("systemctl", "daemon-reload")


def assert_made_anew(machine: Machine, because: str) -> None:
    there = f"cd {CURRENT} && touch /tmp/there; while [ ! -e /tmp/anew ]; do sleep 0.1; done; ls"
    standing = machine.start("sh", "-c", there, user="dev")
    until(lambda: machine.run("sh", "-c", "test -e /tmp/there && echo yes", check=False) == "yes\n")
    before = journal(machine).count(because)
    machine.run("systemctl", "kill", "--signal=KILL", "--kill-who=main", UNIT)
    until(lambda: journal(machine).count(because) > before and state(machine) == "NORMAL")
    assert machine.run("cat", f"{CURRENT}/kept.txt").startswith("kept\n")
    machine.write("/tmp/anew", "")
    said, _ = standing.communicate(timeout=SOON_S)
    assert "Transport endpoint is not connected" in said
    machine.shell("rm /tmp/anew /tmp/there")


def test_work_that_waits_for_nothing_is_left(machine: Machine, tmp_path: Path) -> None:
    """Nothing that was kept piles up in systemd."""
    machine.shell(f"rm /etc/systemd/system/{UNIT}.d/other.conf; systemctl daemon-reload; systemctl restart {UNIT}")
    until(lambda: state(machine) == "NORMAL")
    for _ in range(5):
        subprocess.run(machine.start("timeout", "1", "cat", "/mnt/lighthouse/demo/streams/events").args, check=False)
    until(lambda: int(shown(machine, "NFileDescriptorStore")) <= 6)
