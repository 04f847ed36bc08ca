"""Claude Code's PreToolUse hook: passes standard input to the daemon's gate and prints its answer. Fails closed.

It runs as a fresh process for every command of an agent (``python -I -S .../hook.py``), so it imports only what is
built in: not json, not os. It must not know what is asked, and of the answer only its form; whatever is not a whole
answer of the daemon becomes a deny (or an ask, where LIGHTHOUSE_HOOK_UNREACHABLE=ask). Exit code 0 with JSON on
standard output is how Claude Code takes a decision; after any other exit code but 2 it would go on:
https://docs.claude.com/en/docs/claude-code/hooks
"""

import _json
import _socket
import posix
import sys
import time

MAX_INPUT = 10 * 1024 * 1024
MAX_REPLY = 16 * 1024 * 1024
TIMEOUT_S = 320.0
"""Longer than people have to approve (300 s by default), shorter than Claude Code waits (see `configuration`)."""
CHUNK = 65_536
BLOCKED = 2
BEFORE = b'{"id":1,"result":'
AFTER = b"}"
ANSWER = '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"'
DECISIONS = ("allow", "deny", "ask")
REASON = '","permissionDecisionReason":"'
END = "}}"
HOW_TO_START = "Start it with 'lighthoused serve', or remove the hook with 'lighthousectl hook uninstall'."


class Unanswered(Exception):
    """Why there is no verdict, as a sentence."""


def run(arguments: list[str]) -> int:
    """Answer one hook event."""
    try:
        answer = ask(socket_path(arguments), read_event())
    except Unanswered as why:
        answer = refusal(str(why))
    except (Exception, KeyboardInterrupt) as error:
        answer = refusal(f"The Lighthouse hook failed: {type(error).__name__}: {error}.")
    return tell(answer)


def tell(answer: bytes) -> int:
    """Print an answer; the exit code, which blocks where nobody took the answer."""
    try:
        write_all(1, answer + b"\n")
    except OSError:
        return BLOCKED
    return 0


def socket_path(arguments: list[str]) -> str:
    """Where the daemon listens: the flag, else the environment, else the default."""
    if arguments[:1] == ["--socket"] and len(arguments) == 2:
        return arguments[1]
    if len(arguments) == 1 and arguments[0].startswith("--socket="):
        return arguments[0][len("--socket=") :]
    if arguments:
        raise Unanswered(f"The Lighthouse hook takes only --socket PATH, not {' '.join(arguments)}.")
    environment = _environment()
    if not __package__:
        sys.path.append(__file__.rsplit("/", 3)[0])
    from lighthoused import paths

    if environment.get(paths.SOCKET):
        return environment[paths.SOCKET]
    return paths.default_socket(environment, posix.geteuid(), environment.get(paths.STATE, ""))


def read_event() -> bytes:
    """Standard input as one line."""
    parts = []
    size = 0
    while part := posix.read(0, CHUNK):
        size += len(part)
        if size > MAX_INPUT:
            raise Unanswered(f"The hook's input is over {MAX_INPUT} bytes, too large to be judged.")
        parts.append(part)
    event = b"".join(parts).replace(b"\n", b" ").replace(b"\r", b" ").strip()
    if not (event.startswith(b"{") and event.endswith(b"}")):
        raise Unanswered("The hook's input is not a JSON object, so there is nothing to judge.")
    return event


def ask(path: str, event: bytes) -> bytes:
    """The daemon's answer to an event."""
    until = time.monotonic() + TIMEOUT_S
    with _Connection(path, until) as connection:
        connection.send(b'{"method":"gate.hook","id":1,"event":' + event + b"}\n")
        reply = connection.line()
    answer = reply[len(BEFORE) : -len(AFTER)]
    if not (reply.startswith(BEFORE) and reply.endswith(AFTER) and is_answer(answer)):
        raise Unanswered(f"lighthoused gave no verdict: {reply[:500].decode(errors='replace')}")
    return answer


def is_answer(answer: bytes) -> bool:
    """Whether this is the output of a hook: a decision and its reason, and no more."""
    try:
        decision, _, rest = answer.decode().removeprefix(ANSWER).partition(REASON)
        _, end = _json.scanstring(rest, 0)
    except ValueError:
        return False
    return answer.startswith(ANSWER.encode()) and decision in DECISIONS and rest[end:] == END


class _Connection:
    """A Unix socket whose every step is bounded by one deadline."""

    def __init__(self, path: str, until: float) -> None:
        self._path = path
        self._until = until
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)

    def __enter__(self) -> "_Connection":
        self._bound()
        try:
            self._socket.connect(self._path)
        except OSError as error:
            raise self._lost(error) from None
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._bound()
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise self._lost(error) from None

    def line(self) -> bytes:
        """What comes up to the first newline."""
        received = bytearray()
        while b"\n" not in received[-CHUNK:]:
            self._bound()
            try:
                part = self._socket.recv(CHUNK)
            except OSError as error:
                raise self._lost(error) from None
            if not part:
                raise Unanswered(f"lighthoused at {self._path} hung up without a verdict. {HOW_TO_START}")
            received += part
            if len(received) > MAX_REPLY:
                raise Unanswered(f"lighthoused at {self._path} gave an answer without end.")
        return bytes(received.partition(b"\n")[0])

    def _bound(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._lost(TimeoutError())
        self._socket.settimeout(left)

    def _lost(self, error: OSError) -> Unanswered:
        if isinstance(error, TimeoutError):
            return Unanswered(f"lighthoused at {self._path} gave no verdict within {TIMEOUT_S:.0f} s.")
        return Unanswered(f"lighthoused cannot be reached at {self._path}: {error.strerror or error}. {HOW_TO_START}")


def refusal(reason: str) -> bytes:
    """The hook output that denies, or leaves it to the user where that was configured."""
    decision = "ask" if _environment().get("LIGHTHOUSE_HOOK_UNREACHABLE") == "ask" else "deny"
    return f'{ANSWER}{decision}{REASON}{_escaped(reason)}"{END}'.encode(errors="replace")


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything, however many calls it takes."""
    while data:
        data = data[posix.write(descriptor, data) :]


def _escaped(text: str) -> str:
    """As the inside of a JSON string."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return "".join(letter if letter >= " " else f"\\u{ord(letter):04x}" for letter in text)


def _environment() -> dict[str, str]:
    return {
        name.decode(errors="surrogateescape"): value.decode(errors="surrogateescape")
        for name, value in posix.environ.items()
    }


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
