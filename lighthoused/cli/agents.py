"""`lighthousectl run`, `agents` and `token`."""

import ctypes
import os
import signal
import subprocess
import sys
from typing import Any

import click

from lighthoused.cli.output import local_time, show_json, show_table
from lighthoused.cli.session import Session, command
from lighthoused.protocol.messages import (
    ROLES,
    AgentListRequest,
    AgentRegisterRequest,
    TokenIssueRequest,
    TokenListRequest,
    TokenRevokeRequest,
)

PR_SET_CHILD_SUBREAPER = 36
NOT_FOUND = 127
NOT_EXECUTABLE = 126


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--agent", required=True, help="Name of the agent.")
@click.option("--session", "session_id", default="", help="Session id; by default a new one.")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
@command
def run(session: Session, agent: str, session_id: str, argv: tuple[str, ...]) -> None:
    """Run COMMAND as an agent: what it and its descendants change is recorded as that agent's."""
    view = session.call(AgentRegisterRequest(id=0, agent=agent, session=session_id, pid=os.getpid()))
    _adopt_orphans()
    environment = {**os.environ, "LIGHTHOUSE_AGENT": view.agent, "LIGHTHOUSE_SESSION": view.session}
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = subprocess.Popen(argv, env=environment, preexec_fn=_default_signals)
    except FileNotFoundError:
        click.echo(f"error: there is no command {argv[0]!r}", err=True)
        sys.exit(NOT_FOUND)
    except PermissionError:
        click.echo(f"error: {argv[0]!r} cannot be executed", err=True)
        sys.exit(NOT_EXECUTABLE)
    for forwarded in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(forwarded, lambda number, frame: child.send_signal(number))
    code = child.wait()
    sys.exit(code if code >= 0 else 128 - code)


def _default_signals() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _adopt_orphans() -> None:
    """Descendants whose parents end become ours, not init's, and so stay attributed (prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


@click.command()
@command
def agents(session: Session) -> None:
    """Registered agents."""
    found = session.call(AgentListRequest(id=0)).agents
    if session.as_json:
        show_json(found)
        return
    rows = [
        (one.agent, one.session, one.pid, local_time(one.since), "alive" if one.alive else "ended") for one in found
    ]
    show_table(("agent", "session", "pid", "since", ""), rows)


@click.group()
def token() -> None:
    """Issue, list and revoke tokens."""


@token.command()
@click.option("--agent", required=True)
@click.option("--role", default="agent", show_default=True, type=click.Choice(ROLES))
@click.option("--ttl", default=86_400, show_default=True, help="Seconds it is valid.")
@click.option("--scope", "scopes", multiple=True, help="Method or beginning of methods; may be repeated.")
@command
def issue(session: Session, agent: str, role: Any, ttl: int, scopes: tuple[str, ...]) -> None:
    """Issue a token; it is shown only now."""
    made = session.call(TokenIssueRequest(id=0, agent=agent, role=role, ttl_s=ttl, scopes=scopes))
    if session.as_json:
        show_json(made)
    else:
        click.echo(made.token)


@token.command("list")
@command
def list_tokens(session: Session) -> None:
    """Tokens that were issued."""
    found = session.call(TokenListRequest(id=0)).tokens
    if session.as_json:
        show_json(found)
        return
    rows = [
        (one.id, one.agent, one.role, " ".join(one.scopes) or "all", local_time(one.expires * 10**9), _state(one))
        for one in found
    ]
    show_table(("id", "agent", "role", "scopes", "expires", ""), rows)


@token.command()
@click.argument("token_id")
@command
def revoke(session: Session, token_id: str) -> None:
    """Refuse a token from now on."""
    done = session.call(TokenRevokeRequest(id=0, token_id=token_id))
    if session.as_json:
        show_json(done)


def _state(view: Any) -> str:
    return "revoked" if view.revoked else ""
