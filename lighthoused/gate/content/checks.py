"""What is written and sent, looked at: each secret and each weak place becomes an effect. Must not judge.

The kinds are `disclose` (a secret in plain text) and `weaken` (a known weakness in code); `program` says which form or
rule found it, `place` what lies at the path. The secret itself is never told.
"""

from collections.abc import Iterator, Sequence

from lighthoused.core.verdicts import Effect
from lighthoused.gate.analysis import Analysis
from lighthoused.gate.content.secrets import scanner
from lighthoused.gate.content.weaknesses import reviewer
from lighthoused.gate.shell.text import shown

MAX_EFFECTS = 32
_LEAVING = frozenset({"send", "fetch", "push", "publish", "alter"})
_SECRET_INSTEAD = "Keep it out: read it from the environment, an ignored file or a secrets manager."


def checked(analysis: Analysis) -> Analysis:
    """The analysis with what its texts hold. Takes up to some milliseconds for each 10 KiB of text."""
    found = [*_written(analysis), *_sent(analysis)][:MAX_EFFECTS]
    return analysis._replace(effects=(*analysis.effects, *found)) if found else analysis


def warm() -> None:
    """Make ready what the first check would have to wait for."""
    scanner().scan("")
    for language in ("python", "javascript"):
        reviewer().review("", language)


def _written(analysis: Analysis) -> Iterator[Effect]:
    writes = {effect.target: effect for effect in analysis.effects if effect.kind in ("write", "append")}
    for path, text in analysis.texts:
        if not path:
            continue
        target = shown(path)
        write = writes.get(target, Effect("write", target))
        for secret in scanner().scan(text):
            yield Effect(
                "disclose",
                target,
                write.scope,
                certainty=secret.certainty,
                program=secret.id,
                place=write.place,
                note=f"Line {secret.line} holds {secret.about}.",
                instead=_SECRET_INSTEAD,
            )
        for weakness in reviewer().review(text, reviewer().language_of(path, text)):
            yield Effect(
                "weaken",
                target,
                write.scope,
                certainty=weakness.certainty,
                program=weakness.id,
                place=write.place,
                note=f"Line {weakness.line}: {weakness.note}",
                instead=weakness.instead,
            )


def _sent(analysis: Analysis) -> Iterator[Effect]:
    """Secrets in a command or call that reaches others, but for whom they are of."""
    leaving = [effect for effect in analysis.effects if effect.kind in _LEAVING]
    if not leaving:
        return
    for path, text in analysis.texts:
        for secret in scanner().scan(text) if not path else ():
            others = _others(leaving, secret.hosts)
            if others:
                yield Effect(
                    "disclose",
                    others[0].target,
                    "network",
                    certainty=secret.certainty,
                    program=secret.id,
                    note=f"It sends {secret.about}.",
                    instead=_SECRET_INSTEAD,
                )


def _others(leaving: Sequence[Effect], hosts: tuple[str, ...]) -> list[Effect]:
    """What goes to somebody else than the hosts whose secret it is."""
    return [effect for effect in leaving if not any(_is_at(effect.target, host) for host in hosts)]


def _is_at(url: str, host: str) -> bool:
    name = url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2].partition(":")[0].lower()
    return name == host or name.endswith("." + host)
