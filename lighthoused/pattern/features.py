"""What the model looks at: a template as a set of short texts, each simple command of it on its own.

`features_of` are for its weights. `acts_of` are what has to be known one by one before it may be sure: every effect,
every simple command as a whole, and the directory. Words alone are not enough: ``deploy prod`` is made of the words of
``deploy prod --dry-run``. So what is left to the model is the same by another agent, with other numbers in made-up
names, or several known commands one after the other whose effects are known.
"""

import re

from lighthoused.core.verdicts import Template

_SEQUENCE = frozenset({"&&", ";"})
_BINDING = frozenset(
    (
        *(".", ":", "[", "[[", "{", "!", "alias", "builtin", "case"),
        *("cd", "command", "coproc", "declare", "do", "done", "elif", "else", "enable"),
        *("esac", "eval", "exec", "export", "fi", "for", "function", "hash", "if"),
        *("in", "local", "mapfile", "popd", "pushd", "read", "readonly", "select", "set"),
        *("shift", "shopt", "source", "then", "time", "trap", "typeset", "ulimit", "umask"),
        *("unalias", "unset", "until", "while"),
    )
)
"""What makes a command mean something else that comes after it."""
_RUNS = ("execute ", "interpret ", "unparsed ")
"""Effects of what may run, or read, what another command before it wrote."""
_ASSIGNMENT = re.compile(r"\w+=")
_NUMBERED = re.compile(r"(?<=[-_/])\d+(?=$|[-_/ ])")
_LETTER = re.compile(r"[A-Za-z]")


def acts_of(template: Template) -> frozenset[str]:
    """All that it does, and where; nothing of who asks."""
    made = {f"in {template.where}", *(f"effect {_masked(each)}" for each in template.effects)}
    return frozenset(made | {f"command {' '.join(map(repr, words))}" for words in _commands(template)})


def features_of(template: Template) -> frozenset[str]:
    """Its acts, and the words that they are made of."""
    made = set(acts_of(template))
    for words in _commands(template):
        made.add(f"program {words[0]}")
        made.update(f"word {words[0]} {word}" for word in words[1:])
    return frozenset(made)


def _commands(template: Template) -> list[list[str]]:
    """The simple commands that run one after the other; all as one where one may depend on another."""
    commands: list[list[str]] = [[]]
    for word in template.words:
        if word in _SEQUENCE:
            commands.append([])
        else:
            commands[-1].append(_masked(word))
    runs = any(effect.startswith(_RUNS) or effect.endswith(" unknown") for effect in template.effects)
    if runs or any(not each or each[0] in _BINDING or _ASSIGNMENT.match(each[0]) for each in commands):
        return [[_masked(word) for word in template.words]]
    return commands


def _masked(word: str) -> str:
    """A word without the numbers that are made up as one goes along: of branches and tickets, not of options."""
    if word.startswith(("-", "/", "~")) or not _LETTER.search(word):
        return word
    return _NUMBERED.sub("{n}", word)
