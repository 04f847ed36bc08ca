"""Threads that read types at once, at their very first use."""

import subprocess
import sys

import pytest

READING = """
import sys, threading
sys.setswitchinterval(1e-6)
{given}
ready = threading.Barrier(8)
def read():
    ready.wait()
    for _ in range(20):
        {read}
threads = [threading.Thread(target=read) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""
REPLY = """
import msgspec
from lighthoused.client.replies import result_of
from lighthoused.core.verdicts import Effect, Verdict
from lighthoused.protocol.messages.gate import CheckRequest
from lighthoused.protocol.wire import RawReply
verdict = msgspec.msgpack.encode(Verdict("allow", "policy", "x", "", "", (Effect("read"),)))
reply, asked = RawReply(1, msgspec.Raw(verdict)), CheckRequest(id=1, input={})
"""
SECRETS = "from lighthoused.gate.content import secrets"


@pytest.mark.parametrize(
    ("given", "read"),
    [(REPLY, "assert result_of(reply, asked).verdict == 'allow'"), (SECRETS, "secrets.scanner.__wrapped__()")],
)
def test_threads_that_read_a_type_for_the_first_time_at_once(given: str, read: str) -> None:
    for _ in range(8):
        program = READING.format(given=given, read=read)
        ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, b"")
