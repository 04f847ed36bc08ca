"""The hook of Claude Code and Codex: passes standard input to the daemon's gate and prints its answer. Fails closed.

It runs as a fresh process for every tool call of an agent (``python -I -S .../hook.py``), so it imports only what is
built in: not json, not os. It must not know what is asked, and of the answer only its form; before a call whatever is
not a whole answer of the daemon becomes a deny (or an ask, where that was configured and the program can ask). Exit
code 0 with JSON on standard output is how both programs take a decision; of other exit codes only 2 with a reason on
standard error blocks: https://docs.claude.com/en/docs/claude-code/hooks, https://developers.openai.com/codex/hooks

Codex takes no allow and no ask: on allow nothing is printed, so that it goes on by its own rules. Other events than
PreToolUse are reports: there is nothing to decide, and a report that cannot be made stops nobody.
"""

import _json
import _socket
import posix
import sys
import time

MAX_INPUT = 10 * 1024 * 1024
MAX_REPLY = 16 * 1024 * 1024
MAX_FIELD = 4096
"""Characters of a report's field; of longer text the beginning is told, else only the size."""
KEPT = 2000
TIMEOUT_S = 320.0
"""Longer than people have to approve (300 s by default), shorter than the program waits (see `installing`)."""
REPORT_TIMEOUT_S = 5.0
CHUNK = 65_536
BLOCKED = 2
BEFORE = b'{"id":1,"result":'
AFTER = b"}"
REFUSED = '{"id":1,"error":'
DONE = b'{"ok":true}'
JUDGED = "PreToolUse"
ANSWER = '{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"'
DECISIONS = ("allow", "deny", "ask")
REASON = '","permissionDecisionReason":"'
END = "}}"
FLAGS = ("--socket", "--agent", "--for", "--event", "--unreachable", "--wait")
HOW_TO_START = "Start it with 'lighthoused serve', or remove the hook with 'lighthousectl hook uninstall'."

ASK_AGAIN = "If it was started anew, ask again: what waited for a person still does, and an answer given since counts."


class Unanswered(Exception):
    """Why there is no verdict, as a sentence."""


class _Grammar:
    """How the built-in scanner reads JSON: as the json module does by default."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


def run(arguments: list[str]) -> int:
    """Answer one hook event."""
    flags: dict[str, str] = {}
    try:
        read_flags(arguments, flags)
        event = read_event()
        if is_report(flags):
            report(flags, event)
            return 0
        answer = ask(socket_path(flags), event, flags)
    except Unanswered as why:
        return failed(str(why), flags)
    except (Exception, KeyboardInterrupt) as error:
        return failed(f"The Lighthouse hook failed: {type(error).__name__}: {error}.", flags)
    return tell(answer, flags)


def is_report(flags: dict[str, str]) -> bool:
    """Whether there is nothing to decide."""
    return flags.get("--event", JUDGED) != JUDGED


def failed(reason: str, flags: dict[str, str]) -> int:
    """Say that there is no answer; the exit code."""
    if not is_report(flags):
        return tell(refusal(reason, flags), flags)
    write_all(2, f"Lighthouse did not record this {flags['--event']}: {reason}\n".encode(errors="replace"))
    return 1


def tell(answer: bytes, flags: dict[str, str]) -> int:
    """Print an answer as its program takes it; the exit code, which blocks where nobody took the answer."""
    if flags.get("--for") == "codex":
        if answer.startswith(f"{ANSWER}allow".encode()):
            return 0
        answer = answer.replace(f"{ANSWER}ask".encode(), f"{ANSWER}deny".encode(), 1)
    try:
        write_all(1, answer + b"\n")
    except OSError:
        return BLOCKED
    return 0


def read_flags(arguments: list[str], flags: dict[str, str]) -> None:
    """Take ``--flag value`` and ``--flag=value`` into `flags`; what is wrong is told after all that can be told."""
    wrong = []
    rest = iter(arguments)
    for argument in rest:
        name, equals, value = argument.partition("=")
        said = value if equals else next(rest, None)
        if name in FLAGS and said is not None:
            flags[name] = said
        else:
            wrong.append(argument)
    if wrong:
        raise Unanswered(f"The Lighthouse hook takes {', '.join(FLAGS)} with a value each, not {' '.join(wrong)}.")


def socket_path(flags: dict[str, str]) -> str:
    """Where the daemon listens: the flag, else the environment, else the default."""
    if "--socket" in flags:
        return flags["--socket"]
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


def ask(path: str, event: bytes, flags: dict[str, str]) -> bytes:
    """The daemon's answer to an event."""
    timeout = _seconds(flags)
    request = b'{"method":"gate.hook","id":1,"deadline_ms":%d' % (timeout * 1000)
    if "--agent" in flags:
        request += b',"agent":"%s"' % _escaped(flags["--agent"]).encode(errors="replace")
    if flags.get("--for") == "codex":
        request += b',"can_ask":false'
    if trace := posix.environ.get(b"TRACEPARENT"):
        request += b',"traceparent":"%s"' % _escaped(trace.decode(errors="replace")).encode(errors="replace")
    answer = _result(path, request + b',"event":' + event + b"}\n", timeout)
    if not is_answer(answer):
        raise Unanswered(f"lighthoused gave no verdict: {answer[:500].decode(errors='replace')}")
    return answer


def report(flags: dict[str, str], event: bytes) -> None:
    """Tell the daemon what happened. Raises Unanswered."""
    whole, sizes = shortened(event.decode(errors="replace"))
    request = f'{{"method":"gate.report","id":1,"agent":"{_escaped(flags.get("--agent", ""))}"'
    line = f'{request},"event":{whole},"sizes":{sizes}}}\n'.encode(errors="replace")
    answer = _result(socket_path(flags), line, REPORT_TIMEOUT_S)
    if answer != DONE:
        raise Unanswered(f"lighthoused did not take it: {answer[:500].decode(errors='replace')}")


def shortened(event: str) -> tuple[str, str]:
    """An event with its long fields cut or left out, and the sizes they had in bytes; both as JSON."""
    scan = _json.make_scanner(_Grammar)  # type: ignore[arg-type]
    kept = []
    sizes = []
    at = _skip(event, 1)
    while event[at] != "}":
        name, at = _json.scanstring(event, at + 1)
        start = _skip(event, _skip(event, at) + 1)
        value, end = scan(event, start)
        text = event[start:end]
        if len(text) > MAX_FIELD:
            sizes.append(f'"{_escaped(name)}":{len(text.encode(errors="replace"))}')
            text = f'"{_escaped(value[:KEPT])}"' if isinstance(value, str) else "null"
        kept.append(f'"{_escaped(name)}":{text}')
        at = _skip(event, end)
        if event[at] == ",":
            at = _skip(event, at + 1)
    return "{" + ",".join(kept) + "}", "{" + ",".join(sizes) + "}"


def is_answer(answer: bytes) -> bool:
    """Whether this is the output of a hook: a decision and its reason, and no more."""
    try:
        decision, _, rest = answer.decode().removeprefix(ANSWER).partition(REASON)
        _, end = _json.scanstring(rest, 0)
    except ValueError:
        return False
    return answer.startswith(ANSWER.encode()) and decision in DECISIONS and rest[end:] == END


def _skip(text: str, at: int) -> int:
    """The next place that is not white space."""
    while text[at] in " \t":
        at += 1
    return at


def _seconds(flags: dict[str, str]) -> float:
    try:
        return min(max(float(flags["--wait"]), 1.0), 3600.0) if "--wait" in flags else TIMEOUT_S
    except ValueError:
        raise Unanswered(f"The Lighthouse hook's --wait is no number of seconds: {flags['--wait']}.") from None


def _result(path: str, request: bytes, timeout: float) -> bytes:
    """The result of a request. Raises Unanswered."""
    with _Connection(path, timeout) as connection:
        connection.send(request)
        reply = connection.line()
    if reply.startswith(BEFORE) and reply.endswith(AFTER):
        return reply[len(BEFORE) : -len(AFTER)]
    raise Unanswered(_refused(reply.decode(errors="replace")))


def _refused(reply: str) -> str:
    """What a reply without a result says."""
    try:
        error, end = _json.make_scanner(_Grammar)(reply, len(REFUSED))  # type: ignore[arg-type]
        if reply.startswith(REFUSED) and reply[end:] == "}":
            hint = f" {error['hint']}" if error.get("hint") else ""
            return f"lighthoused refused: {error['message'][:500]}{hint[:500]}"
    except (StopIteration, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    return f"lighthoused gave no verdict: {reply[:500]}"


class _Connection:
    """A Unix socket whose every step is bounded by one deadline."""

    def __init__(self, path: str, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._until = time.monotonic() + timeout
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
                raise Unanswered(f"lighthoused at {self._path} hung up without an answer. {ASK_AGAIN}")
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
            return Unanswered(f"lighthoused at {self._path} gave no verdict within {self._timeout:g} s.")
        return Unanswered(f"lighthoused cannot be reached at {self._path}: {error.strerror or error}. {HOW_TO_START}")


def refusal(reason: str, flags: dict[str, str]) -> bytes:
    """The hook output that denies, or leaves it to the user where that was configured."""
    configured = _environment().get("LIGHTHOUSE_HOOK_UNREACHABLE") or flags.get("--unreachable")
    decision = "ask" if configured == "ask" else "deny"
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
