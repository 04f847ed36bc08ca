"""A real Prometheus that scrapes one daemon every second and evaluates rules over it."""

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

START_S = 30.0
CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: lighthoused
    static_configs: [{{targets: ["{target}"]}}]
"""


def missing() -> str:
    """Why there can be none here, "" where there can."""
    absent = [command for command in ("prometheus", "promtool") if shutil.which(command) is None]
    return f"no {' and '.join(absent)}: apt-get install prometheus" if absent else ""


class Prometheus:
    """Runs for the length of a ``with`` block; `target` is host:port."""

    def __init__(self, base: Path, target: str, rules: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self._url = f"http://{address}/api/v1/"
        config = base / "prometheus.yml"
        config.write_text(CONFIG.format(rules=rules, target=target))
        self._log = base / "prometheus.log"
        self._command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={base / 'prometheus'}"]
        self._command += [f"--web.listen-address={address}", "--log.level=warn"]

    def __enter__(self) -> "Prometheus":
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.terminate()
        self._process.wait()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression gives now. Raises urllib.error.HTTPError for one that is not valid."""
        found = self._get("query?" + urllib.parse.urlencode({"query": expression}))
        assert found["resultType"] == "vector", expression
        return list(found["result"])

    def rules(self) -> list[dict[str, Any]]:
        """All rules, with the health of their last evaluation."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def wait(self, expression: str) -> None:
        """Return once an expression gives something."""
        until = time.monotonic() + START_S
        while True:
            try:
                if self.query(expression):
                    return
            except OSError:
                assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < until, f"{expression} gives nothing\n{self._log.read_text()}"
            time.sleep(0.2)

    def _get(self, what: str) -> dict[str, Any]:
        with urllib.request.urlopen(self._url + what, timeout=10) as answer:
            data: dict[str, Any] = json.load(answer)["data"]
        return data
