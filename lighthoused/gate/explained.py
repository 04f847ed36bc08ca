"""What the knowledge base says of a program, for people: its forms, why each is dangerous, how policies judge it.

Each form is judged by example effects, as the policies in force would judge it alone. Must not know how it is printed.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from lighthoused.core.effects import KINDS, World
from lighthoused.core.errors import NotFound
from lighthoused.core.verdicts import Answer, Certainty, Effect
from lighthoused.gate.arguments import Arguments, parse
from lighthoused.gate.endpoints import EndpointRule, Endpoints
from lighthoused.gate.knowledge_base import PATH_KINDS, KnowledgeBase, Program, Rule
from lighthoused.gate.languages import SHELL, Language, StatementRule
from lighthoused.gate.programs.told import asked, given
from lighthoused.gate.targets import Targets
from lighthoused.policy.rules import Match

Judge = Callable[[Effect], Match | None]
"""The match that decides about one effect; None where no rule speaks against it."""

_WORLD = World(home="/home/you", roots=("/home/you/project",), mount="/mnt/lighthouse", user="you")
_EXAMPLES = {
    "in a project under the mount": "/mnt/lighthouse/project/current/src/part",
    "in another project": "/home/you/project/src/part",
    "elsewhere in the home": "/home/you/letters/old",
    "in the system": "/usr/lib/part",
    "the whole system": "/",
}


class Judged(msgspec.Struct):
    """How the policies in force judge a form. `where`: on what, "" where it makes no difference."""

    verdict: Answer
    rule: str = ""
    reason: str = ""
    where: str = ""


class Form(msgspec.Struct):
    """One rule of a program: how the command looks, and what it does then."""

    command: str
    when: list[str]
    unless: list[str]
    like: list[str]
    kind: str
    does: str
    scope: str
    certainty: Certainty
    why: str
    instead: str
    judged: list[Judged]


class Explained(msgspec.Struct):
    """A program, and those of its forms that were asked for."""

    program: str
    domain: str
    about: str
    also: list[str]
    harmless_when: list[str]
    forms: list[Form]


class Known(NamedTuple):
    """All that is known: programs, and what they are told."""

    programs: KnowledgeBase
    languages: dict[str, Language]
    endpoints: Endpoints


def explain(known: Known, words: list[str], judge: Judge) -> Explained:
    """What is known of a command; of all forms where only a program is named. Raises NotFound."""
    program = known.programs.get(words[0])
    if program is None:
        hint = _similar(known.programs, words[0])
        raise NotFound(f'The knowledge base does not describe "{words[0]}".', hint)
    arguments = parse(program.grammar, words[1:])
    if given(program, arguments) or asked(program, arguments):
        rules = [rule for rule in program.rules if _applies(rule, arguments)]
    else:
        rules = [rule for rule in program.rules if _is_asked(rule, arguments, _exactly)]
        rules = rules or [rule for rule in program.rules if _is_asked(rule, arguments, _begins)]
    also = [name for name in program.names if name != program.name]
    told: list[StatementRule | EndpointRule] = [
        *_statements(known, program, arguments),
        *_requests(known, program, arguments),
    ]
    forms = [_told(program, rule, judge) for rule in told] + [_form(program, rule, judge) for rule in rules]
    return Explained(program.name, program.domain, program.about, also, list(program.harmless_when), forms)


def _statements(known: Known, program: Program, arguments: Arguments) -> list[StatementRule]:
    """The rules of the statements in a command, or all of its language where it has none."""
    language = known.languages.get(program.source.language)
    if language is None:
        return []
    texts = given(program, arguments)
    return [found.rule for text in texts for found in language.read(text)] if texts else language.rules


def _requests(known: Known, program: Program, arguments: Arguments) -> list[EndpointRule]:
    """The rules of the requests in a command, or all where it makes none."""
    requests = asked(program, arguments)
    if requests or not program.source.requests:
        found = [known.endpoints.find(request) for request in requests]
        return [rule for rule in found if rule is not None]
    return [rule for rule in known.endpoints.rules if rule.kind != "none"]


def _told(program: Program, rule: StatementRule | EndpointRule, judge: Judge) -> Form:
    """What a program does when it is told so."""
    kind = "execute" if rule.kind == SHELL else rule.kind
    if isinstance(rule, StatementRule):
        like = f"a statement like {rule.like}"
    else:
        like = f"a request like {' or '.join(sorted(rule.methods)) or 'any that changes'} {rule.url}"
    effect = Effect(kind, scope=rule.scope, certainty=rule.certainty, program=program.name, place=rule.place)
    return Form(
        command=program.name,
        when=[],
        unless=[],
        like=[like],
        kind=kind,
        does=KINDS[kind],
        scope=rule.scope,
        certainty=rule.certainty,
        why=rule.note,
        instead=rule.instead,
        judged=[_as_judged(judge(effect), "")],
    )


def search(knowledge: KnowledgeBase, word: str) -> list[Program]:
    """The programs of whose description a word is a part; those named so first."""
    wanted = word.casefold()
    found = [program for program in described(knowledge) if wanted in _text(program).casefold()]
    return sorted(found, key=lambda program: (wanted not in program.names, program.domain, program.name))


def described(knowledge: KnowledgeBase) -> Iterable[Program]:
    """Each description once, under its first name."""
    return (program for program in knowledge.programs() if program.name == program.names[0])


def _text(program: Program) -> str:
    entries = [f"{rule.entry.command} {rule.entry.note} {rule.entry.instead}" for rule in program.rules]
    return "\n".join([*program.names, program.about, *entries])


def _similar(knowledge: KnowledgeBase, name: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, list(knowledge.names()), n=3)
    return f"Similar: {', '.join(near)}." if near else "See 'lighthousectl kb search WORD'."


def _is_asked(rule: Rule, arguments: Arguments, fits: Callable[[Rule, list[str]], bool]) -> bool:
    """Whether what somebody typed can be this form. What they left out does not speak against it."""
    entry = rule.entry
    if not fits(rule, arguments.words) or any(map(arguments.has, entry.unless)):
        return False
    return not entry.when or not arguments.flags or any(map(arguments.has, entry.when))


def _applies(rule: Rule, arguments: Arguments) -> bool:
    """Whether it applies to a command that is whole."""
    skip = rule.skip(arguments.words)
    return skip is not None and rule.applies(arguments, arguments.words[skip:])


def _exactly(rule: Rule, words: list[str]) -> bool:
    return rule.skip(words) is not None or not words


def _begins(rule: Rule, words: list[str]) -> bool:
    """Whether the words are the beginning of its command, of which more has to follow."""
    return rule.anywhere or all(word in names for word, names in zip(words, rule.command, strict=False))


def _form(program: Program, rule: Rule, judge: Judge) -> Form:
    entry = rule.entry
    like = [f"an argument like {entry.arg_like}"] if entry.arg_like else []
    like += [f"{flag} like {pattern}" for flag, pattern in {**entry.flag_like, **entry.key_like}.items()]
    return Form(
        command=f"{program.name} {entry.command.replace('**', '...')}".strip(),
        when=entry.when,
        unless=entry.unless,
        like=like,
        kind=entry.kind,
        does=KINDS[entry.kind],
        scope=entry.scope,
        certainty=entry.certainty,
        why=entry.note,
        instead=entry.instead,
        judged=_judged(program, rule, judge),
    )


def _judged(program: Program, rule: Rule, judge: Judge) -> list[Judged]:
    """By where it happens, or once where that makes no difference."""
    found = [_as_judged(judge(effect), where) for where, effect in _effects(program, rule).items()]
    if len({(one.verdict, one.rule) for one in found}) == 1:
        return [msgspec.structs.replace(found[0], where="")]
    return found


def _as_judged(match: Match | None, where: str) -> Judged:
    return Judged("allow", where=where) if match is None else Judged(match.verdict, match.id, match.reason, where)


def _effects(program: Program, rule: Rule) -> dict[str, Effect]:
    """Example effects of a rule by where they happen."""
    entry = rule.entry
    recursive = bool(entry.recursive)
    base = Effect(entry.kind, certainty=entry.certainty, program=program.name, recursive=recursive, place=entry.place)
    if entry.kind in PATH_KINDS and rule.scope is None and not entry.target.startswith("="):
        return {where: _at(base, path) for where, path in _EXAMPLES.items()}
    if entry.kind in PATH_KINDS and rule.scope is None:
        return {"": _at(base, entry.target[1:])}
    if rule.scope == "project":
        base = msgspec.structs.replace(base, scope="project")
        first, second = list(_EXAMPLES)[:2]
        return {first: msgspec.structs.replace(base, undoable=True), second: base}
    return {"": msgspec.structs.replace(base, scope=rule.scope or "unknown")}


def _at(effect: Effect, path: str) -> Effect:
    """The effect on a path, seen from a project that is not versioned."""
    (root,) = _WORLD.roots
    target = Targets(_WORLD, root).resolve(path.replace("~", _WORLD.home), root)
    place = effect.place or target.place
    return msgspec.structs.replace(
        effect, target=target.path, scope=target.scope, place=place, undoable=target.undoable
    )
