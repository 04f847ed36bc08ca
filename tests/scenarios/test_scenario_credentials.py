"""A daemon with all its secrets as credentials: each is used for what it is for, and told nowhere."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.opa_server import StandIn
from tests_support.receiving import Receiver, receiving
from tests_support.running import Running
from tests_support.waiting import until

OPA, URL, SECRET, KEY = (secrets.token_hex(20) for _ in range(4))


class WithCredentials(Running):
    """Started as systemd would, with files in its directory of credentials."""

    def __init__(self, base: Path, config: str, **files: str) -> None:
        (base / "demo").mkdir()
        (base / "config.toml").write_text(config)
        super().__init__(base, base / "demo", "--no-mount", "--config", str(base / "config.toml"))
        self.credentials = base / "credentials"
        self.credentials.mkdir()
        for name, text in files.items():
            (self.credentials / f"lighthouse.{name.replace('_', '-')}").write_text(text)

    @property
    def environment(self) -> dict[str, str]:
        passed = {"CREDENTIALS_DIRECTORY": str(self.credentials), "LIGHTHOUSE_CONFIG": self.flags[-1]}
        return {**super().environment, **passed}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def opa() -> Iterator[StandIn]:
    server = StandIn()
    server.token = OPA
    yield server
    server.close()


def test_each_is_used_and_told_nowhere(tmp_path: Path, receiver: Receiver, opa: StandIn) -> None:
    running = WithCredentials(
        tmp_path,
        f'[log]\nlevel = "debug"\n[gate]\nopa_url = "{opa.url}"\n',
        opa_token=OPA + "\n",
        webhook_url=f"{receiver.url}/{URL}\n",
        webhook_secret=SECRET,
        token_keys=f"mine {KEY * 2}\n",
    )
    running.start()

    def opa_state() -> str:
        return str(json.loads(running.ctl("status", "--json").stdout)["policy"]["opa"])

    until(lambda: opa_state() == "up")
    running.ctl("notify", "test")
    (post,) = receiver.wait(1)
    assert post.path == f"/{URL}"
    assert "webhook-signature" in post.headers
    token = running.ctl("token", "issue", "--agent", "ci").stdout.strip()
    running.client(token=token).close()
    assert "mine\tsigns" in running.ctl("token", "keys").stdout
    refused = running.ctl("token", "rotate", check=False)
    assert refused.returncode == 1
    assert "is a credential" in refused.stderr
    assert not (running.state / "token.keys").exists()

    opa.token = "another"
    running.ctl("policy", "reload")
    until(lambda: "401" in opa_state())
    receiver.status = 500
    receiver.told = f"no such hook: /{URL}"
    failed = running.ctl("notify", "test", check=False)
    running.restart()
    (started, *_) = running.events(type="daemon.started")
    assert "opa-token" in str(started.payload)
    told = (
        running.ctl("log", "query", "--json").stdout,
        running.ctl("config", "show").stdout,
        running.ctl("config", "show", "--json").stdout,
        running.ctl("status", "--json").stdout,
        failed.stdout + failed.stderr,
        refused.stderr,
    )
    assert running.stop() == 0
    for secret in (OPA, URL, SECRET, KEY):
        assert not [text for text in (*told, running.log.read_text()) if secret in text]
        assert not [
            file for file in running.state.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()
        ]


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ('[credentials]\ntoken_keys = "/nowhere/ring"\n', "/nowhere/ring cannot be read"),
        ('[credentials]\nwebhook_url = "/nowhere/url"\n', "/nowhere/url, cannot be read"),
        ('[credentials]\nopa_token = "/nowhere/t"\n[gate]\nopa_url = "http://127.0.0.1:1"\n', "/nowhere/t, cannot be"),
    ],
)
def test_one_that_is_named_and_not_there_is_an_error(tmp_path: Path, section: str, reason: str) -> None:
    running = WithCredentials(tmp_path, section)
    with pytest.raises(AssertionError, match="did not start"):
        running.start()
    assert reason in running.log.read_text()


def test_without_any_all_works(tmp_path: Path) -> None:
    running = WithCredentials(tmp_path, "")
    running.start()
    assert running.ctl("token", "issue", "--agent", "ci").stdout
    assert running.stop() == 0
