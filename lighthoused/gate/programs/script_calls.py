"""What calls in Perl, Ruby, JavaScript, PHP, Lua and other code do to files, processes and the network.

Like programs.literals no parser: names of functions with the literals that follow. Deleting and running is told there.
"""

import re
from typing import NamedTuple

from lighthoused.gate.programs.builtins import code
from lighthoused.gate.programs.literals import MAX_SOURCE, literals
from lighthoused.gate.programs.python_calls import SET_ID
from lighthoused.gate.programs.statements import said
from lighthoused.gate.programs.strings import assigned
from lighthoused.gate.shell.run import Run
from lighthoused.gate.shell.state import State
from lighthoused.gate.shell.text import GLOB


class FileCall(NamedTuple):
    """A function with paths. `kinds`: the effect on each of its literals in turn, "" for none."""

    pattern: re.Pattern[str]
    kinds: tuple[str, ...]
    note: str = ""


_END = r"\s*+(?:\(|(?=[\"'`])|(?=my\s|\w+\s*,\s*[\"']))\s*+(?:(?:my\s++)?\$?\w++\s*+,\s*+(?=[\"']))?"


def _named(names: str) -> re.Pattern[str]:
    return re.compile(r"(?<![\w$@%])(?:" + names + ")" + _END)


_COPIED = "A copy of accounts, keys or passwords is read where nobody expects it."
_FILES = (
    FileCall(
        _named(
            r"readFileSync|readFile|createReadStream|readTextFileSync|readTextFile|file_get_contents|readfile|slurp"
            r"|(?:File|IO|Pathname)(?:\.|::)(?:read|readlines|foreach|binread|open|stream!|read!)|read_file|readLines"
            r"|File\.new|fopen|io\.(?:open|lines)|open|readlines?|Bun\.file|scan|source|require_once|insert-file-contents"
        ),
        ("read",),
    ),
    FileCall(
        _named(
            r"writeFileSync|writeFile|appendFileSync|appendFile|createWriteStream|writeTextFileSync|file_put_contents"
            r"|writeTextFile|(?:File|IO)(?:\.|::)(?:write|binwrite|truncate|write!)|Bun\.write|write_file|outputFileSync"
            r"|truncateSync|mkdirSync|symlink|File\.symlink|touch|FileUtils\.(?:touch|mkdir_p)|write-region|mkfifo"
        ),
        ("write",),
    ),
    FileCall(
        _named(r"renameSync|rename|File\.rename|FileUtils\.mv|mv|move_uploaded_file|os\.rename|file\.rename"),
        ("move", "write"),
    ),
    FileCall(
        _named(r"copyFileSync|copyFile|cpSync|FileUtils\.(?:cp|cp_r|copy)|copy|File\.cp|file\.copy"),
        ("collect", "write"),
        _COPIED,
    ),
    FileCall(
        _named(r"chmodSync|chownSync|FileUtils\.(?:chmod|chmod_R|chown|chown_R)|fs\.chmod|fs\.chown"), ("permission",)
    ),
    FileCall(
        _named(
            r"File\.(?:delete|unlink|rm!?|rm_rf!?)|Dir\.(?:delete|rmdir|unlink)|file\.remove|deleteRecursively|rmSync"
            r"|removeSync|deleteSync|Deno\.remove(?:Sync)?|Files\.delete(?:IfExists)?|rm_rf!?|File::Path::remove_tree"
        ),
        ("delete",),
        "Code deletes it.",
    ),
)
_OF_LANGUAGE = {
    "julia": (FileCall(_named("rm"), ("delete",), "Code deletes it."),),
}
_FILE_OBJECT = re.compile(r"File\(\s*+\"([^\"]++)\"\s*+\)\s*+\.\s*+delete\w*+\s*+\(?")
_TCL_DELETE = re.compile(r"\bfile\s++delete\s++(?:-force\s++)?(?:--\s++)?([^\s;\]]++)")
_TCL_RUN = re.compile(r"(?:^|[;\[\n])\s*+(?:exec|spawn|system)\s++([^\n;\]]++)")
_OPEN_MODE = re.compile(r"^(?:r\+b?|[waxc]\+?b?\+?|\+?>{1,2}(?::.*)?|\+<)$")
_MODE = re.compile(r"(?<![\w$@%])(?:chmod|chmodSync|chown|mknod)\s*+\(?([^;)\n]{0,200})")
_KILL = re.compile(r"(?<![\w$@%])kill\b\W{0,3}(?:(?:['\"]?\w+['\"]?\s*+,\s*+(?:-1|0|1)\b)|(?:-1|1)\s*+[,)])")
_SETUID = re.compile(r"setuid\W{1,3}0\b|\$[<>]\s*+=\s*+0\b|posix_setuid\W{1,3}0\b|UID::change_privilege\W{1,3}0\b")
_FORKS = re.compile(
    r"\bfork\s+while\s+(?:fork|1|true)|while\s*+\(?\s*+(?:1|true|fork)?\s*+\)?\s*+(?:\{|do|;)?\s*+(?:pcntl_)?fork\b"
    r"|for\s*+\(?\s*+;\s*+;\s*+\)?\s*+\{?\s*+(?:pcntl_)?fork\b|loop\s*+(?:\{|do)\s*+fork\b|fork\s*+\{\s*+loop"
)
_WITHOUT_END = re.compile(
    r"\bwhile\s*+\(?\s*+(?:1|true|!0)\b|\bfor\s*+\(\s*+;\s*+;\s*+\)|\bloop\s*+(?:\{|do\b)|\buntil\s++(?:0|false)\b"
)
_GROWS = re.compile(r"\bpush\b|\.push\s*+\(|<<|\.=|\+=\s*+[\"'`a-z(]|\.(?:append|concat|unshift)\b|table\.insert")
_WAITS = re.compile(
    r"sleep|break\b|\blast\b|return|\bexit\b|\bdie\b|read|\bgets\b|<\w*>|accept|recv|await|setTimeout|\bwait|select"
)
_TIMES = re.compile(
    r"(?:x|\*|\.repeat\s*+\(|alloc\w*\s*+\(|Array\s*+\(|str_repeat\s*+\([^)]{1,40},|string\.rep\s*+\([^)]{1,40},)\s*+"
    r"(?:\d++(?:\.\d++)?e(?:1\d|9)|[1-9]\d{9,}|(?:10|2)\s*+\*\*\s*+(?:1\d|3[2-9]|[4-9]\d))"
)
_MEMORY_FILE = re.compile(r"\bsyscall\W{1,3}(?:319|279)\b|\bmemfd_create\b")
_RAW_SOCKET = re.compile(
    r"net\W{1,4}(?:connect|createConnection|Socket)\b|new\s+(?:net\.)?Socket|require\W{1,4}(?:net|tls|dgram)\b"
    r"|TCPSocket|TCPServer|UDPSocket|IO::Socket|\bsocket\s*+\(|pfsockopen|fsockopen|stream_socket_client"
    r"|require\W{1,4}socket|/inet/(?:tcp|udp)|Deno\.connect|Bun\.connect|:gen_tcp|java\.net\.Socket|Socket\.tcp"
)
_RUNS = re.compile(
    r"\b(?:exec|execSync|spawn|spawnSync|system|popen|proc_open|shell_exec|passthru|getRuntime|ProcessBuilder"
    r"|fork|pty|Command|cmd)\b|/bin/(?:ba|da|z|k|a)?sh\b|`"
)
_CLIENT = re.compile(
    r"https?(?:[\"']\))?\.(?:get|request)|\bfetch\s*+\(|LWP::Simple|LWP::UserAgent|HTTP::Tiny|open-uri|URI\.open|Net::HTTP|axios"
    r"|file_get_contents\W{1,3}https?:|curl_exec|fopen\W{1,3}https?:|socket\.http|require\W{1,4}got\b|HTTPoison|Req\.get"
    r"|url\.openStream|URL\(|download\.file|include\W{1,3}https?:"
)
_KEPT = re.compile(
    r"(?i)https?://[^\s\"'`]{0,300}(?:[\"'`]\s*+(?:\+|\.{1,2}|,)\s*+|[$#]\{)\s*+(?:encodeURIComponent\()?"
    r"(?:process\.env|ENV|os\.getenv|\$ENV|\$_ENV|getenv|System\.getenv)\W{0,3}\w*"
    r"(?:token|secret|passw(?:or)?d|api_?key|access_key|private_key|credential)"
)
_EVALUATES = re.compile(
    r"(?<![\w.])(?:eval|assert|loadstring|load|dofile|instance_eval|Function|include|vm\.runIn\w+)\b"
)
_DECODES = re.compile(
    r"(?i)(?:\beval|\bFunction|\bexec|\bsystem|\bload(?:string)?|\binstance_eval|\bassert)\b[^;\n]{0,80}"
    r"(?:base64|unpack|fromCharCode|atob|decode|inflate|rot13|hex2bin|reverse|join)"
)
_POSTS = re.compile(
    r"(?i)method\W{1,4}(?:POST|PUT)|\.post\b|::HTTP\.post|->(?:post|put)\b|CURLOPT_POST|http\.request\([^)]*POST"
    r"|\bmail\s*+\(|sendMail|smtp"
)
_READS_FILE = re.compile(
    r"readFile|File\.read|file_get_contents|slurp|\bopen\b|io\.open|process\.env|%ENV|ENV\[|getenv"
)
_METHOD = re.compile(r"(?:\.|->|::)([A-Za-z_]\w{3,60}[!?]?)\s*+(?=\(|$|[;}\s\"'])")
_QUERY = re.compile(r"(?:\.|->|::)(?:query|execute|exec|raw|do|prepare|run)" + _END)
_GLOBBED = re.compile(r"\b(?:glob|Dir\.glob|Dir\[|glob\.sync|list\.files)\b|</?[\w~/.]+/\*>")
_GLOB_LITERAL = re.compile(r"[\"'<]([^\"'<>]{1,200}\*[^\"'<>]{0,80})[\"'>]")
_UNLINKS = re.compile(r"\b(?:unlink|rm_rf|rmtree|File\.delete|unlinkSync|rmSync|remove)\b")
_APPEND_RUN = (
    re.compile(r"(?:\"((?:[^\"\\\n]|\\.)*+)\"|'([^'\n]*+)')\s*+\.\s*+(?:execute\b|!!?(?=\W|$)|lineStream|run\b)"),
    re.compile(r"\brun\s*+\(\s*+`([^`]*+)`"),
    re.compile(r"System\.cmd\s*+\(\s*+\"([^\"]*+)\"\s*+,\s*+\[([^\]]*+)\]"),
)


def calls(run: Run, source: str, state: State, language: str, written: str) -> None:
    """Add the effects of calls in this source; `written`: as it was before what it is given was filled in."""
    if len(source) > MAX_SOURCE:
        return
    run.charge(len(source) >> 9)
    _files(run, source, state, language)
    _processes(run, source, state, language)
    _network(run, source, language)
    if language != "awk" and _DECODES.search(source) and _DECODES.search(written):
        note = "It runs code that it decodes first."
        run.findings.add("interpret", language, certainty="unknown", program=language, note=note)
    _services(run, source, language)


def _files(run: Run, source: str, state: State, language: str) -> None:
    names = assigned(source) if "=" in source else {}
    for call in (*_FILES, *_OF_LANGUAGE.get(language, ())):
        for found in call.pattern.finditer(source):
            texts = literals(run, source, found.end(), names)
            for kind, text in zip(_kinds(call, texts), texts, strict=False):
                _file(run, kind, text, state, language, call.note)
    for found in (*_FILE_OBJECT.finditer(source), *(_TCL_DELETE.finditer(source) if language == "tcl" else ())):
        _file(run, "delete", found[1], state, language, "Code deletes it.")
    for found in _MODE.finditer(source):
        words = re.findall(r"[\w.~/-]+", found[1])
        sets_id = any(map(SET_ID.match, words))
        for text in re.findall(r"[\"']([^\"']+)[\"']", found[1]):
            _file(run, "permission", text, state, language, "")
            if sets_id:
                _file(
                    run, "escalate_privilege", text, state, language, "A set-id program runs with its owner's rights."
                )
    if _GLOBBED.search(source) and _UNLINKS.search(source):
        for pattern in _GLOB_LITERAL.findall(source):
            _file(
                run,
                "delete",
                re.sub(r"[*?\[]", lambda one: GLOB + one[0], pattern),
                state,
                language,
                "Code deletes it.",
            )


def _kinds(call: FileCall, texts: list[str]) -> tuple[str, ...]:
    """An open for writing is told by its mode, which may stand before the path (Perl) or after it."""
    if call.kinds != ("read",) or not texts:
        return call.kinds
    if len(texts) > 1 and texts[0].strip() in ("<", "<:raw", "<:utf8"):
        return ("", "read")
    if len(texts) > 1 and _OPEN_MODE.match(texts[0].strip()):
        return ("", "write")
    if len(texts) > 1 and _OPEN_MODE.match(texts[1]):
        return ("write",)
    return ("write",) if texts[0].startswith((">", "+<")) else ("read",)


def _file(run: Run, kind: str, path: str, state: State, language: str, note: str) -> None:
    path = path.lstrip("<>+| ")
    if not kind or not path or "://" in path:
        return
    if kind == "move":
        run.findings.path("delete", path, state.cwd, program=language, certainty="possible", note="It is moved away.")
    elif kind == "escalate_privilege":
        run.findings.add(kind, path, "system", program=language, note=note)
    else:
        run.findings.path(kind, path, state.cwd, program=language, note=note)


def _processes(run: Run, source: str, state: State, language: str) -> None:
    note = "It ends all processes, or the first one."
    if _KILL.search(source):
        run.findings.add("kill", "1", "system", program=language, place="everything", note=note)
    if _SETUID.search(source):
        run.findings.add("escalate_privilege", language, "system", program=language, note="The code goes on as root.")
    if _FORKS.search(source):
        note = "Code that starts itself again and again fills the machine with processes."
        run.findings.add("exhaust", "fork", "process", program=language, note=note)
    if language != "awk" and (
        _TIMES.search(source) or (_WITHOUT_END.search(source) and _GROWS.search(source) and not _WAITS.search(source))
    ):
        note = "It takes more memory than there is."
        run.findings.add("exhaust", "memory", "process", certainty="possible", program=language, note=note)
    if _MEMORY_FILE.search(source):
        note = "It runs a program that no file holds."
        run.findings.add("interpret", language, certainty="unknown", program=language, note=note)
    for found in _TCL_RUN.finditer(source) if language == "tcl" else ():
        code(run, found[1], state.fork(), language)
    for pattern in _APPEND_RUN:
        for found in pattern.finditer(source):
            words = " ".join(part for part in found.groups() if part)
            code(run, re.sub(r"[\"',]", " ", words), state.fork(), language)


def _network(run: Run, source: str, language: str) -> None:
    if _RAW_SOCKET.search(source):
        run.findings.add("fetch", "socket", "network", program=language)
        if _RUNS.search(source) or "/inet/" in source:
            note = "It connects a shell to the network."
            run.findings.add("listen", "socket", "network", program=language, place="shell", note=note)
    if _CLIENT.search(source):
        place = "kept" if _KEPT.search(source) else ""
        run.findings.add("fetch", language, "network", program=language, place=place)
        if _EVALUATES.search(source):
            note, instead = "It runs what it fetches from the network.", "Download it, look at it, then run the file."
            run.findings.add("interpret", language, "network", program=language, note=note, instead=instead)
    if _POSTS.search(source) and _READS_FILE.search(source):
        run.findings.add("send", language, "network", program=language, note="It sends files to the network.")


def _services(run: Run, source: str, language: str) -> None:
    """Methods of client libraries and statements that delete what a service keeps."""
    for name in dict.fromkeys(found[1] for found in _METHOD.finditer(source)):
        said(run, "methods", name, language)
    said(run, "requests", source, language)
    for found in _QUERY.finditer(source):
        for text in literals(run, source, found.end(), {})[:1]:
            said(run, "sql", text, language)
