"""The Debian package on a machine with systemd: installed, worked with, upgraded, removed, purged, installed again."""

import json
import subprocess
from pathlib import Path

import pytest
from tests_support.machine import Machine

PACKAGE = "/root/lighthoused.deb"
CURRENT = "/mnt/lighthouse/demo/current"
EVENT = {"session_id": "s", "hook_event_name": "PreToolUse", "tool_name": "Bash", "cwd": "/"}
LIMITS = ("Slice", "OOMPolicy", "LimitNOFILE", "WatchdogUSec")

pytestmark = pytest.mark.slow


@pytest.fixture
def installed(machine: Machine, deb: Path) -> Machine:
    """A machine with the package, its user dev in the group, and dev's project imported."""
    install(machine, deb)
    machine.shell("useradd --create-home --groups lighthouse --key HOME_MODE=0700 dev; useradd --create-home other")
    machine.shell(
        """mkdir -p ~/demo/src; cd ~/demo; echo 'int main;' > src/a.c; git init -q
        git config user.email dev@example.org; git config user.name dev; git add -A; git commit -qm one
        setfacl -m u:lighthouse:x ~; setfacl -R -m u:lighthouse:rX ~/demo
        lighthousectl project import ~/demo""",
        user="dev",
        HOME="/home/dev",
    )
    return machine


def install(machine: Machine, deb: Path) -> str:
    machine.put(deb, PACKAGE)
    return dpkg(machine, "--install", PACKAGE)


def dpkg(machine: Machine, *arguments: str) -> str:
    return machine.run("dpkg", *arguments, DEBIAN_FRONTEND="noninteractive")


def as_dev(machine: Machine, script: str, check: bool = True) -> str:
    return machine.shell(f"cd {CURRENT}; {script}", user="dev", HOME="/home/dev", check=check)


def status(machine: Machine) -> dict[str, object]:
    found: dict[str, object] = json.loads(machine.run("lighthousectl", "status", "--json"))
    return found


def of_version(deb: Path, version: str, work: Path) -> Path:
    """The package as it is, with another version."""
    tree = work / "tree"
    subprocess.run(["dpkg-deb", "--raw-extract", deb, tree], check=True)
    control = tree / "DEBIAN/control"
    lines = control.read_text().splitlines(keepends=True)
    control.write_text("".join(f"Version: {version}\n" if line.startswith("Version: ") else line for line in lines))
    made = work / f"lighthoused_{version}.deb"
    subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", tree, made], check=True)
    return made


def test_it_serves_as_soon_as_it_is_installed(machine: Machine, deb: Path) -> None:
    install(machine, deb)
    assert status(machine)["state"] == "NORMAL"
    machine.run("systemctl", "start", "lighthoused")
    said = machine.run("systemctl", "status", "--no-pager", "lighthoused.service", "lighthoused.socket")
    assert 'Status: "NORMAL' in said
    assert "lighthoused is ready" in machine.run("journalctl", "--unit=lighthoused")
    assert machine.run("stat", "--format=%U %G %a", "/run/lighthouse/lighthouse.sock") == "lighthouse lighthouse 660\n"
    shown = machine.run("systemctl", "show", "lighthoused", *(f"--property={name}" for name in LIMITS))
    assert set(shown.split()) == {
        "Slice=lighthouse.slice",
        "OOMPolicy=kill",
        "LimitNOFILE=65536",
        "WatchdogUSec=30s",
    }
    assert "NoNewPrivs:\t1" in machine.shell("cat /proc/$(systemctl show -P MainPID lighthoused)/status")
    assert machine.run("systemctl", "--failed", "--no-legend") == ""
    assert machine.run("systemctl", "is-active", "lighthouse-scrub.timer") == "active\n"


def test_systemd_has_nothing_to_say_about_the_units(machine: Machine, deb: Path) -> None:
    install(machine, deb)
    units = machine.shell("ls /lib/systemd/system/lighthouse*").split()
    assert len(units) >= 5
    assert machine.run("systemd-analyze", "verify", "--man=no", *units) == ""
    user = "/usr/lib/systemd/user/lighthoused.service"
    assert machine.run("systemd-analyze", "--user", "verify", "--man=no", user, XDG_RUNTIME_DIR="/tmp") == ""


def test_a_user_works_and_others_stay_out(installed: Machine) -> None:
    as_dev(installed, "echo more >> src/a.c; git commit -qam two; test $(git rev-list --count HEAD) = 2")
    assert f'"mount":"{CURRENT.removesuffix("/demo/current")}"' in as_dev(installed, "lighthousectl status --json")
    as_dev(installed, "lighthousectl run --agent alice -- sh -c 'echo hi > x.txt; rm src/a.c'")
    assert "alice" in as_dev(installed, "lighthousectl log tail")
    as_dev(installed, "lighthousectl undo --agent alice --yes; test -s src/a.c; test ! -e x.txt")
    assert "deny" in as_dev(installed, "lighthousectl check 'rm -rf ~'", check=False)
    refused = installed.shell(f"lighthousectl status || true; echo x > {CURRENT}/src/a.c", user="other", check=False)
    assert "hint: Whoever owns /run/lighthouse/lighthouse.sock" in refused
    assert refused.count("Permission denied") == 2


def test_what_the_daemon_may_not_read_is_refused_with_what_to_do(installed: Machine) -> None:
    refused = installed.shell(
        "mkdir -p ~/secret; chmod 700 ~/secret; lighthousectl project import ~/secret",
        user="dev",
        HOME="/home/dev",
        check=False,
    )
    assert "/home/dev/secret cannot be read by the daemon, which runs as lighthouse" in refused
    assert "setfacl" in refused
    assert status(installed)["projects"] == ["demo"]


def test_the_hook_answers(installed: Machine) -> None:
    as_dev(installed, "lighthousectl hook install --settings ~/settings.json")
    line = json.loads(installed.run("cat", "/home/dev/settings.json"))["hooks"]["PreToolUse"][0]["hooks"][0]["command"]
    assert line.startswith("/usr/bin/python3 -I -S /usr/lib/lighthoused/")
    for command, decision in (("ls", "allow"), ("rm -rf ~", "deny")):
        installed.write("/tmp/event", json.dumps({**EVENT, "tool_input": {"command": command}}))
        for hook in (line, "lighthousectl hook --socket /run/lighthouse/lighthouse.sock"):
            said = json.loads(as_dev(installed, f"{{ {hook}; }} < /tmp/event"))
            assert said["hookSpecificOutput"]["permissionDecision"] == decision


def test_the_scrub_finds_all_whole(installed: Machine) -> None:
    installed.run("systemctl", "start", "lighthouse-scrub.service")
    said = installed.run("journalctl", "--unit=lighthouse-scrub")
    assert said.count(": whole") == 2


def test_an_upgrade_goes_unnoticed_by_who_works(installed: Machine, deb: Path, tmp_path: Path) -> None:
    script = f"cd {CURRENT}/src; exec 3>>log; for i in $(seq 60); do echo $i >&3; sleep 0.2; done; cat log; pwd"
    writing = installed.start("sh", "-euc", script, user="dev")
    before = status(installed)["pid"]
    install(installed, of_version(deb, "99.0", tmp_path))
    assert "ii  lighthoused" in installed.run("dpkg", "--list", "lighthoused")
    assert status(installed)["pid"] != before
    said, _ = writing.communicate(timeout=60)
    assert said.split() == [*map(str, range(1, 61)), f"{CURRENT}/src"]
    assert "taken_up" in installed.run("journalctl", "--unit=lighthoused")


def test_removed_and_purged_it_leaves_the_projects(installed: Machine, deb: Path) -> None:
    as_dev(installed, "echo kept > kept.txt; sync kept.txt")
    dpkg(installed, "--remove", "lighthoused")
    assert installed.run("ls", "/mnt/lighthouse", "/run/lighthouse") == "/mnt/lighthouse:\n\n/run/lighthouse:\n"
    said = dpkg(installed, "--purge", "lighthoused")
    assert "stay in /var/lib/lighthouse" in said
    installed.shell("test ! -e /etc/lighthouse; test ! -e /mnt/lighthouse; test -e /home/dev/demo/src/a.c")
    install(installed, deb)
    assert as_dev(installed, "cat kept.txt") == "kept\n"
    assert "file.created" in as_dev(installed, "lighthousectl log query --path demo/kept.txt")


def test_purged_with_a_yes_it_deletes_its_state_and_nothing_else(installed: Machine) -> None:
    installed.shell("echo lighthoused lighthoused/delete-projects boolean true | debconf-set-selections")
    dpkg(installed, "--purge", "lighthoused")
    installed.shell("test ! -e /var/lib/lighthouse; test -e /home/dev/demo/src/a.c")


def test_the_cli_says_that_the_mount_it_stands_in_is_gone(installed: Machine) -> None:
    script = f"cd {CURRENT}; while [ ! -e /tmp/gone ]; do sleep 0.1; done; lighthousectl status"
    standing = installed.start("sh", "-c", script)
    installed.shell("systemctl stop lighthoused lighthoused.socket; touch /tmp/gone")
    said, _ = standing.communicate(timeout=30)
    assert "error: The working directory is gone" in said
