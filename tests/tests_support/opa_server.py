"""A small HTTP server that speaks as much of OPA's REST API as Lighthouse uses, and fails on request."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from regopy import Input, Interpreter, RegoError
from regopy.rego_shared import LogLevel


class StandIn:
    """`modules` are what was put; `mode`: fine, slow, error, garbage, empty, allows (says nothing matches).

    `token`: what a client must show as a bearer token, "" for nothing; a refusal repeats what was shown.
    """

    def __init__(self, port: int = 0) -> None:
        self.modules: dict[str, str] = {}
        self.mode = "fine"
        self.token = ""
        self.questions = 0
        self.puts: list[str] = []
        self._lock = threading.Lock()
        stand_in = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                shown = self.headers.get("authorization", "")
                if stand_in.token and shown != f"Bearer {stand_in.token}":
                    code, answer = 401, {"code": "unauthorized", "message": f"not authorized: {shown}"}
                else:
                    code, answer = stand_in.answer(self.command, unquote(self.path), body)
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(code)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        for method in ("GET", "PUT", "POST", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.handle_any)
        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        id = path.removeprefix("/v1/policies/")
        if method == "GET" and path == "/v1/policies":
            return 200, {"result": [{"id": id, "raw": raw} for id, raw in self.modules.items()]}
        if method == "PUT":
            return self._put(id, body.decode())
        if method == "DELETE":
            found = self.modules.pop(id, None)
            return (200, {}) if found is not None else (404, {"code": "resource_not_found", "message": "not found"})
        if method == "POST" and path == "/v1/data/lighthouse/asked/answer":
            return self._ask(json.loads(body)["input"])
        return 404, {"code": "resource_not_found", "message": "not found"}

    def _put(self, id: str, source: str) -> tuple[int, Any]:
        try:
            self._interpreter({**self.modules, id: source})
        except RegoError as error:
            details = [{"code": "rego_parse_error", "message": str(error).split("\n")[0]}]
            return 400, {"code": "invalid_parameter", "message": "error(s) occurred", "errors": details}
        self.modules[id] = source
        self.puts.append(id)
        return 200, {}

    def _ask(self, document: dict[str, Any]) -> tuple[int, Any]:
        self.questions += 1
        if self.mode == "slow":
            time.sleep(1.5)
        if self.mode == "error":
            return 500, {"code": "internal_error", "message": "out of order"}
        if self.mode == "garbage":
            return 200, b"<html>hello</html>"
        if self.mode == "empty" or "lighthouse/version" not in self.modules:
            return 200, {}
        with self._lock:
            interpreter = self._interpreter(self.modules)
            interpreter.set_input(Input(document))
            (result,) = interpreter.query("x = data.lighthouse.asked.answer").results
        answer = result.bindings["x"]
        if self.mode == "allows":
            answer = {"version": answer["version"], "result": {}}
        return 200, {"result": answer}

    @staticmethod
    def _interpreter(modules: dict[str, str]) -> Interpreter:
        interpreter = Interpreter()
        interpreter.log_level = LogLevel.NONE
        for id, source in modules.items():
            interpreter.add_module(id, source)
        return interpreter
