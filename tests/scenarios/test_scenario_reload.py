"""A daemon that reads its configuration anew while it runs."""

import grp
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.receiving import receiving
from tests_support.running import Running
from tests_support.waiting import until


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "demo").mkdir()
    (tmp_path / "config.toml").write_text("")
    running = Running(tmp_path, tmp_path / "demo", "--no-mount", "--config", str(tmp_path / "config.toml"))
    running.start()
    yield running
    assert running.stop() == 0


def configure(running: Running, text: str) -> None:
    Path(running.flags[-1]).write_text(text)


def test_who_is_told_changes_without_a_restart(running: Running) -> None:
    with receiving() as first, receiving() as second:
        for receiver in (first, second):
            configure(running, f'[notify]\nwebhook = "{receiver.url}/x"\n')
            assert "changed: notify.webhook\n" in running.ctl("reload").stdout
            running.ctl("notify", "test")
        assert (len(first.got), len(second.got)) == (1, 1)
        configure(running, "")
        running.ctl("reload")
        assert running.ctl("notify", "test", check=False).returncode != 0 or len(second.got) == 1
        assert "changed: nothing" in running.ctl("reload").stdout


def test_what_takes_a_restart_is_said(running: Running) -> None:
    group = grp.getgrgid(os.getgid()).gr_name
    configure(running, f'[gate]\nprofile = "strict"\n[access]\nviewer = ["@{group}"]\n[backup]\ntarget = "/tmp/x"\n')
    told = json.loads(running.ctl("reload", "--json").stdout)
    assert told["changed"] == ["access.viewer", "backup.target"]
    assert told["restart"] == ["gate.profile"]
    assert json.loads(running.ctl("status", "--json").stdout)["policy"]["profile"] == "balanced"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[notify]\nnothing = 1\n", "notify.nothing is no setting"),
        ('[access]\nviewer = ["nobody-of-this-name"]\n', "There is no user 'nobody-of-this-name'"),
        ('[notify]\nwebhook = "https://x"\nsecret_file = "/nowhere"\n', "/nowhere cannot be used"),
    ],
)
def test_what_is_wrong_changes_nothing(running: Running, text: str, reason: str) -> None:
    with receiving() as receiver:
        good = f'[notify]\nwebhook = "{receiver.url}/x"\n'
        configure(running, good)
        running.ctl("reload")
        configure(running, text)
        refused = running.ctl("reload", check=False)
        assert refused.returncode == 1
        assert reason in refused.stderr
        configure(running, good)
        running.ctl("notify", "test")
        assert len(receiver.got) == 1
        assert "changed: nothing" in running.ctl("reload").stdout


def test_a_hangup_does_the_same(running: Running) -> None:
    with receiving() as receiver:
        configure(running, f'[notify]\nwebhook = "{receiver.url}/x"\n')
        assert running.process is not None
        running.process.send_signal(signal.SIGHUP)
        until(lambda: running.events(type="daemon.reloaded"))
        running.ctl("notify", "test")
        assert len(receiver.got) == 1
