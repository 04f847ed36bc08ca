"""Assignments: scalars, arrays, elements, integers and references (bash(1), PARAMETERS). Knows no commands."""

import re
from collections.abc import Callable

from lighthoused.gate.shell import ast
from lighthoused.gate.shell.bounds import Unresolvable, decimal
from lighthoused.gate.shell.expand import MAX_FIELDS, Expander
from lighthoused.gate.shell.quoting import unquoted
from lighthoused.gate.shell.state import State, Value
from lighthoused.gate.shell.text import HOLE, unmarked

Assigned = Callable[[str, str, State], None]
"""Told of each variable that has got a value."""
_ELEMENT = re.compile(r"\[([^\]]+)\]=(.*)", re.DOTALL)


class Assignments:
    """Applies assignments to a State."""

    def __init__(self, expander: Expander, assigned: Assigned) -> None:
        self._expander = expander
        self._assigned = assigned

    def apply(self, assigns: tuple[ast.Assign, ...], state: State) -> None:
        """All of them, in order. Raises Unresolvable."""
        for assign in assigns:
            if isinstance(assign.value, ast.Word):
                self._scalar(assign, unmarked(self._expander.text(assign.value, state)), state)
            else:
                self._array(assign, self._expander.fields(assign.value, state), state)

    def declare(self, argv: list[str], assigns: tuple[ast.Assign, ...], state: State) -> None:
        """Those of ``declare``, ``local``, ``export``, ...: ``-n`` makes references, ``-i`` integers."""
        flags = "".join(word[1:] for word in argv[1:] if word[:1] == "-")
        if "n" in flags and argv[0] not in ("export", "unset"):
            for assign in assigns:
                other = self._expander.text(assign.value, state) if isinstance(assign.value, ast.Word) else ""
                state.refer(assign.name, unmarked(other))
            return
        if "i" in flags:
            state.numbers.update(assign.name for assign in assigns)
        self.apply(assigns, state)

    def set(self, name: str, value: Value, state: State) -> None:
        """Give a variable its value. Raises Unresolvable."""
        if len(value) > MAX_FIELDS:
            raise Unresolvable(f"An array has more than {MAX_FIELDS} elements.")
        if name in state.numbers:
            value = tuple(self._expander.number(each, state) for each in value)
        state.assign(name, value)
        if value and name.isupper():
            self._assigned(name, value[0], state)

    def _scalar(self, assign: ast.Assign, value: str, state: State) -> None:
        if assign.subscript:
            self._element(assign, value, state)
            return
        old = state.value(assign.name) or ()
        if assign.append and assign.name in state.numbers:
            value = f"{''.join(old[:1]) or '0'}+({value})"
        elif assign.append:
            value = "".join((*old[:1], value))
        self.set(assign.name, (value, *old[1:]) if len(old) > 1 else (value,), state)

    def _element(self, assign: ast.Assign, value: str, state: State) -> None:
        """``name[subscript]=value``; a subscript that is no number is a key."""
        subscript = assign.subscript
        if "$" in subscript or "`" in subscript:
            self._expander.hidden(f"{assign.name}[{subscript}]", state)
            subscript = self._expander.source(subscript, state)
        index = decimal(subscript)
        old = state.value(assign.name) or ()
        if index is not None and -len(old) <= index < MAX_FIELDS and not state.keys(assign.name):
            filled = [*old, *[HOLE] * (index + 1 - len(old))]
            filled[index] = filled[index].replace(HOLE, "") + value if assign.append else value
            self.set(assign.name, tuple(filled), state)
        else:
            name = f"{assign.name}[{unquoted(subscript)}]"
            before = (state.value(name) or ("",))[0] if assign.append else ""
            self.set(name, (before + value,), state)

    def _array(self, assign: ast.Assign, fields: list[str], state: State) -> None:
        if not assign.append:
            for key in state.keys(assign.name):
                del state.vars[f"{assign.name}[{key}]"]
            self.set(assign.name, (), state)
        plain: list[str] = list(state.value(assign.name) or ())
        for field in fields:
            found = _ELEMENT.fullmatch(unmarked(field)) if field[:2] in ("[", "\ue003[") else None
            if found is None:
                plain.append(field)
            elif (index := decimal(found[1])) is not None and 0 <= index < MAX_FIELDS:
                plain.extend([HOLE] * (index + 1 - len(plain)))
                plain[index] = found[2]
            else:
                self.set(f"{assign.name}[{unquoted(found[1])}]", (found[2],), state)
        self.set(assign.name, tuple(plain), state)
