"""The hook client for Claude Code's PreToolUse: a fresh process for every tool call, so it imports next to nothing.

It passes its standard input to the daemon as it is and prints what the daemon answers. Whatever goes wrong on the way
is a denial with its reason (or "ask", where LIGHTHOUSE_HOOK_UNREACHABLE says so), never a silent allow. Run it as
``python -I -S hook.py [--socket PATH]``.
"""

import _socket
import os
import sys

MAX_INPUT = 10 * 1024 * 1024
TIMEOUT_S = 320.0
PREFIX = b'{"id":1,"result":'


def run(arguments: list[str]) -> int:
    """Answer one hook event; the exit code is 0, the decision is in the output."""
    path = _socket_path(arguments)
    try:
        event = _input()
        answer = _ask(path, event)
    except (OSError, ValueError) as error:
        answer = _refusal(f"lighthoused does not answer at {path}: {error}")
    sys.stdout.write(answer + "\n")
    return 0


def _input() -> bytes:
    data = b""
    while len(data) <= MAX_INPUT:
        part = os.read(0, 1 << 16)
        if not part:
            return data.replace(b"\n", b" ")
        data += part
    raise ValueError("the event is over 10 MiB")


def _ask(path: str, event: bytes) -> str:
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.settimeout(TIMEOUT_S)
        connection.connect(path)
        connection.sendall(b'{"method":"gate.hook","id":1,"event":' + event + b"}\n")
        reply = b""
        while not reply.endswith(b"\n"):
            part = connection.recv(1 << 16)
            if not part:
                raise ValueError("the connection was closed")
            reply += part
    finally:
        connection.close()
    reply = reply.strip()
    if not (reply.startswith(PREFIX) and reply.endswith(b"}")):
        raise ValueError("it refused: " + reply[:300].decode("utf-8", "replace"))
    return reply[len(PREFIX) : -1].decode("utf-8", "replace")


def _refusal(reason: str) -> str:
    decision = "ask" if os.environ.get("LIGHTHOUSE_HOOK_UNREACHABLE") == "ask" else "deny"
    text = "".join(c if c.isprintable() and c not in '"\\' else " " for c in reason)
    return (
        f'{{"hookSpecificOutput":{{"hookEventName":"PreToolUse","permissionDecision":"{decision}",'
        f'"permissionDecisionReason":"{text}"}}}}'
    )


def _socket_path(arguments: list[str]) -> str:
    if len(arguments) == 2 and arguments[0] == "--socket":
        return arguments[1]
    named = os.environ.get("LIGHTHOUSE_SOCKET")
    if named:
        return named
    state = os.environ.get("LIGHTHOUSE_STATE", "")
    if not __package__:
        sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    from lighthoused.paths import default_socket

    return default_socket(dict(os.environ), os.geteuid(), state)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
