"""HashiCorp Vault, as far as a lookup of secrets speaks with it: the HTTP API of its KV version 2 engine.

https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 and .../auth/approle. Secrets are at `secret/`.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

ROLE = {"role_id": "lighthouse", "secret_id": "d3b07384"}
TOKEN = "hvs.tests"
MOUNT = "/v1/secret/data/"
LOGIN = "/v1/auth/approle/login"


class Vault(NamedTuple):
    """One that runs, and what it was asked."""

    url: str
    asked: list[str]


@contextmanager
def serving(secrets: Mapping[str, Mapping[str, str]]) -> Iterator[Vault]:
    """Serve these secrets, by path, to who has logged in."""
    asked: list[str] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"GET {self.path}")
            path = self.path.partition("?")[0]
            if self.headers.get("X-Vault-Token") != TOKEN:
                self._answer(403, {"errors": ["permission denied"]})
            elif path.removeprefix(MOUNT) not in secrets:
                self._answer(404, {"errors": []})
            else:
                about = {"created_time": "2026-11-21T12:00:00Z", "deletion_time": "", "destroyed": False, "version": 3}
                held = {"data": dict(secrets[path.removeprefix(MOUNT)]), "metadata": {**about, "custom_metadata": None}}
                self._answer(200, {**_envelope(), "data": held})

        def do_POST(self) -> None:
            asked.append(f"POST {self.path}")
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != LOGIN or said != ROLE:
                self._answer(400, {"errors": ["invalid role or secret ID"]})
            else:
                auth = {"client_token": TOKEN, "policies": ["default"], "lease_duration": 3600, "renewable": True}
                self._answer(200, {**_envelope(), "auth": auth})

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, status: int, content: Mapping[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Vault(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()


def _envelope() -> dict[str, Any]:
    request = {"request_id": "5c1d1d2e-0000-4000-8000-000000000000", "lease_id": "", "renewable": False}
    return {**request, "lease_duration": 0, "data": None, "wrap_info": None, "warnings": None, "auth": None}
