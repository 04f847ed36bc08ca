"""Alert rules and dashboard against what a working daemon really exposes, by a real Prometheus."""

import json
import re
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from tests_support.opa_server import StandIn
from tests_support.prometheus import Prometheus, missing
from tests_support.running import Running
from tests_support.waiting import until

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "packaging/monitoring"
RULES = MONITORING / "lighthoused.rules.yml"
GUIDE = ROOT / "docs/monitoring.md"
CONFIG = """
[backup]
target = "{target}"
[gate]
opa_url = "{opa}"
[notify]
command = ["true"]
"""
SILENT = {
    "Tiers that fail or are skipped",
    "Security events",
    "Operations that fail",
    "Refused by rights and rules",
    "Requests that fail",
    "Batches refused",
    "Changes of state",
    "Notifications",
}
"""Panels that may be empty while all is well."""
RARE = {"lighthouse_log_refused_batches_total", "lighthouse_degradation_changes_total"}
"""Metrics that show only once something has failed."""


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A daemon that has done a bit of everything."""
    base = tmp_path_factory.mktemp("working")
    opa = StandIn()
    (base / "demo").mkdir()
    (base / "demo/kept.txt").write_text("kept")
    config = base / "config.toml"
    config.write_text(CONFIG.format(target=base / "backups", opa=opa.url))
    daemon = Running(base, base / "demo", "--config", str(config))
    daemon.start()
    try:
        work(daemon, str(config))
        yield daemon
    finally:
        daemon.stop()
        opa.close()


def work(daemon: Running, config: str) -> None:
    for command in ("ls", "ls", "rm -rf ~"):
        daemon.ctl("check", command, check=False)
    asking = threading.Thread(target=daemon.ctl, args=("check", "git push --force", "--wait"), kwargs={"check": False})
    asking.start()
    waiting = until(lambda: json.loads(daemon.ctl("approvals", "list", "--json").stdout))
    daemon.ctl("approvals", "deny", waiting[0]["id"] if isinstance(waiting, list) else waiting["id"])
    asking.join()
    (daemon.current / "made.txt").write_text("made")
    assert (daemon.current / "kept.txt").read_text() == "kept"
    assert daemon.ctl("--config", config, "backup", "run", "--to", "/dev/null/nowhere", check=False).returncode == 1
    daemon.ctl("--config", config, "backup", "run")
    daemon.ctl("log", "verify")
    daemon.ctl("fsck", "--deep")


@pytest.fixture(scope="module")
def scraped(working: Running) -> str:
    with urllib.request.urlopen(url(working), timeout=10) as answer:
        return str(answer.read().decode())


def url(daemon: Running) -> str:
    return str(json.loads(daemon.ctl("status", "--json").stdout)["paths"]["metrics"]) + "/metrics"


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found = json.loads((MONITORING / "lighthoused-dashboard.json").read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def expressions(panel: dict[str, Any]) -> list[str]:
    """A panel's, with Grafana's variables filled in."""
    return [target["expr"].replace("$__rate_interval", "10s").replace("$instance", ".*") for target in panel["targets"]]


def promtool(*arguments: str | Path, given: str = "") -> str:
    """What it says. Raises AssertionError where it finds fault."""
    if reason := missing():
        pytest.skip(reason)
    done = subprocess.run(["promtool", *arguments], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_each_alert_fires_where_it_should_and_not_otherwise() -> None:
    promtool("check", "rules", RULES)
    promtool("test", "rules", MONITORING / "lighthoused.rules.test.yml")
    tested = yaml.safe_load((MONITORING / "lighthoused.rules.test.yml").read_text())["tests"]
    names = {rule["alert"] for rule in rules()}
    assert {test["name"] for test in tested} == names | {f"not {name}" for name in names}


def test_each_alert_says_what_to_do() -> None:
    headings = {line.removeprefix("### ").lower() for line in GUIDE.read_text().splitlines() if line.startswith("### ")}
    for rule in rules():
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert rule["labels"]["severity"] in ("warning", "critical")
        page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert (page, anchor in headings) == ("docs/monitoring.md", True), rule["alert"]


def test_promtool_has_nothing_to_say_about_the_metrics(scraped: str) -> None:
    assert promtool("check", "metrics", given=scraped) == ""


def test_each_metric_is_documented(scraped: str) -> None:
    exposed = {_told(family) for family in text_string_to_metric_families(scraped)}
    told = set(re.findall(r"^\| `(\w+)`", GUIDE.read_text(), re.MULTILINE))
    assert {name for name in exposed if name.startswith("lighthouse_")} | RARE == told


def _told(family: Metric) -> str:
    return f"{family.name}_total" if family.type == "counter" else family.name


def test_rules_and_dashboard_ask_for_metrics_that_there_are(scraped: str) -> None:
    exposed = {sample.name for family in text_string_to_metric_families(scraped) for sample in family.samples}
    asked = " ".join([*(rule["expr"] for rule in rules()), *(e for panel in panels() for e in expressions(panel))])
    names = set(re.findall(r"\b(?:lighthouse|process)_\w+", asked))
    assert len(names) > 50
    assert names - exposed <= RARE


def test_prometheus_answers_every_expression(working: Running, tmp_path: Path) -> None:
    if reason := missing():
        pytest.skip(reason)
    with Prometheus(tmp_path, url(working).split("/")[2], RULES) as prometheus:
        prometheus.wait("rate(lighthouse_loop_lag_seconds_count[10s]) > 0")
        for command in ("ls", "ls", "id"):
            working.ctl("check", command, check=False)
        (working.current / "made.txt").write_text("again")
        prometheus.wait('rate(lighthouse_gate_verdict_seconds_count{tier="memory"}[10s]) > 0')
        empty = {panel["title"] for panel in panels() for one in expressions(panel) if not prometheus.query(one)}
        assert empty <= SILENT
        assert [rule["name"] for rule in prometheus.rules() if rule["health"] != "ok"] == []
        assert [rule["name"] for rule in prometheus.rules() if rule["state"] == "firing"] == []
