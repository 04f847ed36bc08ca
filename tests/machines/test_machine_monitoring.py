"""How the installed daemon is watched: the journal's fields, health, metrics, the files for Prometheus."""

import json
from pathlib import Path

import pytest
from tests_support.machine import Machine

GUIDE = Path(__file__).parents[2] / "docs/monitoring.md"
INTERACTIVE = ("lighthousectl top", "lighthousectl approvals watch")
ACCEPTED = {
    "lighthousectl notify test": (0, 1),
    "lighthousectl degradation approve": (1,),
    "lighthousectl backup list": (0, 1),
    "systemctl start lighthouse-backup.service": (0, 1),
}
"""Exit codes where there is nothing to approve, nobody to tell, nowhere to back up to."""
COLLECTOR = """
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        with open("/tmp/told/got", "a") as got:
            got.write(self.path + "\\n")
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

http.server.ThreadingHTTPServer(("127.0.0.1", 4318), Handler).serve_forever()
"""

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


def told_to_run() -> list[str]:
    """The commands of the guide that are root's, those that need a person or another package left out."""
    lines = GUIDE.read_text().splitlines()
    commands = [
        line.removeprefix("# ") for line in lines if line.startswith(("# lighthousectl", "# systemctl", "# j", "# df"))
    ]
    return [command for command in dict.fromkeys(commands) if command not in INTERACTIVE]


def test_the_commands_of_the_guide_work(shared: Machine) -> None:
    commands = told_to_run()
    assert len(commands) > 30
    failed = {}
    for command in commands:
        done = shared.start("timeout", "60", "sh", "-c", command)
        said, _ = done.communicate()
        if done.returncode not in ACCEPTED.get(command, (0,)):
            failed[command] = f"{done.returncode}: {said[-300:]}"
    shared.run("systemctl", "reset-failed")
    assert failed == {}


def test_the_package_tells_a_collector(shared: Machine) -> None:
    shared.write("/tmp/collector.py", COLLECTOR)
    said = shared.shell(
        """mkdir -p /tmp/told; cd /tmp/told; python3 /tmp/collector.py & collector=$!
        printf '[telemetry]\\nendpoint = "http://127.0.0.1:4318"\\nsample = 1\\n[metrics]\\nport = 0\\n' > config.toml
        lighthoused serve --no-mount --config config.toml --state state --socket sock > said 2>&1 & daemon=$!
        while ! grep -q 'is ready' said; do kill -0 $daemon; sleep 0.1; done
        lighthousectl --socket sock check ls
        kill $daemon; wait $daemon; kill $collector; cat said; sort -u got"""
    )
    assert said.splitlines()[-2:] == ["/v1/metrics", "/v1/traces"]
