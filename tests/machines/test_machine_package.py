"""The Debian package on a machine with systemd: installed, worked with, upgraded, removed, purged, installed again."""

import json
from pathlib import Path

import pytest
from tests_support.machine import Machine
from tests_support.packages import install, of_version

CURRENT = "/mnt/lighthouse/demo/current"
EVENT = {"session_id": "s", "hook_event_name": "PreToolUse", "tool_name": "Bash", "cwd": "/"}
LIMITS = ("Slice", "OOMPolicy", "LimitNOFILE", "WatchdogUSec")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def dpkg(machine: Machine, *arguments: str) -> str:
    return machine.run("dpkg", *arguments, DEBIAN_FRONTEND="noninteractive")


def as_dev(machine: Machine, script: str, check: bool = True) -> str:
    return machine.shell(f"cd {CURRENT}; {script}", user="dev", HOME="/home/dev", check=check)


def status(machine: Machine) -> dict[str, object]:
    found: dict[str, object] = json.loads(machine.run("lighthousectl", "status", "--json"))
    return found


def test_it_serves_as_soon_as_it_is_installed(shared: Machine) -> None:
    assert status(shared)["state"] == "NORMAL"
    shared.run("systemctl", "start", "lighthoused")
    said = shared.run("systemctl", "status", "--no-pager", "lighthoused.service", "lighthoused.socket")
    assert 'Status: "NORMAL' in said
    assert "lighthoused is ready" in shared.run("journalctl", "--unit=lighthoused")
    assert shared.run("stat", "--format=%U %G %a", "/run/lighthouse/lighthouse.sock") == "lighthouse lighthouse 660\n"
    shown = shared.run("systemctl", "show", "lighthoused", *(f"--property={name}" for name in LIMITS))
    assert set(shown.split()) == {
        "Slice=lighthouse.slice",
        "OOMPolicy=kill",
        "LimitNOFILE=65536",
        "WatchdogUSec=30s",
    }
    assert "NoNewPrivs:\t1" in shared.shell("cat /proc/$(systemctl show -P MainPID lighthoused)/status")
    assert shared.run("systemctl", "--failed", "--no-legend") == ""
    assert shared.run("systemctl", "is-active", "lighthouse-scrub.timer") == "active\n"


def test_systemd_has_nothing_to_say_about_the_units(shared: Machine) -> None:
    units = shared.shell("ls /lib/systemd/system/lighthouse*").split()
    assert len(units) >= 5
    assert shared.run("systemd-analyze", "verify", "--man=no", *units) == ""
    user = "/usr/lib/systemd/user/lighthoused.service"
    assert shared.run("systemd-analyze", "--user", "verify", "--man=no", user, XDG_RUNTIME_DIR="/tmp") == ""


def test_a_user_works_and_others_stay_out(shared: Machine) -> None:
    as_dev(shared, "echo more >> src/a.c; git commit -qam two; test $(git rev-list --count HEAD) = 2")
    assert f'"mount":"{CURRENT.removesuffix("/demo/current")}"' in as_dev(shared, "lighthousectl status --json")
    as_dev(shared, "lighthousectl run --agent alice -- sh -c 'echo hi > x.txt; rm src/a.c'")
    assert "alice" in as_dev(shared, "lighthousectl log tail")
    as_dev(shared, "lighthousectl undo --agent alice --yes; test -s src/a.c; test ! -e x.txt")
    assert "deny" in as_dev(shared, "lighthousectl check 'rm -rf ~'", check=False)
    refused = shared.shell(f"lighthousectl status || true; echo x > {CURRENT}/src/a.c", user="other", check=False)
    assert "hint: Whoever owns /run/lighthouse/lighthouse.sock" in refused
    assert refused.count("Permission denied") == 2


def test_what_the_daemon_may_not_read_is_refused_with_what_to_do(shared: Machine) -> None:
    asked = json.dumps({"id": 1, "method": "project.import", "source": "/home/dev/demo", "name": "again"})
    shared.write("/tmp/asked", asked + "\n")
    script = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/lighthouse/lighthouse.sock');"
        "s.sendall(open('/tmp/asked', 'rb').read()); print(s.makefile().readline())"
    )
    refused = json.loads(shared.run("python3", "-c", script, user="dev"))["error"]
    assert refused["message"] == "/home/dev/demo cannot be read by the daemon, which runs as lighthouse."
    assert "setfacl" in refused["hint"]
    assert "again" not in status(shared)["projects"]


def test_the_hook_answers(shared: Machine) -> None:
    as_dev(shared, "lighthousectl hook install --settings ~/settings.json")
    line = json.loads(shared.run("cat", "/home/dev/settings.json"))["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    assert line.startswith("/usr/bin/python3 -I -S /usr/lib/lighthoused/")
    for command, decision in (("ls", "allow"), ("rm -rf ~", "deny")):
        shared.write("/tmp/event", json.dumps({**EVENT, "tool_input": {"command": command}}))
        for hook in (line, "lighthousectl hook --socket /run/lighthouse/lighthouse.sock"):
            said = json.loads(as_dev(shared, f"{{ {hook}; }} < /tmp/event"))
            assert said["hookSpecificOutput"]["permissionDecision"] == decision


def test_the_scrub_finds_all_whole(shared: Machine) -> None:
    shared.run("systemctl", "start", "lighthouse-scrub.service")
    run = shared.run("systemctl", "show", "--property=InvocationID", "--value", "lighthouse-scrub.service").strip()
    said = shared.run("journalctl", f"_SYSTEMD_INVOCATION_ID={run}")
    assert said.count(": whole") == 2


def test_the_backup_is_whole(shared: Machine) -> None:
    shared.shell(
        """install -d -o lighthouse -g lighthouse -m 0700 /var/backups/lighthouse
        printf '\\n[backup]\\ntarget = "/var/backups/lighthouse"\\n' >> /etc/lighthouse/config.toml
        systemctl start lighthouse-backup.service"""
    )
    assert ": whole" in shared.run("lighthousectl", "backup", "verify")
    assert "backup.completed" in shared.run("lighthousectl", "log", "query", "--type", "backup.*")


def test_its_limits_hold(shared: Machine) -> None:
    """A process of the slice that takes too much memory is killed; the daemon goes on."""
    script = "a = bytearray(2300 * 1024 * 1024)"
    hog = ["systemd-run", "--quiet", "--wait", "--pipe", "--slice=lighthouse.slice", "python3", "-c", script]
    before = status(shared)["pid"]
    killed = shared.start(*hog)
    killed.communicate(timeout=120)
    assert killed.returncode
    assert "MemoryMax=2147483648" in shared.run("systemctl", "show", "lighthouse.slice", "--property=MemoryMax")
    assert status(shared)["state"] == "NORMAL"
    assert status(shared)["pid"] == before


def test_a_developer_without_root_has_a_daemon_of_their_own(shared: Machine) -> None:
    shared.run("loginctl", "enable-linger", "other")
    uid = shared.run("id", "--user", "other").strip()
    said = shared.shell(
        """while ! systemctl --user is-system-running --quiet; do sleep 0.1; done
        cd; mkdir -p mine; echo hi > mine/a; systemctl --user start lighthoused
        lighthousectl project import mine; echo more >> lighthouse/mine/current/a
        systemctl --user restart lighthoused; cat lighthouse/mine/current/a; lighthousectl status --json
        systemctl --user stop lighthoused; ls -A lighthouse""",
        user="other",
        HOME="/home/other",
        XDG_RUNTIME_DIR=f"/run/user/{uid}",
    )
    assert "mine is at /home/other/lighthouse/mine/current" in said
    assert "hi\nmore\n" in said
    assert f'"socket":"/run/user/{uid}/lighthouse/lighthouse.sock"' in said
    assert said.endswith("}\n")


def test_an_upgrade_goes_unnoticed_by_who_works(own: Machine, deb: Path, tmp_path: Path) -> None:
    script = f"cd {CURRENT}/src; exec 3>>log; for i in $(seq 60); do echo $i >&3; sleep 0.2; done; cat log; pwd"
    writing = own.start("sh", "-euc", script, user="dev")
    before = status(own)["pid"]
    install(own, of_version(deb, "99.0", tmp_path))
    assert "ii  lighthoused" in own.run("dpkg", "--list", "lighthoused")
    assert status(own)["pid"] != before
    said, _ = writing.communicate(timeout=60)
    assert said.split() == [*map(str, range(1, 61)), f"{CURRENT}/src"]
    assert "taken_up" in own.run("journalctl", "--unit=lighthoused")


def test_removed_and_purged_it_leaves_the_projects(own: Machine, deb: Path) -> None:
    as_dev(own, "echo kept > kept.txt; sync kept.txt")
    script = f"cd {CURRENT}; while [ ! -e /tmp/gone ]; do sleep 0.1; done; lighthousectl status"
    standing = own.start("sh", "-c", script)
    dpkg(own, "--remove", "lighthoused")
    assert own.run("ls", "/mnt/lighthouse", "/run/lighthouse") == "/mnt/lighthouse:\n\n/run/lighthouse:\n"
    said = dpkg(own, "--purge", "lighthoused")
    assert "stay in /var/lib/lighthouse" in said
    own.shell("test ! -e /etc/lighthouse; test ! -e /mnt/lighthouse; test -e /home/dev/demo/src/a.c")

    install(own, deb)
    assert as_dev(own, "cat kept.txt") == "kept\n"
    assert "file.created" in as_dev(own, "lighthousectl log query --path demo/kept.txt")
    own.write("/tmp/gone", "")
    said, _ = standing.communicate(timeout=30)
    assert "error: The working directory is gone" in said

    own.shell("echo lighthoused lighthoused/delete-projects boolean true | debconf-set-selections")
    dpkg(own, "--purge", "lighthoused")
    own.shell("test ! -e /var/lib/lighthouse; test -e /home/dev/demo/src/a.c")
