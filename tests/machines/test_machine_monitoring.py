"""How the installed daemon is watched: the journal's fields, health, metrics, the files for Prometheus."""

import json

import pytest
from tests_support.machine import Machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_the_journal_can_be_asked_for_an_agent(shared: Machine) -> None:
    script = "lighthousectl run --agent claude -- sh -c \"lighthousectl check 'rm -rf ~'\" || true"
    shared.shell(script, user="dev", HOME="/home/dev")
    lines = shared.run("journalctl", "LIGHTHOUSE_AGENT=claude", "--output=json", "--no-pager").splitlines()
    found = {line["LIGHTHOUSE_EVENT"]: line for line in map(json.loads, lines)}
    assert found["gate.deny"]["PRIORITY"] == "6"
    assert found["gate.deny"]["_SYSTEMD_UNIT"] == "lighthoused.service"
    assert found["gate.deny"]["LIGHTHOUSE_RULE"].startswith("files.")
    asked = shared.run("lighthousectl", "log", "query", "--type", "gate.judged", "--json")
    assert found["gate.deny"]["LIGHTHOUSE_REQUEST"] in asked
    assert "agent.registered" in found


def test_health_is_asked_by_command_and_by_address(shared: Machine) -> None:
    assert "store     ok" in shared.run("lighthousectl", "health")
    assert json.loads(shared.run("lighthousectl", "health", "--json"))["ready"] is True
    script = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9464{}').read().decode())"
    assert "live" in shared.run("python3", "-c", script.format("/healthz"))
    assert '"ready":true' in shared.run("python3", "-c", script.format("/readyz"))
    assert "lighthouse_build_info" in shared.run("python3", "-c", script.format("/metrics"))
    assert "ok" in shared.run("python3", "-c", script.format("/health/store"))


def test_rules_and_dashboard_are_installed(shared: Machine) -> None:
    assert shared.run("ls", "/usr/share/lighthoused/monitoring").split() == [
        "lighthoused-dashboard.json",
        "lighthoused.rules.yml",
    ]
