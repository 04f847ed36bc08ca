"""A running daemon takes new policies at SIGHUP, keeps the old ones where the new are broken, and never starts so."""

import json
import signal
from pathlib import Path

import pytest
from tests_support.running import Running
from tests_support.waiting import until

HEAD = "package lighthouse\nimport rego.v1\n"
ASKS = HEAD + 'rules contains escalate("t.asks", -1, "Ask.") if input.cwd != ""\n'
DENIES = HEAD + 'rules contains deny("t.denies", -1, "No.") if input.cwd != ""\n'


def verdict(running: Running) -> str:
    done = running.ctl("check", "ls", "--json", check=False)
    found: str = json.loads(done.stdout)["verdict"]
    return found


def reload(running: Running, expected: str) -> None:
    assert running.process is not None
    before = len(running.events(type=expected))
    running.process.send_signal(signal.SIGHUP)
    until(lambda: len(running.events(type=expected)) > before)


def test_policies_are_taken_at_sighup_all_or_none(tmp_path: Path) -> None:
    policies = tmp_path / "policies"
    policies.mkdir()
    config = tmp_path / "config.toml"
    config.write_text(f'[gate]\npolicy_dirs = ["{policies}"]\n')
    (tmp_path / "demo").mkdir()
    running = Running(tmp_path, tmp_path / "demo", "--config", str(config))
    running.start()
    try:
        assert verdict(running) == "allow"
        (policies / "one.rego").write_text(ASKS)
        reload(running, "policy.loaded")
        assert verdict(running) == "escalate"
        (policies / "one.rego").write_text(DENIES)
        (policies / "two.rego").write_text("package lighthouse\nthis is not Rego {")
        reload(running, "policy.refused")
        assert verdict(running) == "escalate"
        assert "two" in running.ctl("status").stdout
        (policies / "two.rego").unlink()
        reload(running, "policy.loaded")
        assert verdict(running) == "deny"
    finally:
        running.stop()
    (policies / "two.rego").write_text("not Rego")
    with pytest.raises(AssertionError, match="two"):
        running.start()
