"""A machine's whole life by the playbooks: provisioned, worked on, killed, upgraded, restored, uninstalled.

The tests of `site` are in the order of that life: each leaves the machine as the next one needs it.
"""

import json
from pathlib import Path

import pytest
from tests_support.apt_source import SIGNED, offer_signed
from tests_support.machine import Machine
from tests_support.packages import build, of_version
from tests_support.site import ALERTED, SECRET, Site

CURRENT = "/mnt/lighthouse/demo/current"
LIMITS = ("MemoryHigh=943718400", "MemoryMax=1073741824", "TasksMax=300")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def as_dev(machine: Machine, script: str) -> str:
    return machine.shell(script, user="dev", HOME="/home/dev")


def shown(machine: Machine, unit: str, *properties: str) -> list[str]:
    said = machine.run("systemctl", "show", unit, *(f"--property={name}" for name in properties))
    return sorted(said.split())


def test_a_check_of_a_fresh_machine_says_what_would_be_and_does_nothing(site: Site) -> None:
    assert site.left_alone
    assert site.checked.counts["failed"] == 0
    assert site.checked.counts["changed"] > 5


def test_it_runs_within_its_limits(site: Site) -> None:
    machine = site.machine
    assert json.loads(machine.run("lighthousectl", "status", "--json"))["state"] == "NORMAL"
    assert machine.run("systemctl", "is-enabled", "lighthoused.service", "lighthoused.socket") == "enabled\nenabled\n"
    assert shown(machine, "lighthouse.slice", "MemoryMax", "MemoryHigh", "TasksMax") == sorted(LIMITS)
    assert machine.run("systemctl", "--failed", "--no-legend") == ""
    assert "lighthouse" in machine.run("id", "--name", "--groups", "dev")
    assert machine.run("systemd-analyze", "verify", "--man=no", "lighthoused.service", "lighthouse-backup.timer") == ""
    settings = machine.run("lighthousectl", "--config", "/etc/lighthouse/config.toml", "config", "show")
    assert 'profile = "strict"' in settings
    assert "delete = 50" in settings


def test_its_timers_have_the_schedules(site: Site) -> None:
    timers = json.loads(site.machine.run("systemctl", "list-timers", "--output=json"))
    assert {"lighthouse-scrub.timer", "lighthouse-backup.timer"} <= {timer["unit"] for timer in timers}
    assert "*:00/30:00" in site.machine.run("systemctl", "show", "lighthouse-backup.timer", "--property=TimersCalendar")
    scrub = site.machine.run("systemctl", "show", "lighthouse-scrub.timer", "--property=TimersCalendar")
    assert "Sun *-*-* 03:00:00" in scrub
    assert "weekly" not in scrub


def test_its_log_has_a_journal_of_its_own(site: Site) -> None:
    read = site.machine.run("journalctl", "--namespace=lighthouse", "--unit=lighthoused")
    assert "lighthoused is ready" in read
    kept = site.machine.run("systemd-analyze", "cat-config", "systemd/journald@lighthouse.conf")
    assert "SystemMaxUse=100M" in kept
    assert "MaxRetentionSec=30day" in kept


def test_a_secret_reaches_the_daemon_and_no_log(site: Site) -> None:
    machine = site.machine
    assert machine.run("cat", "/run/credentials/lighthoused.service/lighthouse.webhook-url") == SECRET
    assert machine.run("stat", "--format=%U %a", "/etc/credstore/lighthouse.webhook-url") == "root 600\n"
    logs = machine.run("journalctl", "--merge", "--namespace=*")
    assert "ansible" in logs
    for said in (logs, site.checked.said, site.first.said, site.second.said):
        assert SECRET not in said
        assert ALERTED not in said


def test_prometheus_alertmanager_and_grafana_know_it(site: Site) -> None:
    site.provisioning.play("molecule/default/verify.yml")


def test_the_second_run_changes_nothing_and_so_says_a_check(site: Site) -> None:
    assert site.second.counts["changed"] == 0, site.second.said
    assert site.provisioning.play("site.yml", "--check", "--diff").counts["changed"] == 0


def test_what_changes_is_put_into_force_and_nothing_else(site: Site) -> None:
    machine = site.machine
    before = shown(machine, "lighthouse-scrub.timer", "ActiveEnterTimestampMonotonic")
    daemon = machine.run("systemctl", "show", "lighthoused.service", "--property=MainPID")
    changed = site.provisioning.play("site.yml", lighthoused_open_files=4096, lighthoused_tasks_max=200)
    assert changed.counts["changed"] == 3, changed.said  # two drop-ins, and the daemon is started anew
    assert machine.run("systemctl", "show", "lighthoused.service", "--property=MainPID") != daemon
    assert shown(machine, "lighthoused.service", "LimitNOFILE") == ["LimitNOFILE=4096"]
    assert shown(machine, "lighthouse.slice", "TasksMax") == ["TasksMax=200"]
    assert shown(machine, "lighthouse-scrub.timer", "ActiveEnterTimestampMonotonic") == before


def test_a_bad_configuration_is_refused_before_it_is_in_place(site: Site) -> None:
    refused = site.provisioning.play(
        "site.yml",
        "--start-at-task=Write the configuration",
        check=False,
        lighthoused_config={"gate": {"profile": "lax"}},
    )
    assert refused.code
    assert 'gate.profile must be one of "balanced", "strict", not "lax"' in refused.said.replace('\\"', '"')
    assert 'profile = "strict"' in site.machine.run("cat", "/etc/lighthouse/config.toml")


def test_members_who_do_not_exist_are_refused(site: Site) -> None:
    refused = site.provisioning.play(
        "site.yml", "--start-at-task=Look the members up", check=False, lighthoused_members=["dev", "nobdy"]
    )
    assert "no user of agents-1.example.org: nobdy. Create them first" in " ".join(refused.said.split())


def test_an_agent_works_and_a_kill_goes_unnoticed(site: Site) -> None:
    machine = site.machine
    as_dev(machine, "mkdir ~/demo; cd ~/demo; echo one > a.txt; lighthousectl project import ~/demo")
    script = f"cd {CURRENT}; exec 3>>log; for i in $(seq 30); do echo $i >&3; sleep 0.1; done; cat log; pwd"
    working = machine.start("lighthousectl", "run", "--agent", "alice", "--", "sh", "-euc", script, user="dev")
    machine.shell(
        f"""while ! [ -s {CURRENT}/log ]; do sleep 0.1; done
        systemctl kill --signal=KILL lighthoused.service"""
    )
    said, _ = working.communicate(timeout=60)
    assert said.split() == [*map(str, range(1, 31)), CURRENT]
    assert "alice" in as_dev(machine, "lighthousectl log query --path demo/log")


def test_an_upgrade_from_a_signed_repository_is_noticed_by_nobody(site: Site, tmp_path: Path) -> None:
    machine = site.machine
    script = f"cd {CURRENT}; exec 3<a.txt; while [ ! -e ~/enough ]; do cat a.txt >> seen; done; cat <&3; pwd"
    working = machine.start("sh", "-euc", script, user="dev", HOME="/home/dev")
    key = offer_signed(machine, tmp_path, of_version(build("deb"), "99.0", tmp_path))
    repository = {"lighthoused_apt_uri": f"file:{SIGNED}", "lighthoused_apt_key": str(key)}
    upgraded = site.provisioning.play("upgrade.yml", lighthoused_deb="", **repository)
    assert upgraded.counts["changed"] > 0
    machine.run("touch", "/home/dev/enough")
    said, _ = working.communicate(timeout=60)
    assert said.split() == ["one", CURRENT]
    assert "99.0" in machine.run("dpkg-query", "--show", "lighthoused")


def test_what_was_backed_up_is_restored(site: Site) -> None:
    machine = site.machine
    machine.run("systemctl", "start", "lighthouse-backup.service")
    machine.shell(
        """systemctl stop lighthoused.socket lighthoused.service
        rm -r /var/lib/lighthouse
        lighthousectl --config /etc/lighthouse/config.toml backup restore /var/lib/lighthouse
        chown -R lighthouse:lighthouse /var/lib/lighthouse
        systemctl start lighthoused.service"""
    )
    assert as_dev(machine, f"cat {CURRENT}/a.txt") == "one\n"
    assert ": whole" in machine.run("lighthousectl", "log", "verify")


def test_uninstalled_it_leaves_projects_unless_told_otherwise(site: Site) -> None:
    machine = site.machine
    checked = site.provisioning.play("uninstall.yml", "--check", "--diff")
    assert checked.counts["changed"] > 0
    assert machine.run("systemctl", "is-active", "lighthoused") == "active\n"
    site.provisioning.play("uninstall.yml")
    machine.shell(
        """test ! -e /usr/bin/lighthoused; test -z "$(ls /mnt/lighthouse)"
        test -e /var/lib/lighthouse; test -e /etc/lighthouse/config.toml; test -e /etc/credstore/lighthouse.webhook-url
        test -z "$(find /etc/systemd/system/lighthouse* -name 10-ansible.conf)"
        test -z "$(systemctl --failed --no-legend)"
        test -z "$(ls /etc/prometheus/rules /etc/prometheus/targets | grep lighthouse)" """
    )
    site.provisioning.play("uninstall.yml", lighthoused_purge=True)
    machine.shell(
        """test ! -e /var/lib/lighthouse; test ! -e /etc/lighthouse; test ! -e /etc/credstore/lighthouse.webhook-url
        ! getent passwd lighthouse; test -e /home/dev/demo/a.txt; test -n "$(ls /var/backups/lighthouse)" """
    )
