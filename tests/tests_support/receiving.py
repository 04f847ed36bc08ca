"""A receiver of webhooks: a small real HTTP server on this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

from tests_support.waiting import until

WAIT_S = 30.0


class Post(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Keeps what it got. `statuses` are given first, one for each request, then `status`.

    `told` is the body of a refusal; nothing is answered while `hold` is not set.
    """

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.got: list[Post] = []
        self.statuses: list[int] = []
        self.status = 200
        self.told = "no\x1b[2K such topic\n"
        self.hold = threading.Event()
        self.hold.set()

    def wait(self, count: int) -> list[Post]:
        """The requests, once there are so many."""
        until(lambda: len(self.got) >= count, f"fewer than {count} requests came", WAIT_S)
        return self.got


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that runs for the length of a block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            receiver.got.append(Post(self.path, {key.lower(): value for key, value in self.headers.items()}, body))
            receiver.hold.wait(WAIT_S)
            status = receiver.statuses.pop(0) if receiver.statuses else receiver.status
            told = receiver.told.encode() if status >= 400 else b"ok"
            self.send_response(status)
            if status in (301, 302):
                self.send_header("location", receiver.url + "/elsewhere")
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    receiver = Receiver(server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield receiver
    receiver.hold.set()
    server.shutdown()
    server.server_close()
    thread.join()
