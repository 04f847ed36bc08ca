"""`lighthousectl kb`: what the knowledge base says of programs. Works without a daemon."""

from collections import Counter

import click

from lighthoused.cli.output import say, show_json, show_table
from lighthoused.cli.session import Session, command, with_shared_options
from lighthoused.config import policy_folders
from lighthoused.core.errors import Invalid, NotFound
from lighthoused.core.verdicts import Effect, Request
from lighthoused.gate import endpoints, knowledge_base, languages
from lighthoused.gate.analysis import Analysis
from lighthoused.gate.explained import Explained, Form, Judge, Judged, Known, described, explain, search
from lighthoused.gate.judgement import policy_input
from lighthoused.gate.knowledge_base import Program
from lighthoused.policy.engine import Policies
from lighthoused.policy.rules import Match, strongest

_TYPED = {"ignore_unknown_options": True}


@click.group()
@with_shared_options
def kb(**options: object) -> None:
    """What is known of programs: what they do, why it is dangerous, how it is judged."""


@kb.command(context_settings=_TYPED)
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="PROGRAM [WORDS AND FLAGS]...")
@command
def show(session: Session, words: tuple[str, ...]) -> None:
    """Explain a command: `kb show git push`, `kb show rm -rf`."""
    known = Known(knowledge_base.load(), languages.load(), endpoints.load())
    found = explain(known, list(words), _judge(session))
    if session.as_json:
        show_json(found)
        return
    _show(found, " ".join(words))


@kb.command("list")
@click.argument("domain", required=False)
@command
def list_programs(session: Session, domain: str | None) -> None:
    """The domains, or the programs of one."""
    programs = list(described(knowledge_base.load()))
    domains = Counter(program.domain for program in programs for _ in program.names)
    if domain is not None and domain not in domains:
        raise NotFound(f'There is no domain "{domain}".', f"There are: {', '.join(sorted(domains))}.")
    if domain is not None:
        _list(session, [program for program in programs if program.domain == domain])
    elif session.as_json:
        show_json(dict(sorted(domains.items())))
    else:
        show_table(("domain", "programs"), sorted(domains.items()))


@kb.command("search")
@click.argument("word")
@command
def search_programs(session: Session, word: str) -> None:
    """The programs that a word is said of."""
    found = search(knowledge_base.load(), word)
    if not found:
        raise NotFound(f'The knowledge base says nothing of "{word}".', "See 'lighthousectl kb list'.")
    _list(session, found)


def _list(session: Session, programs: list[Program]) -> None:
    if session.as_json:
        show_json(
            [
                {"program": one.name, "domain": one.domain, "about": one.about, "also": list(one.names[1:])}
                for one in programs
            ]
        )
        return
    show_table(
        ("program", "domain", "about", "also"),
        [(one.name, one.domain, one.about, ", ".join(one.names[1:])) for one in programs],
    )


def _judge(session: Session) -> Judge:
    """Asks the policies of the configuration in force."""
    gate = session.config.gate
    policies = Policies(policy_folders(session.config))
    if policies.problem:
        raise Invalid(policies.problem)
    request = Request("Bash", {}, "/", "agent")

    def judge(effect: Effect) -> Match | None:
        return strongest(policies.ask(policy_input(request, Analysis((effect,)), gate.profile)))

    return judge


def _show(found: Explained, asked: str) -> None:
    say(f"{found.program} ({found.domain}): {found.about}")
    if found.harmless_when:
        say(f"  harmless with {', '.join(found.harmless_when)}")
    if not found.forms:
        say(f"  Nothing dangerous is known of '{asked}': no rule speaks of it.")
    for form in found.forms:
        say("")
        say(f"  {form.command}{_conditions(form)}")
        where = f" [{form.scope}]" if form.scope else ""
        say(f"    does     {form.kind}{where}: {form.does}")
        for name, text in (("why", form.why), ("instead", form.instead)):
            if text:
                say(f"    {name:<8} {text}")
        for judged in form.judged:
            say(f"    judged   {_verdict(judged)}")


def _conditions(form: Form) -> str:
    parts = [f"with {' or '.join(each.replace('+', ' and ') for each in form.when)}"] if form.when else []
    parts += [f"not with {' or '.join(form.unless)}"] if form.unless else []
    parts += form.like
    return f"  ({'; '.join(parts)})" if parts else ""


def _verdict(judged: Judged) -> str:
    where = f"{judged.where}: " if judged.where else ""
    return f"{where}{judged.verdict}" + (f", {judged.rule}: {judged.reason}" if judged.rule else "")
