"""`lighthousectl approvals`: what waits for a person, shown whole, and answered."""

import sys
import time
from typing import Any, Literal

import click

from lighthoused.cli.output import fail, local_time, say, show_drawn, show_json
from lighthoused.cli.seeing import Seen, answer, check_code, look
from lighthoused.cli.session import Session, command, with_shared_options
from lighthoused.cli.showing import left, sheet, what
from lighthoused.core.errors import Denied, Invalid
from lighthoused.core.verdicts import Template
from lighthoused.core.wording import visible
from lighthoused.protocol.messages.gate import Approval, ApprovalAlwaysRequest, ApprovalListRequest

ALWAYS = {
    "agent": "from this agent in this project",
    "project": "from any agent in this project",
    "everywhere": "from any agent in any project",
}


@click.group(invoke_without_command=True)
@with_shared_options
@click.pass_context
def approvals(context: click.Context, /, **options: Any) -> None:
    """Requests that wait for a person: list, show, approve, always, deny, watch."""
    if context.invoked_subcommand is None:
        context.invoke(list_approvals, **options)


@approvals.command("list")
@command
def list_approvals(session: Session) -> None:
    """What waits, oldest first."""
    found = session.call(ApprovalListRequest(id=0)).approvals
    now = time.time_ns()
    rows = [(one.id, one.agent, what(one), one.reason, left(one, now), local_time(one.deadline)) for one in found]
    session.show_rows(found, ("id", "agent", "request", "reason", "left", "until"), rows)


@approvals.command("show")
@click.argument("id")
@command
def show_approval(session: Session, id: str) -> None:
    """One request, whole: who asks, what it would do and why it waits; for Write and Edit the diff."""
    shown = look(session.call, id)
    if session.as_json:
        show_json({"approval": shown.approval, "files": shown.files, "seen": shown.code})
    else:
        show_drawn(sheet(shown, time.time_ns()))


@approvals.command()
@click.argument("id")
@click.option("--seen", default="", metavar="CODE", help="What `show` gave as seen: answer that and nothing else.")
@click.option("--reason", default="", help="Is told to the agent.")
@command
def approve(session: Session, id: str, seen: str, reason: str) -> None:
    """Let it happen, once, exactly as shown. Without --seen it is shown first, and you are asked."""
    shown = look(session.call, id)
    if seen:
        check_code(shown, seen)
    else:
        _confirm(session, shown, "Let this happen, once?")
    _answer(session, shown, "allow", reason)


@approvals.command()
@click.argument("id")
@click.option("--agent", "scope", flag_value="agent", default=True, help="From this agent in this project (default).")
@click.option("--project", "scope", flag_value="project", help="From any agent in this project.")
@click.option("--everywhere", "scope", flag_value="everywhere", help="From any agent in any project.")
@click.option("--seen", default="", metavar="CODE", help="What `show` gave as seen: answer that and nothing else.")
@click.option("--reason", default="", help="Is told to the agent.")
@command
def always(session: Session, id: str, scope: Literal["agent", "project", "everywhere"], seen: str, reason: str) -> None:
    """Let it happen now, and from now on whenever it is asked: exactly what `show` calls its pattern."""
    shown = look(session.call, id)
    template = template_of(shown.approval)
    if seen:
        check_code(shown, seen)
    else:
        _confirm(session, shown, f"Let this happen, and always {ALWAYS[scope]}?")
    asked = ApprovalAlwaysRequest(
        id=0, approval=id, request=shown.approval.request, template=template.id, scope=scope, reason=reason
    )
    made = session.call(asked)
    if session.as_json:
        show_json(made)
    else:
        say(f"always allowed {ALWAYS[scope]}: {made.text}")
        say(f"To take it back: lighthousectl patterns revoke {made.id}")


@approvals.command()
@click.argument("id")
@click.option("--reason", default="", help="Is told to the agent.")
@command
def deny(session: Session, id: str, reason: str) -> None:
    """Refuse it."""
    _answer(session, look(session.call, id), "deny", reason)


@approvals.command()
@command
def watch(session: Session) -> None:
    """Follow requests and answers as they come; on a terminal answer them by a key."""
    from lighthoused.cli.watching import Watch

    Watch(session, answering=not session.as_json and sys.stdin.isatty() and sys.stdout.isatty()).run()


def template_of(approval: Approval) -> Template:
    """What `always` would allow. Raises Denied where there is no such thing."""
    if approval.template is None:
        raise Denied(
            f"It is asked each time ({approval.rule}), so it cannot be allowed for good.",
            f"Allow it once: lighthousectl approvals approve {approval.id}",
        )
    return approval.template


def _confirm(session: Session, shown: Seen, question: str) -> None:
    """Show it and ask. Raises Invalid where there is no terminal to ask on."""
    if session.as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Invalid(
            "Nobody is there to see what would be approved.",
            f"Look at it with `lighthousectl approvals show {shown.approval.id}`, then add --seen and its code.",
        )
    show_drawn(sheet(shown, time.time_ns()))
    if not click.confirm(question):
        fail(Invalid("Nothing was answered."), as_json=False)


def _answer(session: Session, shown: Seen, answered: Literal["allow", "deny"], reason: str) -> None:
    done = answer(session.call, shown, answered, reason)
    if session.as_json:
        show_json(done)
    else:
        click.echo(f"{'approved' if answered == 'allow' else 'denied'}: {visible(what(shown.approval))}")
