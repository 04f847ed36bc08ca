"""`lighthousectl check`."""

import os
import sys
from collections.abc import Iterator
from typing import IO, Any

import click
import msgspec

from lighthoused.cli.output import EXIT_ERROR, fail, say, show_json, show_table
from lighthoused.cli.session import Session, as_refusal, command, working_directory
from lighthoused.config import policy_folders
from lighthoused.core.errors import Invalid, LighthouseError
from lighthoused.core.verdicts import Request as Asked
from lighthoused.core.verdicts import Verdict
from lighthoused.identity.access import OWNER
from lighthoused.protocol.messages.gate import CheckRequest

EXIT_CODES = {"allow": 0, "deny": 1, "escalate": 2}
SHOWN = ("verdict", "tier", "rule", "reason", "effects", "latency_us")
BATCH = 1000


@click.command()
@click.argument("text", required=False, metavar="COMMAND")
@click.option("--cwd", default="", help="Directory the command would run in; by default this one.")
@click.option("--explain", is_flag=True, help="Say how the verdict came about.")
@click.option("--wait", is_flag=True, help="Let an escalation wait for a person.")
@click.option("--batch", type=click.File("rb"), help="JSON Lines with command and optionally cwd.")
@click.option("--local", is_flag=True, help="Judge here, without a daemon.")
@click.option("--profile", default="balanced", type=click.Choice(["balanced", "strict"]), help="For --local.")
@command
def check(
    session: Session,
    text: str | None,
    cwd: str,
    explain: bool,
    wait: bool,
    batch: IO[bytes] | None,
    local: bool,
    profile: str,
) -> None:
    """Would COMMAND be allowed? Exit code 0 allow, 1 deny, 2 escalate, 3 error."""
    try:
        judge = _local_judge(profile, session) if local else _daemon_judge(session)
        if batch is not None:
            sys.exit(_check_batch(batch, judge, _directory(cwd)))
        if text is None:
            raise Invalid("There is no command to check.", "Give one, or --batch FILE.jsonl.")
        (verdict,) = judge([_request(text, _directory(cwd), explain, wait)])
        if isinstance(verdict, LighthouseError):
            raise verdict
        _show(session, verdict, explain)
        sys.exit(EXIT_CODES[verdict.verdict])
    except (LighthouseError, UnicodeEncodeError) as error:
        fail(as_refusal(error), session.as_json, EXIT_ERROR)


def _directory(cwd: str) -> str:
    return cwd if os.path.isabs(cwd) else str(working_directory() / cwd)


def _request(text: str, cwd: str, explain: bool = False, wait: bool = False) -> CheckRequest:
    return CheckRequest(id=0, input={"command": text}, cwd=os.path.abspath(cwd), explain=explain, wait=wait)


def _daemon_judge(session: Session) -> Any:
    def judge(requests: list[CheckRequest]) -> list[Any]:
        with session.client(timeout=330.0) as client:
            return client.pipeline(requests)

    return judge


def _local_judge(profile: str, session: Session) -> Any:
    from lighthoused.gate.local import local_gate, world_of

    gate = local_gate(profile, policy_folders(session.config))
    mount = str(session.config.paths.mount)

    def judge(requests: list[CheckRequest]) -> list[Verdict]:
        return [
            gate.judge(Asked(one.tool, one.input, one.cwd, OWNER), world_of(one.cwd, mount), one.explain)
            for one in requests
        ]

    return judge


def _check_batch(batch: IO[bytes], judge: Any, cwd: str) -> int:
    failed = False
    for lines in _chunks(batch):
        parsed = [_parse(line, cwd) for line in lines]
        requests = [one for one in parsed if isinstance(one, CheckRequest)]
        verdicts = iter(judge(requests))
        for one in parsed:
            outcome = next(verdicts) if isinstance(one, CheckRequest) else one
            if isinstance(outcome, Verdict):
                whole = msgspec.to_builtins(outcome)
                show_json({name: whole[name] for name in SHOWN})
            else:
                failed = True
                show_json({"error": outcome.message if isinstance(outcome, LighthouseError) else str(outcome)})
    return EXIT_ERROR if failed else 0


def _chunks(batch: IO[bytes]) -> Iterator[list[bytes]]:
    lines: list[bytes] = []
    for line in batch:
        if line.strip():
            lines.append(line)
        if len(lines) == BATCH:
            yield lines
            lines = []
    if lines:
        yield lines


class _Line(msgspec.Struct):
    command: str
    cwd: str = ""


def _parse(line: bytes, cwd: str) -> CheckRequest | Invalid:
    try:
        row = msgspec.json.decode(line, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Invalid(f"The line is not valid: {error}.")
    return _request(row.command, os.path.join(cwd, row.cwd))


def _show(session: Session, verdict: Verdict, explain: bool) -> None:
    if session.as_json:
        show_json(verdict)
        return
    say(f"{verdict.verdict}: {verdict.reason}")
    if verdict.suggestion:
        say(f"instead: {verdict.suggestion}")
    if explain:
        click.echo(f"tier {verdict.tier}, rule {verdict.rule or '-'}, {verdict.latency_us} us")
        rows = [(one.kind, one.target, one.scope, one.certainty, one.program, one.note) for one in verdict.effects]
        show_table(("effect", "target", "where", "certainty", "program", "note"), rows)
        if verdict.template is not None:
            say(f"answers count for: {verdict.template.text} in {verdict.template.where}")
