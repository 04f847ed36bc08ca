"""What programs of the knowledge base are told to do: statements in a language, or requests over HTTP."""

from typing import Any

from lighthoused.gate.arguments import Arguments
from lighthoused.gate.endpoints import READING, Endpoints, HttpRequest
from lighthoused.gate.knowledge_base import Program
from lighthoused.gate.languages import Language
from lighthoused.gate.programs.builtins import code, unseen
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import FETCHED, origin, unmarked, wholly_opaque

_LINES = "arguments"
"""The language of programs whose standard input has a line of arguments for each command."""
_DATA = ("-d", "--data", "--data-raw", "--data-binary", "--data-urlencode", "--data-ascii", "--json", "-F", "--form")
_FIELDS = ("-f", "-F", "--field", "--raw-field", "--input")


class Told:
    """Reads what stands in arguments, files and standard input."""

    def __init__(self, languages: dict[str, Language], endpoints: Endpoints) -> None:
        self._languages = languages
        self._endpoints = endpoints

    def statements(self, run: Run, program: Program, arguments: Arguments, state: State) -> None:
        """The effects of the statements that a program is given."""
        language = program.source.language
        for text in _texts(run, program, arguments, state):
            if wholly_opaque(text):
                if origin(text) == FETCHED:
                    unseen(run, text, program.name)
            elif language == _LINES:
                _lines(run, program, text, state)
            else:
                self.read(run, language, unmarked(text), program.name, state)

    def read(self, run: Run, language: str, text: str, name: str, state: State) -> None:
        """The effects of a text in a language, for the program `name`."""
        run.charge(len(text) >> 10)
        for rule, statement, shell in self._languages[language].read(text):
            if shell:
                code(run, shell, state.fork(), name)
                continue
            more: dict[str, Any] = {"place": rule.place, "note": rule.note, "instead": rule.instead}
            run.findings.add(rule.kind, statement[:200], rule.scope, certainty=rule.certainty, program=name, **more)

    def requests(self, run: Run, program: Program, arguments: Arguments) -> None:
        """The effects of the requests that a client of HTTP makes."""
        for request in asked(program, arguments):
            rule = self._endpoints.find(request)
            if rule is not None:
                more: dict[str, Any] = {"place": rule.place, "note": rule.note, "instead": rule.instead}
                more["certainty"] = rule.certainty
                target = f"{request.method} {request.url}"
                run.findings.add(rule.kind, target, rule.scope, program=program.name, **more)


def given(program: Program, arguments: Arguments) -> list[str]:
    """The statements that stand in the arguments, by `Source.code`."""
    texts: list[str] = []
    for place in program.source.code:
        kind, _, rest = place.partition(":")
        if kind == "args":
            texts.append(" ".join(arguments.words[int(rest) :]))
        elif kind == "each":
            texts.extend(arguments.words[int(rest) :])
        elif kind.startswith("-"):
            texts.extend(arguments.of(place))
    return [text for text in texts if text]


def asked(program: Program, arguments: Arguments) -> list[HttpRequest]:
    """The requests that a client of HTTP makes."""
    return _REQUESTS[program.source.requests](arguments) if program.source.requests else []


def _texts(run: Run, program: Program, arguments: Arguments, state: State) -> list[str]:
    """All statements: those given, of files what was written earlier in the same command, and standard input."""
    texts = given(program, arguments)
    for place in program.source.code:
        kind, _, rest = place.partition(":")
        if kind == "file":
            paths = (run.findings.targets.absolute(path, state.cwd) for path in arguments.of(rest))
            texts.extend(state.files[path] for path in paths if path in state.files)
        elif kind == "stdin" and state.stdin.text is not None:
            texts.append(state.stdin.all())
    return [text for text in texts if text]


def _lines(run: Run, program: Program, text: str, state: State) -> None:
    """Each line is a command of the program."""
    for line in text.splitlines():
        words = line.split()
        if words and not words[0].startswith("#"):
            run.command([program.name, *words], state.fork())


def _curl(arguments: Arguments) -> list[HttpRequest]:
    body = "&".join(arguments.of(",".join(_DATA)))
    methods = [method.upper() for method in arguments.of("-X,--request")[-1:]]
    if not methods:
        sends = any(map(arguments.has, _DATA)) and not (arguments.has("-G") or arguments.has("--get"))
        methods = ["PUT"] if arguments.has("-T") or arguments.has("--upload-file") else ["POST" if sends else "GET"]
        methods = ["HEAD"] if arguments.has("-I") or arguments.has("--head") else methods
    urls = [*arguments.words, *arguments.of("--url")]
    if arguments.has("-G") or arguments.has("--get"):
        urls = [f"{url}?{body}" for url in urls]
    return [HttpRequest(method, unmarked(url), unmarked(body)) for method in methods for url in urls]


def _wget(arguments: Arguments) -> list[HttpRequest]:
    sends = arguments.has("--post-data") or arguments.has("--post-file")
    methods = [method.upper() for method in arguments.of("--method")] or ["POST" if sends else "GET"]
    body = "&".join(arguments.of("--post-data,--body-data"))
    return [HttpRequest(methods[-1], unmarked(url), unmarked(body)) for url in arguments.words]


_METHODS = READING | {"POST", "PUT", "PATCH", "DELETE", "PURGE", "LINK", "UNLINK"}


def _httpie(arguments: Arguments) -> list[HttpRequest]:
    words = list(map(unmarked, arguments.words))
    at = next((at for at, word in enumerate(words[:4]) if word.upper() in _METHODS), None)
    method = words[at].upper() if at is not None and at + 1 < len(words) else ""
    words = words[at + 1 :] if method and at is not None else words
    if not words:
        return []
    sends = any("=" in word for word in words[1:]) or arguments.has("--raw")
    body = "&".join([*words[1:], *arguments.of("--raw")])
    return [HttpRequest(method or ("POST" if sends else "GET"), words[0], body)]


def _forge(host: str) -> Any:
    def requests(arguments: Arguments) -> list[HttpRequest]:
        if arguments.words[:1] != ["api"] or len(arguments.words) < 2:
            return []
        fields = arguments.of(",".join(_FIELDS))
        methods = [method.upper() for method in arguments.of("-X,--method")] or ["POST" if fields else "GET"]
        path = unmarked(arguments.words[1])
        url = path if "://" in path else f"{host}/{path.lstrip('/')}"
        return [HttpRequest(methods[-1], url, unmarked("&".join(fields)))]

    return requests


def _rest(arguments: Arguments) -> list[HttpRequest]:
    """``az rest --method delete --url ...``"""
    if arguments.words[:1] != ["rest"]:
        return []
    method = (arguments.of("--method,-m") or ["GET"])[-1].upper()
    body = "&".join(arguments.of("--body,-b"))
    return [HttpRequest(method, unmarked(url), unmarked(body)) for url in arguments.of("--url,--uri,-u")]


_REQUESTS = {
    "curl": _curl,
    "wget": _wget,
    "httpie": _httpie,
    "github": _forge("https://api.github.com"),
    "gitlab": _forge("https://gitlab.com/api/v4"),
    "azure": _rest,
}
