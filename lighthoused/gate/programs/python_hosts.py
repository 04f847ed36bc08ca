"""Where Python listens and sends: addresses of servers, mail hosts, requests of clients, names that carry data.

Keeps what it saw of one source (a mail host, whether something was encoded). Must not know how values are computed.
"""

import re

from lighthoused.gate.programs.python_values import Value, flat
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.text import KEPT, SECRET, opaque

_ANYWHERE = frozenset({"", "0.0.0.0", "::", "0"})
_SERVERS = frozenset(
    {"run", "run_app", "run_server", "run_simple", "serve", "start_server", "create_server", "launch", "listen"}
    | {"WSGIServer", "make_server", "WebSocketServer", "run_debug_server", "start_http_server"}
)
_HOST_KEYS = ("host", "hostname", "server_name", "address", "bind", "interface", "addr")
_LISTENERS = re.compile(
    r"^(http\.server|socketserver|xmlrpc\.server|wsgiref\.simple_server|pyftpdlib\.servers|SimpleHTTPServer)\."
)
_LOCAL = re.compile(r"^(localhost|127\.[\d.]+|::1|\[::1\])?$")
_MAILS = frozenset({"sendmail", "send_message"})
_SENDS = frozenset({"post", "put", "patch"})
_ENCODES = frozenset({"b64encode", "b32encode", "b16encode", "urlsafe_b64encode", "hexlify", "hex"})
_LOOKS_UP = frozenset(
    {"socket.gethostbyname", "socket.gethostbyname_ex", "socket.getaddrinfo", "socket.getfqdn", "dns.resolver.resolve"}
    | {"dns.resolver.query", "dns.query.udp", "dns.message.make_query"}
)
_HANDS_OVER = frozenset(
    {"send_document", "send_photo", "send_file", "files_upload", "files_upload_v2", "chat_postMessage", "sendDocument"}
    | {
        "upload_fileobj",
        "upload_from_filename",
        "upload_blob",
        "upload_from_string",
        "sendfile",
        "create_gist",
        "putfo",
    }
)


class Hosts:
    """The effects on the network of the calls of one source."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._mail = ""
        self._connected = ""
        self._encodes = False
        self.local = False
        """Whether it only listens, and only to this machine."""

    def call(self, name: str, last: str, values: list[Value], keywords: dict[str, Value]) -> None:
        """A call by its full and its last name."""
        first = flat(values[0]) if values else ""
        self._encodes = self._encodes or last in _ENCODES
        if name.startswith(("smtplib.SMTP", "smtplib.LMTP", "http.client.HTTP", "httplib.HTTP")):
            self._connected = flat(keywords.get("host", first))
        if name in _LOOKS_UP and (
            SECRET in first or KEPT in first or (self._encodes and opaque(first) and "." in first)
        ):
            self._send(first, "A name that is made of encoded data carries it out of the machine.")
        if last == "bind" and values and isinstance(values[0], list) and values[0]:
            self.local = bool(flat(values[0][0])) and _LOCAL.match(flat(values[0][0])) is not None
        elif last in ("connect", "create_connection", "open_connection"):
            self.local = False
        self._listens(name, last, values, keywords)
        if name.endswith("Request") and ("data" in keywords or len(values) > 1):
            self._send(first, "It sends data to a server.")

    def method(self, last: str, values: list[Value]) -> None:
        """A method of an object that nobody knows."""
        first = flat(values[0]) if values else ""
        if last in _SENDS and first.startswith(("http://", "https://")):
            self._send(first, "It sends data to a server.")
        elif last == "request" and first.upper() in ("POST", "PUT", "PATCH") and len(values) > 1:
            target = flat(values[1])
            self._send(target if "://" in target else f"{self._connected}{target}", "It sends data to a server.")
        elif last in _MAILS and not (self._connected and _LOCAL.match(self._connected)):
            self._send(self._connected or first, "It sends mail in somebody's name.")
        elif last in _HANDS_OVER:
            self._send(first, "It hands a file to others.")

    def _listens(self, name: str, last: str, values: list[Value], keywords: dict[str, Value]) -> None:
        address = values[0] if values and (last == "bind" or _LISTENERS.match(name)) else None
        if isinstance(address, list) and len(address) == 2:
            if flat(address[0]) in _ANYWHERE and flat(address[1]) != "0":
                self._listen(f"{flat(address[0])}:{flat(address[1])}")
        elif _LISTENERS.match(name):
            self._listen("")
        elif last in _SERVERS and not name.startswith("subprocess."):
            given = [flat(keywords[key]) for key in _HOST_KEYS if key in keywords]
            given += [flat(value) for value in values[:2] if flat(value) in _ANYWHERE - {"", "0"}]
            if any(host in _ANYWHERE for host in given):
                self._listen(given[0])

    def _listen(self, target: str) -> None:
        note, instead = "Others can connect.", "Listen on 127.0.0.1 only."
        self._run.findings.add("listen", target, "network", program="python", note=note, instead=instead)

    def _send(self, target: str, note: str) -> None:
        more = {"place": "kept"} if KEPT in target else {"place": "secret"} if SECRET in target else {}
        self._run.findings.add("send", target, "network", program="python", note=note, **more)
