"""The hook as Claude Code runs it, a fresh process: whatever happens at the socket, nothing becomes an allow."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests_support.running import Running

from lighthoused.cli import hook

HOOK = [sys.executable, "-I", "-S", hook.__file__]
EVENT = {"session_id": "s", "tool_name": "Bash", "tool_input": {"command": "ls"}, "cwd": "/"}
ALLOW = (
    b'{"hookSpecificOutput":{"hookEventName":"PreToolUse",'
    b'"permissionDecision":"allow","permissionDecisionReason":"Fine: \\"a\\\\\\u00e9\\"."}}'
)
REPLIES = {
    "hangs up at once": b"",
    "rubbish": b"\xff\x00 rubbish\n",
    "no newline": b'{"id":1,"result":' + ALLOW + b"}",
    "an empty line": b"\n",
    "an error": b'{"id":1,"error":{"code":"internal","message":"No \\"luck\\".","hint":""}}\n',
    "another id": b'{"id":2,"result":' + ALLOW + b"}\n",
    "nothing as the result": b'{"id":1,"result":}\n',
    "a result of another kind": b'{"id":1,"result":{"ok":true}}\n',
    "rubbish as the result": b'{"id":1,"result":rubbish}\n',
    "a cut answer": b'{"id":1,"result":' + ALLOW[:-5] + b"}\n",
    "an answer and more": b'{"id":1,"result":' + ALLOW + b',"x":1}\n',
    "another decision": b'{"id":1,"result":' + ALLOW.replace(b"allow", b"maybe") + b"}\n",
    "another hook's answer": b'{"id":1,"result":' + ALLOW.replace(b"PreToolUse", b"Stop") + b"}\n",
    "an answer that is not UTF-8": b'{"id":1,"result":' + ALLOW.replace(b"Fine", b"\xff") + b"}\n",
    "an answer with a broken escape": b'{"id":1,"result":' + ALLOW.replace(b"\\u00e9", b"\\u00zz") + b"}\n",
}


def run_hook(*arguments: str, event: object = EVENT, **environment: str) -> tuple[str, str]:
    """The decision and its reason."""
    given = event if isinstance(event, bytes) else json.dumps(event).encode()
    done = subprocess.run([*HOOK, *arguments], input=given, capture_output=True, env=environment, check=False)
    assert done.returncode == 0
    assert done.stderr == b""
    output = json.loads(done.stdout)
    assert set(output) == {"hookSpecificOutput"}
    assert output["hookSpecificOutput"]["hookEventName"] == "PreToolUse"
    decided = output["hookSpecificOutput"]
    assert decided["permissionDecisionReason"]
    return decided["permissionDecision"], decided["permissionDecisionReason"]


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[Callable[[bytes], str]]:
    """Listens where a daemon would, and gives one client these bytes."""
    listeners = []
    threads = []

    def listen(reply: bytes) -> str:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "sock"))
        listener.listen()
        listeners.append(listener)

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                if reply:
                    peer.recv(1 << 16)
                peer.sendall(reply)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return str(tmp_path / "sock")

    yield listen
    for thread in threads:
        thread.join()
    for listener in listeners:
        listener.close()


def test_a_real_daemon_decides(running: Running) -> None:
    where = ("--socket", str(running.socket))
    assert run_hook(*where)[0] == "allow"
    bad = {**EVENT, "tool_input": {"command": "rm -rf ~"}}
    decision, reason = run_hook(*where, event=bad)
    assert decision == "deny"
    assert reason.startswith("Lighthouse: ")
    assert run_hook(f"--socket={running.socket}", event=json.dumps(bad, indent=1).encode())[0] == "deny"
    assert run_hook(LIGHTHOUSE_SOCKET=str(running.socket))[0] == "allow"
    done = running.ctl("hook", input=json.dumps(EVENT))
    assert json.loads(done.stdout)["hookSpecificOutput"]["permissionDecision"] == "allow"
    named = running.ctl("--socket", str(running.socket), "hook", input=json.dumps(bad))
    assert json.loads(named.stdout)["hookSpecificOutput"]["permissionDecision"] == "deny"


@pytest.mark.parametrize(
    "event", [b"", b"null", b"[]", b"{", b'{"tool_name":"Bash"}', b"{}", b'{"a":1},"b":{"c":2}', b"\xff{}"]
)
def test_a_real_daemon_denies_what_is_no_event(running: Running, event: bytes) -> None:
    assert run_hook("--socket", str(running.socket), event=event)[0] == "deny"


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
@pytest.mark.parametrize("decision", ["deny", "ask"])
def test_no_answer_is_never_an_allow(answering: Callable[[bytes], str], reply: bytes, decision: str) -> None:
    environment = {"LIGHTHOUSE_HOOK_UNREACHABLE": "ask"} if decision == "ask" else {}
    assert run_hook("--socket", answering(reply), **environment)[0] == decision


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_no_answer_denies_codex_whatever_was_configured(answering: Callable[[bytes], str], reply: bytes) -> None:
    where = ("--socket", answering(reply), "--for", "codex", "--unreachable", "ask")
    assert run_hook(*where, LIGHTHOUSE_HOOK_UNREACHABLE="ask")[0] == "deny"


@pytest.mark.parametrize(("decision", "printed"), [("allow", ""), ("ask", "deny"), ("deny", "deny")])
def test_codex_takes_nothing_but_a_deny(answering: Callable[[bytes], str], decision: str, printed: str) -> None:
    answer = ALLOW.replace(b"allow", decision.encode())
    where = ("--socket", answering(b'{"id":1,"result":' + answer + b"}\n"), "--for", "codex")
    done = subprocess.run([*HOOK, *where], input=b"{}", capture_output=True, env={}, check=True)
    output = json.loads(done.stdout)["hookSpecificOutput"]["permissionDecision"] if done.stdout else ""
    assert (output, done.stderr) == (printed, b"")


def test_a_whole_answer_is_passed_on(answering: Callable[[bytes], str]) -> None:
    where = answering(b'{"id":1,"result":' + ALLOW + b"}\n")
    assert run_hook("--socket", where) == ("allow", 'Fine: "a\\é".')


def test_nobody_at_the_socket(tmp_path: Path) -> None:
    missing = str(tmp_path / 'no"b\\ody\n')
    decision, reason = run_hook("--socket", missing)
    assert decision == "deny"
    assert f"cannot be reached at {missing}: No such file or directory" in reason
    assert "lighthoused serve" in reason
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(tmp_path / "stale"))
    stale.close()
    assert "Connection refused" in run_hook("--socket", str(tmp_path / "stale"))[1]
    assert run_hook("--socket", "/" + "x" * 200)[0] == "deny"
    assert run_hook("--socket", missing, LIGHTHOUSE_HOOK_UNREACHABLE="ask")[0] == "ask"
    assert run_hook("--socket", missing, LIGHTHOUSE_HOOK_UNREACHABLE="allow")[0] == "deny"


def test_a_daemon_that_says_nothing(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "sock"))
        listener.listen()
        decision, reason = run_hook("--socket", str(tmp_path / "sock"), "--wait", "1")
        assert decision == "deny"
        assert "gave no verdict within 1 s" in reason


@pytest.mark.parametrize("arguments", [("--socket",), ("nonsense",), ("--json", "--socket", "x"), ("--wait", "x")])
def test_wrong_arguments_deny(arguments: tuple[str, ...]) -> None:
    assert run_hook(*arguments)[0] == "deny"


def test_a_bad_configuration_denies(running: Running, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[nope]")
    done = running.ctl("--config", str(bad), "hook", input=json.dumps(EVENT))
    decided = json.loads(done.stdout)["hookSpecificOutput"]
    assert decided["permissionDecision"] == "deny"
    assert "[nope] is no section" in decided["permissionDecisionReason"]


def test_an_answer_that_nobody_takes_blocks() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*HOOK, "--socket", "/nobody"], input=b"{}", stdout=writing, check=False)
    os.close(writing)
    assert done.returncode == 2


def test_an_interrupt_denies() -> None:
    pipe = subprocess.PIPE
    process = subprocess.Popen([*HOOK, "--socket", "/nobody"], stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    process.stdin.write(b"{" + b" " * 200_000)
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 0
    assert json.loads(output)["hookSpecificOutput"]["permissionDecision"] == "deny"


@given(st.binary(max_size=40), st.integers(0, len(ALLOW)), st.integers(0, 40))
def test_a_damaged_answer_is_none_or_still_valid(inserted: bytes, at: int, cut: int) -> None:
    damaged = ALLOW[:at] + inserted + ALLOW[at + cut :]
    if hook.is_answer(damaged):
        decided = json.loads(damaged)["hookSpecificOutput"]
        assert decided["permissionDecision"] in hook.DECISIONS
        assert set(decided) == {"hookEventName", "permissionDecision", "permissionDecisionReason"}


@given(st.text())
def test_a_refusal_is_an_answer_whatever_its_reason(reason: str) -> None:
    refused = hook.refusal(reason, {})
    assert hook.is_answer(refused)
    assert json.loads(refused)["hookSpecificOutput"]["permissionDecision"] == "deny"


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.lists(st.text()), max_size=6), st.booleans())
def test_a_shortened_event_says_the_same_but_for_what_is_long(event: dict[str, object], indented: bool) -> None:
    event["long"] = "é" * 5000
    event["longer"] = ["x"] * 5000
    text = json.dumps(event, indent=1 if indented else None, ensure_ascii=False).replace("\n", " ")
    whole, sizes = (json.loads(one) for one in hook.shortened(text))
    assert {name: value for name, value in whole.items() if not name.startswith("long")} == {
        name: value for name, value in event.items() if not name.startswith("long")
    }
    assert whole["long"] == "é" * hook.KEPT
    assert whole["longer"] is None
    assert sizes["long"] == 10_002


def run_report(*arguments: str, event: bytes) -> subprocess.CompletedProcess[bytes]:
    command = [*HOOK, *arguments, "--event", "PostToolUse"]
    return subprocess.run(command, input=event, capture_output=True, env={}, check=False)


@pytest.mark.parametrize("event", [b"", b"{", b"[]", b'{"a" 1}', b'{"a":1', b'{"a":}', b'{"hook_event_name":"Stop"}'])
def test_a_bad_report_decides_nothing_and_says_why(running: Running, event: bytes) -> None:
    done = run_report("--socket", str(running.socket), event=event)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"Lighthouse did not record this PostToolUse: ")


def test_a_refusal_of_the_daemon_is_told_as_it_is(running: Running) -> None:
    where = ("--socket", str(running.socket))
    for reason in (
        run_hook(*where, "--agent", "no such name")[1],
        run_report(*where, "--agent", "no such name", event=b'{"hook_event_name":"SessionEnd"}').stderr.decode(),
    ):
        assert "'no such name' cannot be the name of an agent." in reason


def test_an_id_that_is_no_session_is_left_out(running: Running) -> None:
    event = {**EVENT, "session_id": "x" * 1000, "tool_input": {"command": "ls /srv"}}
    assert run_hook("--socket", str(running.socket), event=event)[0] == "allow"
    last = running.events(type="gate.judged")[-1]
    assert (last.payload["input"], last.session) == ({"command": "ls /srv"}, "")
