"""Secrets given to the service by systemd: none, in plain files, and encrypted for this machine."""

import pytest
from tests_support.machine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

RING = "/etc/credstore/lighthouse.token-keys"
ISSUE = "lighthousectl token issue --agent ci --role viewer"


def restart(machine: Machine) -> None:
    machine.run("systemctl", "restart", "lighthoused")


def keys(machine: Machine) -> list[str]:
    return machine.run("lighthousectl", "token", "keys").splitlines()


def may(machine: Machine, token: str) -> bool:
    said = machine.run("lighthousectl", "--token", token, "project", "list", check=False)
    assert "demo" in said or "not one of this daemon's" in said
    return "demo" in said


def test_a_key_ring_is_given_and_changed_without_a_break(shared: Machine) -> None:
    """The ring of before becomes a credential, gets a key and loses one; tokens live as long as their key."""
    of_state = shared.run(*ISSUE.split()).strip()
    shared.shell(
        f"""install -d -m 0700 /etc/credstore
        install -m 0600 /var/lib/lighthouse/token.keys {RING}"""
    )
    restart(shared)
    assert shared.run("lighthousectl", "token", "keys", "--json").count('"managed":true') == 1
    assert may(shared, of_state)
    shared.shell(f"lighthousectl token newkey >> {RING}")
    restart(shared)
    assert [line.split("\t")[1] for line in keys(shared)] == ["verifies", "signs"]
    of_new = shared.run(*ISSUE.split()).strip()
    assert may(shared, of_state)
    shared.shell(f"sed -i 1d {RING}")
    restart(shared)
    assert len(keys(shared)) == 1
    assert not may(shared, of_state)
    assert may(shared, of_new)


def test_an_encrypted_one_is_decrypted_for_the_daemon_alone(shared: Machine) -> None:
    shared.shell(
        f"""install -d -m 0700 /etc/credstore.encrypted; rm -f {RING}
        lighthousectl token newkey > /root/ring
        systemd-creds encrypt /root/ring /etc/credstore.encrypted/lighthouse.token-keys.encrypted 2> /dev/null
        systemctl restart lighthoused"""
    )
    name, key = shared.run("cat", "/root/ring").split()
    assert keys(shared) == [f"{name}\tsigns"]
    assert key not in shared.run("cat", "/etc/credstore.encrypted/lighthouse.token-keys.encrypted")
    passed = "/run/credentials/lighthoused.service"
    assert "Permission denied" in shared.shell(f"ls {passed}", user="dev", check=False)
    said = shared.shell(
        "journalctl --unit=lighthoused; lighthousectl log query --json; lighthousectl config show; lighthousectl status"
    )
    assert "token-keys" in said
    assert key not in said
    shared.shell("rm -r /etc/credstore /etc/credstore.encrypted; systemctl restart lighthoused")
    assert '"managed":false' in shared.run("lighthousectl", "token", "keys", "--json")


def test_a_bad_one_stops_the_start_and_says_why(shared: Machine) -> None:
    shared.shell(f"install -d -m 0700 /etc/credstore; echo 'k1 0123secret' > {RING}")
    try:
        assert "failed" in shared.shell("systemctl restart lighthoused || echo failed", check=False)
        said = shared.run("journalctl", "--unit=lighthoused", "--lines=40")
        assert "has a line that is no key" in said
        assert "0123secret" not in said
    finally:
        shared.shell("rm -r /etc/credstore; systemctl reset-failed lighthoused; systemctl restart lighthoused")
