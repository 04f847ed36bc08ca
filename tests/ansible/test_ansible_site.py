"""A machine's whole life by the playbooks: provisioned, worked on, killed, upgraded, restored, uninstalled.

The tests of `site` are in the order of that life: each leaves the machine as the next one needs it.
"""

import json
import subprocess
from pathlib import Path

import pytest
from tests_support import vault_server
from tests_support.apt_source import SIGNED, offer_signed
from tests_support.machine import RELEASE, UBUNTU, Machine
from tests_support.packages import build, of_version
from tests_support.provisioning import environment, hashi_vault, tools
from tests_support.site import ALERTED, SECRET, Site

CURRENT = "/mnt/lighthouse/demo/current"
CONFIG = "/etc/lighthouse/config.toml"
CREDENTIALS = Path(__file__).with_name("credentials.yml")
TOO_NEW = "Unknown key name 'LoadCredentialEncrypted'"
LIMITS = ("MemoryHigh=943718400", "MemoryMax=1073741824", "TasksMax=300")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def as_dev(machine: Machine, script: str) -> str:
    return machine.shell(script, user="dev", HOME="/home/dev")


def shown(machine: Machine, unit: str, *properties: str) -> list[str]:
    said = machine.run("systemctl", "show", unit, *(f"--property={name}" for name in properties))
    return sorted(said.split())


def said_of_units(machine: Machine) -> list[str]:
    """What systemd finds wrong in the units; not in others', and what it is too old to know (Ubuntu 22.04)."""
    units = ("lighthoused.service", "lighthouse-backup.timer")
    said = machine.run("systemd-analyze", "verify", "--man=no", *units).splitlines()
    return [line for line in said if RELEASE not in UBUNTU or ("/lighthouse" in line and TOO_NEW not in line)]


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
    assert not said_of_units(machine)
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


def test_secrets_come_from_encrypted_files(site: Site, tmp_path: Path) -> None:
    """A file of variables and a credential's file, both as `ansible-vault encrypt` makes them."""
    secrets = {"url": "https://hooks.example.org/9c1e", "secret": "whsec_" + "Zm9y" * 8}
    (tmp_path / "password").write_text("correct horse")
    (tmp_path / "secrets.yml").write_text(f"vault_webhook_url: {secrets['url']}\n")
    (tmp_path / "webhook-secret").write_text(secrets["secret"])
    locked = f"--vault-password-file={tmp_path / 'password'}"
    encrypt = [tools() / "ansible-vault", "encrypt", locked, tmp_path / "secrets.yml", tmp_path / "webhook-secret"]
    subprocess.run(encrypt, env=environment(tmp_path), check=True, capture_output=True)
    assert "$ANSIBLE_VAULT" in (tmp_path / "secrets.yml").read_text()
    credentials = [
        {"name": "webhook-url", "content": "{{ vault_webhook_url }}"},
        {"name": "webhook-secret", "src": str(tmp_path / "webhook-secret")},
    ]
    from_file = f"--extra-vars=@{tmp_path / 'secrets.yml'}"
    played = site.provisioning.play(CREDENTIALS, "-vvv", locked, from_file, lighthoused_credentials=credentials)
    assert_passed(site.machine, secrets, played.said)


def test_secrets_come_from_hashicorp_vault(site: Site) -> None:
    """By the lookup that docs/ansible.md shows, as the collection of HashiCorp's Vault has it."""
    secrets = {"url": "https://hooks.example.org/5b07", "secret": "whsec_" + "dHJ5" * 8}
    libraries = hashi_vault()
    with vault_server.serving({"lighthouse": secrets}) as vault:
        login = ", ".join(f"{name}='{value}'" for name, value in {"url": vault.url, **vault_server.ROLE}.items())
        looked_up = f"{{{{ lookup('community.hashi_vault.vault_kv2_get', 'lighthouse', auth_method='approle', {login})"
        credentials = [
            {"name": f"webhook-{name}", "content": f"{looked_up}.secret.{name} }}}}"} for name in ("url", "secret")
        ]
        played = site.provisioning.play(CREDENTIALS, "-vvv", libraries=libraries, lighthoused_credentials=credentials)
        assert_passed(site.machine, secrets, played.said)
        assert set(vault.asked) == {"POST /v1/auth/approle/login", "GET /v1/secret/data/lighthouse"}
        missing = [
            {"name": "webhook-url", "content": looked_up.replace("'lighthouse'", "'other'", 1) + ".secret.url }}"}
        ]
        refused = site.provisioning.play(CREDENTIALS, check=False, libraries=libraries, lighthoused_credentials=missing)
        assert refused.code
    assert_passed(site.machine, secrets, refused.said)


def assert_passed(machine: Machine, secrets: dict[str, str], said: str) -> None:
    """The daemon was given them, and nobody else."""
    given = "/run/credentials/lighthoused.service/lighthouse.webhook-"
    for name, secret in secrets.items():
        assert machine.run("cat", given + name) == secret
        assert secret not in said
        assert secret not in machine.run("journalctl", "--merge", "--namespace=*")


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
    listed = json.loads(machine.run("lighthousectl", "--config", CONFIG, "backup", "list", "--json"))
    named = {"lighthoused_restore_backup": listed[-1]["id"], "lighthoused_restore_replace": True}
    as_dev(machine, f"echo two > {CURRENT}/a.txt")
    daemon = shown(machine, "lighthoused.service", "MainPID")
    checked = site.provisioning.play("restore.yml", "--check", "--diff", **named)
    assert checked.counts["changed"] > 0
    assert shown(machine, "lighthoused.service", "MainPID") == daemon
    site.provisioning.play("restore.yml", **named)
    assert as_dev(machine, f"cat {CURRENT}/a.txt") == "one\n"
    assert ": whole" in machine.run("lighthousectl", "log", "verify")
    assert machine.shell("ls -d /var/lib/lighthouse*").splitlines()[1].startswith("/var/lib/lighthouse.replaced-")


def test_a_restore_is_refused_before_anything_is_touched(site: Site) -> None:
    daemon = shown(site.machine, "lighthoused.service", "MainPID")
    for variables, because in (
        ({}, "agents-1.example.org has projects in /var/lib/lighthouse. To have the backup"),
        ({"lighthoused_restore_backup": "other"}, "In /var/backups/lighthouse is no backup other. There are: 2"),
    ):
        refused = site.provisioning.play("restore.yml", check=False, **variables)
        assert refused.code
        assert because in " ".join(refused.said.split())
    assert shown(site.machine, "lighthoused.service", "MainPID") == daemon


def test_what_was_lost_is_restored_from_an_encrypted_backup(site: Site) -> None:
    machine = site.machine
    said = machine.shell(
        f"""lighthousectl backup keygen /root/key
        install -d -o lighthouse -g lighthouse -m 0700 /var/backups/sealed
        key=$(sed -n 's/.*key: //p' /root/key)
        sed "s/^recipients = .*/recipients = ['$key']/" {CONFIG} > /tmp/sealed.toml
        runuser -u lighthouse -- lighthousectl --config /tmp/sealed.toml backup run --to /var/backups/sealed --json
        systemctl stop lighthoused.socket lighthoused.service; rm -r /var/lib/lighthouse"""
    )
    assert '"encrypted":true' in said
    secret = machine.run("tail", "--lines=1", "/root/key").strip()
    sealed = {"lighthoused_restore_from": "/var/backups/sealed", "lighthoused_restore_identity": secret}
    restored = site.provisioning.play("restore.yml", "-v", **sealed)
    assert as_dev(machine, f"cat {CURRENT}/a.txt") == "one\n"
    assert secret not in restored.said + machine.run("journalctl", "--merge", "--namespace=*")
    assert "No such file" in machine.run("ls", "/run/lighthouse.backup-identity", check=False)


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
