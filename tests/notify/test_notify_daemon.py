"""Notifications of a real daemon: to a real HTTP server, to a program, and what `notify test` says."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests_support.asking import Askers, askers, careful, waiting
from tests_support.receiving import Receiver, receiving
from tests_support.running import Running
from tests_support.waiting import until

from lighthoused.protocol.messages.gate import ApprovalListRequest, CheckRequest
from lighthoused.protocol.messages.status import MetricsRequest

SECRET = "a secret of more than sixteen bytes"
TOKEN = "T0KEN-that-nobody-may-see"
Serve = Callable[[str], Running]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts a daemon with these lines in its `[notify]`."""
    started: list[Running] = []

    def start(settings: str) -> Running:
        running = careful(tmp_path, settings)
        running.flags = (*running.flags, "--no-mount")
        running.start()
        started.append(running)
        return running

    yield start
    for running in started:
        assert running.stop() == 0
        assert TOKEN not in running.log.read_text()
        assert SECRET not in running.log.read_text()


@pytest.fixture
def hooked(serve: Serve, receiver: Receiver, tmp_path: Path) -> Running:
    (tmp_path / "secret").write_text(SECRET + "\n")
    settings = f'[notify]\nwebhook = "{receiver.url}/{TOKEN}"\nsecret_file = "{tmp_path / "secret"}"\n'
    return serve(f'[log]\nlevel = "debug"\n{settings}')


@pytest.fixture
def asks(hooked: Running) -> Iterator[Askers]:
    with askers(hooked) as made:
        yield made


def counted(running: Running, outcome: str) -> float:
    with running.client() as client:
        text: str = client.call(MetricsRequest(id=0)).text
    found = [line for line in text.splitlines() if line.startswith("lighthouse_notify_notices_total")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in found if f'outcome="{outcome}"' in line)


def test_a_request_and_its_answer_are_told_and_signed(hooked: Running, receiver: Receiver, asks: Askers) -> None:
    asked = asks({"command": "git push --force # private words"}, cwd="/tmp")
    (post,) = receiver.wait(1)
    told = json.loads(post.body)
    assert (told["kind"], told["approval"], told["agent"]) == ("requested", asked.id, "claude")
    assert told["rule"] == "work.rewrite-shared"
    assert "rewrites or removes history" in told["text"]
    assert f"approvals show {asked.id}" in told["text"]
    assert b"private words" not in post.body
    assert post.path == f"/{TOKEN}"
    signed = f"{post.headers['webhook-id']}.{post.headers['webhook-timestamp']}.".encode() + post.body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert post.headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(post.headers["webhook-timestamp"]) - time.time()) < 60
    hooked.ctl("approvals", "deny", asked.id, "--reason", "no")
    told = json.loads(receiver.wait(2)[1].body)
    assert (told["kind"], told["text"]) == ("answered", "owner denied what claude asked (work.rewrite-shared).")


def test_what_fails_is_tried_again_with_the_same_id(hooked: Running, receiver: Receiver, asks: Askers) -> None:
    receiver.statuses = [503, 429]
    asks(cwd="/tmp")
    posts = receiver.wait(3)
    assert len({post.headers["webhook-id"] for post in posts}) == 1


def test_a_refusal_is_final_counted_and_logged(hooked: Running, receiver: Receiver, asks: Askers) -> None:
    receiver.status = 404
    asked = asks(cwd="/tmp")
    receiver.wait(1)
    hooked.ctl("approvals", "deny", asked.id)
    receiver.wait(2)
    until(lambda: counted(hooked, "failed") >= 2)
    assert r"127.0.0.1 refused it with status 404: no\\x1b[2K such topic." in hooked.log.read_text()


def test_an_answer_that_repeats_the_url_is_not_shown(hooked: Running, receiver: Receiver) -> None:
    receiver.status, receiver.told = 404, f"cannot POST /{TOKEN}"
    done = hooked.ctl("notify", "test", check=False)
    assert "127.0.0.1 refused it with status 404. (" in done.stdout


def test_redirects_are_not_followed(hooked: Running, receiver: Receiver) -> None:
    receiver.status = 302
    done = hooked.ctl("notify", "test", check=False)
    assert done.returncode == 1
    assert [post.path for post in receiver.got] == [f"/{TOKEN}"]


def test_a_receiver_that_hangs_delays_nobody(hooked: Running, receiver: Receiver, asks: Askers) -> None:
    receiver.hold.clear()
    asked = asks(cwd="/tmp")
    receiver.wait(1)
    with hooked.client() as client:
        for number in range(150):
            verdict = client.call(CheckRequest(id=0, input={"command": f"ls {number}"}, cwd="/tmp"))
            assert verdict.verdict == "allow"
    hooked.ctl("approvals", "deny", asked.id)
    assert asked.verdict().verdict == "deny"
    receiver.hold.set()
    receiver.wait(2)


def test_a_deadline_is_told(serve: Serve, receiver: Receiver) -> None:
    running = serve(f'[gate]\napproval_deadline_s = 1\n[notify]\nwebhook = "{receiver.url}"\non = ["expired"]\n')
    with askers(running) as asks:
        asked = asks(cwd="/tmp")
        (post,) = receiver.wait(1)
        assert json.loads(post.body)["kind"] == "expired"
        assert asked.verdict().verdict == "deny"
    assert "webhook-signature" not in post.headers


def test_a_requester_that_left_expires_in_time(serve: Serve, receiver: Receiver) -> None:
    running = serve(f'[gate]\napproval_deadline_s = 2\n[notify]\nwebhook = "{receiver.url}"\non = ["expired"]\n')
    with running.client() as client:
        iter(client.stream(CheckRequest(id=0, input={"command": "git push --force"}, cwd="/tmp", wait=True)))
        until(lambda: waiting(running))
    receiver.wait(1)
    with running.client() as client:
        assert client.call(ApprovalListRequest(id=0)).approvals == ()


@pytest.mark.parametrize(
    ("form", "content_type", "expected"),
    [
        ("slack", "application/json", '{"text":"claude asks: '),
        ("ntfy", "text/plain; charset=utf-8", "claude waits for a person"),
    ],
)
def test_forms(serve: Serve, receiver: Receiver, form: str, content_type: str, expected: str) -> None:
    settings = f'[notify]\nwebhook = "{receiver.url}"\nwebhook_form = "{form}"\nwebhook_detail = "full"\n'
    running = serve(settings)
    with askers(running) as asks:
        asks({"command": "git push --force '<http://evil|click>'\x1b[2K"}, cwd="/tmp")
        (post,) = receiver.wait(1)
        assert post.headers["content-type"] == content_type
        text = post.body.decode()
        assert text.startswith(expected)
        assert "x1b[2K" in text
        assert ("&lt;http://evil|click&gt;" in text) == (form == "slack")
        if form == "ntfy":
            assert post.headers["title"].startswith("claude asks: ")
            assert post.headers["priority"] == "high"


def test_a_program_is_told(serve: Serve, tmp_path: Path) -> None:
    out = tmp_path / "told.jsonl"
    running = serve(f'[notify]\ncommand = ["sh", "-c", "cat >> {out}; echo gone wrong >&2; exit 3"]\n')
    done = running.ctl("notify", "test", check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("command  FAILED  sh failed with exit code 3: gone wrong.")
    with askers(running) as asks:
        asked = asks(cwd="/tmp")
        until(lambda: out.exists() and len(out.read_text().splitlines()) >= 2)
    notices = [json.loads(line) for line in out.read_text().splitlines()[:2]]
    assert [one["kind"] for one in notices] == ["test", "requested"]
    assert notices[1]["approval"] == asked.id
    assert notices[1]["details"].startswith("git push --force\nin /tmp\n- rewrites or removes history")


def test_a_program_that_does_not_end_is_ended(serve: Serve, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    running = serve(f'[notify]\ntimeout_s = 1\ncommand = ["sh", "-c", "sleep 300 & echo $! > {pid}; wait"]\n')
    done = running.ctl("notify", "test", check=False)
    assert "did not end within 1 s and was killed" in done.stdout
    stat = Path(f"/proc/{pid.read_text().strip()}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_what_is_tried_says_what_happened(serve: Serve, receiver: Receiver) -> None:
    running = serve(f'[notify]\nwebhook = "{receiver.url}/{TOKEN}"\ndesktop = true\ncommand = ["/nowhere"]\n')
    done = running.ctl("notify", "test", "--json", check=False)
    assert done.returncode == 1
    told = {one["outlet"]: one for one in json.loads(done.stdout)}
    assert told["webhook"]["ok"]
    assert told["webhook"]["told"] == "127.0.0.1 took it with status 200."
    assert told["command"]["told"] == "/nowhere cannot be run: No such file or directory."
    assert TOKEN not in done.stdout
    for options in ((), ("--json",)):
        file = str(running.state.parent / "lighthouse.toml")
        assert TOKEN not in running.ctl("config", "show", "--config", file, *options).stdout


def test_nobody_to_tell(serve: Serve) -> None:
    done = serve("").ctl("notify", "test", check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: No way to tell anybody is configured.\nhint: ")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ('webhook = "http://example.org/TOKEN"', "begins with https://"),
        ('webhook = "https://example.org:TOKEN/"', "begins with https://"),
        ('webhook = "ftp://TOKEN"', "begins with https://"),
        ('on = ["nothing"]', "a list of words"),
        ('command = [""]', "a list of at most"),
    ],
)
def test_bad_settings_are_refused_without_showing_the_url(tmp_path: Path, settings: str, problem: str) -> None:
    running = careful(tmp_path, f"[notify]\n{settings}\n")
    done = running.ctl("config", "check", str(tmp_path / "lighthouse.toml"), check=False)
    assert done.returncode == 1
    assert problem in done.stderr
    assert "TOKEN" not in done.stderr


def test_a_secret_that_cannot_be_used_keeps_the_daemon_from_starting(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short")
    settings = f'[notify]\nwebhook = "https://example.org"\nsecret_file = "{tmp_path / "secret"}"\n'
    running = careful(tmp_path, settings)
    with pytest.raises(AssertionError, match="has less than 16 bytes"):
        running.start()
