"""What a shell remembers while it runs: parameters, functions, aliases, written files, standard input.

A parameter has alternatives, since any branch may have been taken; each alternative is a tuple of array elements.
"""

from lighthoused.gate.shell.ast import Branch, Command
from lighthoused.gate.shell.text import UNKNOWN, ended, opaque

Value = tuple[str, ...]
MAX_ALTERNATIVES = 8
MAX_FILES = 64
MAX_FILE = 1 << 18
NOBODY_KNOWS: tuple[Value, ...] = ((UNKNOWN,),)


class Input:
    """Standard input: text that is read once, by lines or as a whole. None: whatever the caller has."""

    def __init__(self, text: str | None = None) -> None:
        self.text = text
        self._at = 0

    def all(self) -> str:
        rest = UNKNOWN if self.text is None else self.text[self._at :]
        self._at = len(self.text or "")
        return rest

    def line(self, delimiter: str = "\n") -> str:
        if self.text is None:
            return UNKNOWN
        end = self.text.find(delimiter, self._at)
        end = len(self.text) if end < 0 else end
        line = self.text[self._at : end]
        self._at = end + 1
        return ended(line)

    @property
    def left(self) -> int:
        """Characters that were not read yet."""
        return 0 if self.text is None else max(0, len(self.text) - self._at)


class State:
    """One shell process. `params` None: positional parameters are not known. `numbers`: variables declared as integers.

    `references`: names declared to stand for others. `sought`: names of processes that were looked up.
    `encoded`: programs that made text of what they read.
    `descriptors`: what open files but standard input give. `outputs`: the paths of those that are open for writing.
    """

    def __init__(self, cwd: str, home: str, user: str = "") -> None:
        self.vars: dict[str, tuple[Value, ...]] = {
            "PWD": ((cwd,),),
            "HOME": ((home,),),
            "IFS": ((" \t\n",),),
            "TMPDIR": (("/tmp",),),
            "SHELL": (("/bin/bash",),),
        }
        if user:
            self.vars["USER"] = self.vars["LOGNAME"] = ((user,),)
        self.functions: dict[str, Command] = {}
        self.aliases: dict[str, str] = {}
        self.files: dict[str, str] = {}
        self.descriptors: dict[str, Input] = {}
        self.outputs: dict[str, str] = {}
        self.references: dict[str, str] = {}
        self.sought: dict[str, None] = {}
        self.encoded: list[str] = []
        self.numbers: set[str] = set()
        self.params: tuple[str, ...] | None = None
        self.name = "bash"
        self.stdin = Input()

    def fork(self, stdin: Input | None = None) -> "State":
        """A subshell: sees everything, changes nothing here."""
        child = State.__new__(State)
        child.vars = dict(self.vars)
        child.functions = dict(self.functions)
        child.aliases = dict(self.aliases)
        child.files = self.files
        child.descriptors = dict(self.descriptors)
        child.outputs = self.outputs
        child.references = self.references
        child.sought = self.sought
        child.encoded = self.encoded
        child.numbers = self.numbers
        child.name = self.name
        child.params = self.params
        child.stdin = self.stdin if stdin is None else stdin
        return child

    @property
    def cwd(self) -> str:
        return self.vars["PWD"][0][0]

    def value(self, name: str) -> Value | None:
        """The value of a parameter, its first alternative; None where it may come from the environment or be unset."""
        found = self.vars.get(self.references.get(name, name) if self.references else name)
        return None if found is None else found[0]

    def restore(self, frame: dict[str, "tuple[Value, ...] | None"]) -> None:
        """Give variables the values they had; None takes them away."""
        for name, value in frame.items():
            if value is None:
                self.vars.pop(name, None)
            else:
                self.vars[name] = value

    def refer(self, name: str, other: str) -> None:
        """From now on one name stands for the other."""
        if name and other and name != other:
            self.references[name] = other

    def assign(self, name: str, value: Value) -> None:
        self.vars[self.references.get(name, name)] = (value,)

    def keys(self, name: str) -> list[str]:
        """The keys of an associative array."""
        start = name + "["
        return [each[len(start) : -1] for each in self.vars if each.startswith(start)]

    @property
    def separators(self) -> str:
        """What unquoted values are split at."""
        value = self.vars["IFS"][0]
        return " \t\n" if not value or opaque(value[0]) else value[0]

    def write(self, path: str, text: str, append: bool) -> None:
        """Remember what was written to a file, as far as there is room."""
        text = self.files.get(path, "") + text if append else text
        if len(text) > MAX_FILE or (path not in self.files and len(self.files) >= MAX_FILES):
            text = UNKNOWN
        if path in self.files or len(self.files) < MAX_FILES:
            self.files[path] = text

    def join(self, others: list["State"]) -> None:
        """Become what is true after any of these ran instead."""
        first = others[0]
        self.params = next((each.params for each in others if each.params != self.params), self.params)
        self.vars, self.functions, self.aliases = first.vars, first.functions, first.aliases
        for other in others[1:]:
            self._join_vars(other)
            for name, body in other.functions.items():
                mine = self.functions.get(name, body)
                self.functions[name] = body if mine is body else Branch((mine, body))
            self.aliases.update(other.aliases)

    def _join_vars(self, other: "State") -> None:
        if other.vars == self.vars:
            return
        merged = dict(self.vars)
        for name in self.vars.keys() | other.vars.keys():
            both = dict.fromkeys((*self.vars.get(name, NOBODY_KNOWS), *other.vars.get(name, NOBODY_KNOWS)))
            merged[name] = tuple(both) if len(both) <= MAX_ALTERNATIVES else (*tuple(both)[:1], (UNKNOWN,))
        self.vars = merged
