"""`lighthousectl run`, `agents` and `token`."""

import os
import subprocess
import sys
from typing import Any

import click

from lighthoused import paths as places
from lighthoused.cli.confining import Confined, with_sandbox
from lighthoused.cli.keeping import keep
from lighthoused.cli.output import fail, local_time, show_json
from lighthoused.cli.session import Session, command
from lighthoused.core.errors import Invalid, NotFound
from lighthoused.protocol.messages.agents import (
    AgentListRequest,
    AgentRegisterRequest,
    AgentView,
    TokenIssueRequest,
    TokenKeys,
    TokenKeysRequest,
    TokenListRequest,
    TokenRetireRequest,
    TokenRevokeRequest,
    TokenRotateRequest,
)
from lighthoused.protocol.messages.base import ROLES

MISSING = 127
NOT_EXECUTABLE = 126


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--agent", required=True, help="Name of the agent.")
@click.option("--session", "session_id", default="", help="Session id; by default a new one.")
@with_sandbox
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND [ARG]...")
@command
def run(session: Session, agent: str, session_id: str, sandbox: str | None, argv: tuple[str, ...]) -> None:
    """Run COMMAND as an agent: what it and its descendants change is recorded as that agent's."""
    confined = Confined(session, agent, sandbox)
    code = keep(lambda: _start(session, agent, session_id, argv, confined))
    confined.end()
    sys.exit(code)


def _start(
    session: Session, agent: str, session_id: str, argv: tuple[str, ...], confined: Confined
) -> subprocess.Popen[bytes]:
    """Register this process, and start the command below it. Raises core errors; exits as a shell would."""
    view = session.call(AgentRegisterRequest(id=0, agent=agent, session=session_id))
    try:
        return confined.start(argv, _environment(session, view))
    except FileNotFoundError:
        fail(NotFound(f"There is no command {argv[0]!r}.", "Is it spelled so, and on PATH?"), session.as_json, MISSING)
    except OSError as error:
        refused = Invalid(f"{argv[0]!r} cannot be executed: {error.strerror}.", confined.hint(error))
        fail(refused, session.as_json, NOT_EXECUTABLE)


def _environment(session: Session, view: AgentView) -> dict[str, str]:
    """What the agent's own tools need to find the same daemon, and to know whom they run for."""
    paths = session.config.paths
    return {
        **os.environ,
        "LIGHTHOUSE_AGENT": view.agent,
        "LIGHTHOUSE_SESSION": view.session,
        places.STATE: str(paths.state),
        places.MOUNT: str(paths.mount),
        places.SOCKET: str(paths.socket),
    }


@click.command()
@command
def agents(session: Session) -> None:
    """Registered agents."""
    found = session.call(AgentListRequest(id=0)).agents
    rows = [
        (one.agent, one.session, one.pid, local_time(one.since), "alive" if one.alive else "ended") for one in found
    ]
    session.show_rows(found, ("agent", "session", "pid", "since", ""), rows)


@click.group()
def token() -> None:
    """Issue, list and revoke tokens; change the keys that sign them."""


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
    rows = [
        (one.id, one.agent, one.role, " ".join(one.scopes) or "all", local_time(one.expires * 10**9), _state(one))
        for one in found
    ]
    session.show_rows(found, ("id", "agent", "role", "scopes", "expires", ""), rows)


@token.command()
@click.argument("token_id")
@command
def revoke(session: Session, token_id: str) -> None:
    """Refuse a token from now on."""
    done = session.call(TokenRevokeRequest(id=0, token_id=token_id))
    session.show(done)


@token.command()
@command
def keys(session: Session) -> None:
    """The ring of keys that sign tokens: the one that signs new tokens, and those that still verify."""
    _show_keys(session, session.call(TokenKeysRequest(id=0)))


@token.command()
@command
def rotate(session: Session) -> None:
    """Add a key that signs from now on; tokens of the older keys stay valid until those are retired."""
    _show_keys(session, session.call(TokenRotateRequest(id=0)))


@token.command()
@click.argument("key")
@command
def retire(session: Session, key: str) -> None:
    """Remove KEY from the ring: tokens that it signed are refused from now on."""
    _show_keys(session, session.call(TokenRetireRequest(id=0, key=key)))


@token.command()
@command
def newkey(session: Session) -> None:
    """Print a new key, as a line for a ring that is a credential."""
    from lighthoused.identity.keyring import new_line

    click.echo(new_line(), nl=False)


def _show_keys(session: Session, found: TokenKeys) -> None:
    rows = [(key, "signs" if key == found.signing else "verifies") for key in found.keys]
    session.show_rows(found, ("key", ""), rows)


def _state(view: Any) -> str:
    return "revoked" if view.revoked else ""
