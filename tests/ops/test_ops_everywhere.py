"""Metrics and health on all addresses, where the configuration says so."""

import urllib.request
from pathlib import Path

import pytest
from tests_support.running import Running


@pytest.mark.parametrize(("everywhere", "reached"), [("false", False), ("true", True)])
def test_other_addresses_than_the_usual_are_answered_only_if_wanted(
    tmp_path: Path, everywhere: str, reached: bool
) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "config.toml").write_text(f"[metrics]\nport = 0\neverywhere = {everywhere}\n")
    running = Running(tmp_path, tmp_path / "demo", "--config", str(tmp_path / "config.toml"), "--no-mount")
    running.start()
    try:
        (line,) = [line for line in running.log.read_text().splitlines() if line.startswith("  metrics")]
        port = line.rpartition("/metrics")[0].rpartition(":")[2]
        elsewhere = f"http://127.0.0.2:{port}/health/ready"
        if reached:
            assert urllib.request.urlopen(elsewhere, timeout=10).status == 200
        else:
            with pytest.raises(OSError):
                urllib.request.urlopen(elsewhere, timeout=10)
    finally:
        running.stop()
