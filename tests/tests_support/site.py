"""A machine that site.yml provisioned, from nothing."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests_support.machine import Machine, booted
from tests_support.packages import build
from tests_support.provisioning import Played, Provisioning, tools
from tests_support.standing_machine import prepare

SECRET = "https://hooks.example.org/" + "4f1b9a7e" * 4
ALERTED = "http://127.0.0.1:9/" + "c05e7d13" * 4
VARIABLES: dict[str, Any] = {
    "lighthoused_members": ["dev"],
    "lighthoused_memory_high": "900M",
    "lighthoused_memory_max": "1G",
    "lighthoused_tasks_max": 300,
    "lighthoused_config": {
        "gate": {"profile": "strict", "limits": {"delete": 50}},
        "log": {"level": "debug"},
        "rights": [{"agent": "intern", "paths": ["demo/**", 'other/"ü"'], "access": "read"}],
    },
    "lighthoused_journal_max_use": "100M",
    "lighthoused_journal_max_age": "30day",
    "lighthoused_scrub_schedule": "Sun 03:00",
    "lighthoused_backup_target": "/var/backups/lighthouse",
    "lighthoused_backup_schedule": "*:0/30",
    "lighthoused_backup_keep": {"last": 2, "daily": 3, "weekly": 0, "monthly": 0},
    "lighthoused_credentials": [{"name": "webhook-url", "content": SECRET}],
    "lighthoused_prometheus_scrape": True,
    "lighthoused_prometheus_rules": "/etc/prometheus/rules",
    "lighthoused_grafana_dashboards": "/var/lib/grafana/dashboards",
    "monitoring_grafana": True,
    "monitoring_scrape_interval": "1s",
    "monitoring_scrape_configs": [{"job_name": "node", "static_configs": [{"targets": ["127.0.0.1:9100"]}]}],
    "monitoring_route": {"receiver": "team"},
    "monitoring_receivers": [{"name": "team", "webhook_configs": [{"url": ALERTED}]}],
}


class Site(NamedTuple):
    """A machine that site.yml provisioned, and what each run of it came to."""

    machine: Machine
    provisioning: Provisioning
    checked: Played
    left_alone: bool
    first: Played
    second: Played


@contextmanager
def provisioned(work: Path) -> Iterator[Site]:
    """From nothing to a daemon that serves: tried with --check first, done, and done again."""
    if absent := [command for command in ("dpkg-scanpackages", "gpg") if shutil.which(command) is None]:
        pytest.skip(f"no {', '.join(absent)}: apt-get install dpkg-dev gnupg")
    deb = build("deb")
    tools()
    with booted(work) as machine:
        prepare(machine, work)
        provisioning = Provisioning(machine, work, {**VARIABLES, "lighthoused_deb": str(deb)})
        checked = provisioning.play("site.yml", "--check", "--diff")
        seen = machine.run("ls", "/etc/lighthouse", "/usr/bin/lighthoused", "/usr/bin/fusermount3", check=False)
        first = provisioning.play("site.yml", "--diff", "-v", monitored=True)
        second = provisioning.play("site.yml", "--diff", monitored=True)
        yield Site(machine, provisioning, checked, seen.count("No such file") == 3, first, second)
