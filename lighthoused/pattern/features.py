"""What the model looks at: a template as a set of short texts, each simple command of it on its own.

Every word, every pair of neighbours, every word with its program, and every effect. A request all of whose features are
known does nothing that was not there before, only in another combination of whole commands.
"""

import re

from lighthoused.core.verdicts import Template

_SEQUENCE = frozenset({"&&", ";"})
_NUMBERED = re.compile(r"(?<=[-_/])\d+(?=$|[-_/])")


def features_of(template: Template) -> frozenset[str]:
    """The features of what it does; nothing of who asks."""
    made = {f"in {template.where}", *(f"effect {_masked(each)}" for each in template.effects)}
    for words in _commands(template.words):
        program = words[0]
        made.add(f"program {program}")
        made.update(f"word {program} {word}" for word in words[1:])
        made.update(f"pair {one} {next_}" for one, next_ in zip(words, (*words[1:], "$"), strict=True))
    return frozenset(made)


def _commands(words: tuple[str, ...]) -> list[list[str]]:
    """The simple commands that run one after the other; a pipe or a choice stays whole."""
    commands: list[list[str]] = [[]]
    for word in words:
        if word in _SEQUENCE:
            commands.append([])
        else:
            commands[-1].append(_masked(word))
    return [command for command in commands if command]


def _masked(word: str) -> str:
    """A word with the numbers in it that are made up as one goes along: of branches and tickets, not of options."""
    return word if word.startswith(("-", "/", "~")) or word.isdigit() else _NUMBERED.sub("{n}", word)
