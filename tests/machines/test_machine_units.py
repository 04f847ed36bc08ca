"""What the units promise, seen on a booted machine: limits that hold, timers that run, a socket that waits, reload."""

import pytest
from tests_support.machine import Machine
from tests_support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SPIN = """
import time
end = time.time() + 4
while time.time() < end:
    pass
print(time.process_time())
"""
FORK = """
import os, time
made = 0
try:
    while True:
        if not os.fork():
            time.sleep(60)
        made += 1
except BlockingIOError:
    print(made, flush=True)
    os.killpg(0, 9)
"""


def in_slice(machine: Machine, script: str, *properties: str) -> str:
    """Run Python below lighthouse.slice; what it prints."""
    machine.write("/tmp/script.py", script)
    run = ["systemd-run", "--quiet", "--collect", "--wait", "--pipe", "--slice=lighthouse.slice"]
    return machine.run(*run, *(f"--property={each}" for each in properties), "python3", "/tmp/script.py", check=False)


def open_files(machine: Machine, pid: str) -> tuple[int, int]:
    """Limits of a process: what it has, and what it may have."""
    line = machine.shell(f"grep '^Max open files' /proc/{pid}/limits").split()
    return int(line[3]), int(line[4])


def test_the_slice_bounds_tasks(shared: Machine) -> None:
    made = int(in_slice(shared, FORK, "TasksMax=infinity").split()[0])
    assert 300 < made < 512
    assert "NORMAL" in shared.run("lighthousectl", "status")


def test_the_slice_bounds_processor_time(shared: Machine) -> None:
    """A quota of its own for the time of the test: two CPUs are all there is on some machines."""
    shared.run("systemctl", "set-property", "--runtime", "lighthouse.slice", "CPUQuota=20%")
    try:
        used = float(in_slice(shared, SPIN))
        assert used < 2
    finally:
        shared.run("systemctl", "set-property", "--runtime", "lighthouse.slice", "CPUQuota=200%")


def test_the_daemon_has_its_limits(shared: Machine) -> None:
    daemon, first = (open_files(shared, pid) for pid in ("$(systemctl show -P MainPID lighthoused)", "1"))
    most = min(65536, first[1])
    assert daemon == (most, most)
    group = shared.shell("cat /proc/$(systemctl show -P MainPID lighthoused)/cgroup")
    assert "/lighthouse.slice/lighthoused.service" in group


def test_reload_takes_what_it_can_and_fails_where_something_is_wrong(shared: Machine) -> None:
    config = "/etc/lighthouse/config.toml"
    before = shared.run("cat", config)
    pid = shared.run("systemctl", "show", "--property=MainPID", "--value", "lighthoused")
    try:
        shared.write(config, before.replace('operator = ["@lighthouse"]', 'viewer = ["@lighthouse"]'))
        shared.run("systemctl", "reload", "lighthoused")
        assert "takes 'operator'" in shared.run("lighthousectl", "approvals", "deny", "x", user="dev", check=False)
        shared.write(config, before + "\n[nonsense]\n")
        assert "failed" in shared.shell("systemctl reload lighthoused || echo failed", check=False)
        assert "[nonsense] is no section" in shared.run("journalctl", "--unit=lighthoused", "--lines=30")
    finally:
        shared.write(config, before)
    shared.run("systemctl", "reload", "lighthoused")
    assert shared.run("systemctl", "show", "--property=MainPID", "--value", "lighthoused") == pid
    assert shared.run("systemctl", "is-active", "lighthoused") == "active\n"


def test_timers_start_their_services(shared: Machine) -> None:
    """The clock of a timer cannot be waited for here: it is told to fire soon."""
    config = "/etc/lighthouse/config.toml"
    before = shared.run("cat", config)
    shared.shell(
        """install -d -o lighthouse -g lighthouse -m 0700 /var/backups/timed
        grep -q '^.backup' /etc/lighthouse/config.toml ||
            printf '\\n[backup]\\ntarget = "/var/backups/timed"\\n' >> /etc/lighthouse/config.toml"""
    )
    for name in ("scrub", "backup"):
        timer = f"lighthouse-{name}.timer"
        shared.shell(
            f"""mkdir -p /run/systemd/system/{timer}.d
            printf '[Timer]\\nRandomizedDelaySec=0\\nOnActiveSec=1s\\nAccuracySec=100ms\\n' > \
                /run/systemd/system/{timer}.d/soon.conf
            systemctl daemon-reload; systemctl restart {timer}"""
        )
        unit = f"lighthouse-{name}.service"
        until(lambda unit=unit: "Finished" in shared.run("journalctl", f"--unit={unit}", "--output=cat"))
        assert shared.run("systemctl", "show", "--property=Result", unit) == "Result=success\n"
        shared.shell(f"rm -r /run/systemd/system/{timer}.d; systemctl daemon-reload; systemctl stop {timer}")
    shared.run("systemctl", "start", "lighthouse-scrub.timer")
    shared.write(config, before)


def test_who_asks_before_the_daemon_is_up_waits_for_it(shared: Machine) -> None:
    shared.run("systemctl", "stop", "lighthoused.service")
    shared.run("systemctl", "start", "lighthoused.socket")
    assert "inactive" in shared.run("systemctl", "is-active", "lighthoused.service", check=False)
    assert "lighthoused " in shared.run("lighthousectl", "status")
    until(lambda: "NORMAL" in shared.run("lighthousectl", "status"))
    assert shared.run("systemctl", "is-active", "lighthoused.service") == "active\n"
