"""`lighthousectl policy`: what judges, and changing it."""

import sys
from pathlib import Path
from typing import IO, Any

import click

from lighthoused.cli.output import EXIT_REFUSED, local_time, say, show_json, show_table
from lighthoused.cli.session import Session, command
from lighthoused.config import policy_folders
from lighthoused.core.errors import Invalid
from lighthoused.protocol.messages.policies import (
    PolicyDeleteRequest,
    PolicyExplainRequest,
    PolicyListRequest,
    PolicyPutRequest,
    PolicyReloadRequest,
    PolicyShowRequest,
    PolicyTestReply,
    PolicyTestRequest,
    RuleView,
)


@click.group()
def policy() -> None:
    """The policies that judge: list, show, put, delete, test, explain, reload."""


@policy.command("list")
@click.option("--rules", is_flag=True, help="One line for each rule.")
@command
def list_policies(session: Session, rules: bool) -> None:
    """All policies in force."""
    found = session.call(PolicyListRequest(id=0))
    if session.as_json:
        show_json(found)
        return
    if rules:
        lines = [
            (rule.id, rule.verdict, rule.state, f"{one.name}:{rule.line}", rule.examples)
            for one in found.policies
            for rule in one.rules
        ]
        show_table(("rule", "verdict", "", "policy", "examples"), lines)
    else:
        names = [
            (
                one.name,
                one.origin,
                len(one.rules),
                one.revision or "-",
                one.agent or "-",
                local_time(one.time) if one.time else "-",
            )
            for one in found.policies
        ]
        show_table(("policy", "origin", "rules", "revision", "put by", "at"), names)
    if found.problem:
        say(f"warning: the policies in force are older than the files. {found.problem}", err=True)


@policy.command()
@click.argument("name")
@command
def show(session: Session, name: str) -> None:
    """The source of a policy."""
    found = session.call(PolicyShowRequest(id=0, name=name))
    session.show(found, found.source.rstrip("\n"))


@policy.command()
@click.argument("file", type=click.File("rb"))
@click.option("--name", default="", help="What to call it; by default as the file is called.")
@click.option("--check", "check_only", is_flag=True, help="Only say whether it would be taken.")
@command
def put(session: Session, file: IO[bytes], name: str, check_only: bool) -> None:
    """Add the policy in FILE (- is standard input), or replace the one of its name. In force at once."""
    name = name or _name_of(file.name)
    request = PolicyPutRequest(id=0, name=name, source=_text(file), check_only=check_only)
    found = session.call(request)
    if session.as_json:
        show_json(found)
        return
    done = "would be taken" if check_only else f"in force, revision {found.revision}"
    say(f"{name}: {done}, {found.examples} examples hold")
    _warn_of(found.lacking)


@policy.command()
@click.argument("name")
@command
def delete(session: Session, name: str) -> None:
    """Remove a policy that was put."""
    found = session.call(PolicyDeleteRequest(id=0, name=name))
    session.show(found, f"{name}: deleted; its source stays in the log")


@policy.command()
@click.argument("files", nargs=-1, type=click.File("rb"))
@click.option("--rule", default="", metavar="ID", help="Only the examples of one rule.")
@click.option("--local", is_flag=True, help="Judge here, without a daemon.")
@command
def test(session: Session, files: tuple[IO[bytes], ...], rule: str, local: bool) -> None:
    """Run the examples of all policies, as if FILES were put; exit code 1 where one does not hold."""
    sources = {_name_of(file.name): _text(file) for file in files}
    if local:
        found = _test_here(session, sources, rule)
    else:
        found = session.call(PolicyTestRequest(id=0, rule=rule, sources=sources))
    if session.as_json:
        show_json(found)
    else:
        _show_tested(found)
    if not found.ok:
        sys.exit(EXIT_REFUSED)


@policy.command()
@click.argument("rule")
@command
def explain(session: Session, rule: str) -> None:
    """What a rule says, catches and spares; * may stand for a part of its id."""
    found = session.call(PolicyExplainRequest(id=0, rule=rule))
    if session.as_json:
        show_json(found)
        return
    for number, one in enumerate(found.rules):
        if number:
            click.echo()
        _show_rule(one)


@policy.command()
@command
def reload(session: Session) -> None:
    """Read all policies again, all or none; exit code 1 where a broken one keeps the former in force."""
    found = session.call(PolicyReloadRequest(id=0))
    if session.as_json:
        show_json(found)
    elif found.problem:
        say(f"error: {found.problem}", err=True)
        say("hint: The policies from before are still in force.", err=True)
    else:
        say(f"{found.policies} policies in force, version {found.version}")
    if found.problem:
        sys.exit(EXIT_REFUSED)


def _test_here(session: Session, sources: dict[str, str], rule: str) -> PolicyTestReply:
    from lighthoused.gate import analysis, examples
    from lighthoused.policy.engine import Policies
    from lighthoused.policy.shelf import Shelf

    folders = policy_folders(session.config)
    shelf = Shelf(folders[-1])
    policies = Policies(folders)
    paths = {str(shelf.path(name)): source for name, source in sources.items()}
    compiled, users = policies.proposed(paths)
    return examples.report({**policies.builtin, **users}, compiled, analysis.standard(), rule)


def _show_tested(found: PolicyTestReply) -> None:
    for one in found.failures:
        say(f"{one.policy}:{one.line}: {one.expected} {one.rule}: {one.call}", err=True)
        say(f"    {one.problem}", err=True)
    _warn_of(found.lacking)
    failed = f"{len(found.failures)} of {found.examples} examples do NOT hold"
    say(f"{found.examples} examples of {len(found.rules)} rules hold" if found.ok else failed)


def _warn_of(lacking: tuple[str, ...]) -> None:
    for rule in lacking:
        say(f"warning: {rule} lacks an example that it catches, or one that it spares", err=True)


def _show_rule(rule: RuleView) -> None:
    say(f"{rule.id}: {rule.verdict}, {rule.state}, {rule.policy}:{rule.line}")
    for heading, calls in (("catches", rule.caught), ("spares", rule.spared)):
        for call in calls:
            say(f"  {heading:<8} {call}")
    say("\n" + rule.source)


def _name_of(path: str) -> str:
    """Raises Invalid where standard input was not given a name."""
    if path in ("-", "<stdin>"):
        raise Invalid("A policy from standard input needs a name.", "Give one: --name team.")
    return Path(path).stem


def _text(file: IO[bytes]) -> Any:
    try:
        return file.read().decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"{file.name} is not UTF-8 text (byte {error.start}).") from None
