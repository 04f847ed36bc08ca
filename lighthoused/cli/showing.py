"""An approval as it is shown, whole, by the command line and by `top`: who, where, what, which effects, why, the diff.

An agent's words never reach the column of labels, so that they cannot pass for ours. Asks nobody.
"""

import difflib
import shlex
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from lighthoused.cli.marking import FOREIGN, HIDDEN, alike, hidden, marked
from lighthoused.cli.seeing import SHORT, Seen
from lighthoused.core.edits import EDITORS, PATCH_KEYS, WHOLE, edited, patch_of
from lighthoused.core.sight import FileView
from lighthoused.core.verdicts import Effect
from lighthoused.core.wording import in_words, visible
from lighthoused.protocol.messages.gate import Approval

MAX_DIFF_LINES = 20_000
"""Lines of both sides together up to which they are compared."""
MAX_EFFECTS = 200
LABELS = 11
STATES = {
    "absent": "The file does not exist yet.",
    "binary": "The file as it is now is no text; what would replace it:",
    "large": "The file as it is now is too large to compare; what would be written:",
    "link": "The path leads over a symbolic link, which is not followed here; what would be written:",
    "special": "What is there now is no regular file; what would be written:",
    "unreadable": "The file as it is now cannot be read from here; what would be written:",
}
DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def sheet(shown: Seen, now_ns: int) -> RenderableType:
    """All of it, in two columns."""
    approval = shown.approval
    table = Table.grid(padding=(0, 2), pad_edge=False)
    table.add_column(width=LABELS, no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in _rows(shown, now_ns):
        table.add_row(Text(label, "bold"), value)
    diff = [part for view in shown.files for part in changes(approval, view)]
    diff += map(_patched, patch_of(approval.tool, approval.input).split("\n"))
    return Group(table, Text(), *diff) if diff else table


def left(approval: Approval, now_ns: int) -> str:
    """How long there still is to answer, as ``4:31``; ``0:00`` when it is over."""
    seconds = max(0, approval.deadline - now_ns) // 10**9
    return f"{seconds // 60}:{seconds % 60:02}"


def what(approval: Approval) -> str:
    """The request in one line."""
    return what_of(approval.tool, approval.input)


def what_of(tool: str, given: Mapping[str, Any]) -> str:
    """A call of a tool in one line."""
    command = given.get("command")
    if isinstance(command, str):
        return command
    if isinstance(command, list):
        return shlex.join(map(str, command))
    for key in ("file_path", "path", "notebook_path", "url"):
        if isinstance(given.get(key), str):
            return f"{tool} {given[key]}"
    return f"{tool} {msgspec.json.encode(given).decode()}"


def changes(approval: Approval, view: FileView) -> Iterator[Text]:
    """What the call makes of a file, as a unified diff in colours."""
    before = view.text if view.state == "text" else ""
    if view.state not in ("text", "absent"):
        yield Text(STATES[view.state], FOREIGN)
        if approval.tool not in WHOLE:
            return
    after = edited(approval.tool, approval.input, before)
    if after.problem:
        yield Text(after.problem, FOREIGN)
        return
    yield from _diff(before, after.text, view)


def _rows(shown: Seen, now_ns: int) -> Iterator[tuple[str, Text]]:
    approval = shown.approval
    session = f", session {approval.session}" if approval.session else ""
    user = f", uid {approval.uid}" if approval.uid >= 0 else ""
    until = datetime.fromtimestamp(approval.deadline / 1e9).astimezone().strftime("%H:%M:%S")
    yield "approval", Text(approval.id, "bold")
    yield "left", Text(f"{left(approval, now_ns)} (until {until}; then it is denied)")
    yield "agent", Text(visible(f"{approval.agent}{session}{user}"), overflow="fold")
    yield "where", marked(approval.cwd)
    yield from _asked(approval)
    effects = approval.effects
    yield "would", Text("\n", overflow="fold").join([*map(_effect, effects[:MAX_EFFECTS])]) if effects else Text("-")
    if len(effects) > MAX_EFFECTS:
        yield "", Text(f"... and {len(effects) - MAX_EFFECTS} more effects", FOREIGN)
    yield "rule", marked(approval.rule)
    yield "why", marked(approval.reason)
    if approval.suggestion:
        yield "instead", marked(approval.suggestion, "green")
    yield from _pattern(approval)
    yield "seen", Text(shown.code[:SHORT], "cyan")


def _pattern(approval: Approval) -> Iterator[tuple[str, Text]]:
    """What `always` would allow, and what an answer is remembered for."""
    template = approval.template
    if template is None:
        yield "pattern", Text("none: a person is asked each time", "dim")
        return
    lines = [marked(template.text), Text(visible(f"in {template.where}; <project> is {template.project}"), "dim")]
    lines += [Text(visible(f"- {effect}"), "dim") for effect in template.effects]
    yield "pattern", Text("\n", overflow="fold").join(lines)


def _asked(approval: Approval) -> Iterator[tuple[str, Text]]:
    """The tool and its input, all of it. For an editor what the diff shows is left out."""
    yield "tool", Text(visible(approval.tool), overflow="fold")
    left_out = {"content", "contents", "old_string", "new_string", "edits"} if approval.tool in EDITORS else set()
    if patch_of(approval.tool, approval.input):
        left_out = set(PATCH_KEYS)
    texts = []
    for key, value in sorted(approval.input.items(), key=lambda item: item[0] != "command"):
        if key in left_out:
            continue
        text = _spelled(key, value)
        texts.append(text)
        label = key if key in ("command", "file_path", "path", "url", "description") else "input"
        shown = _numbered(text) if "\n" in text else marked(text, "bold" if key == "command" else "", keep="\t")
        yield label[:LABELS], shown if label == key else Text.assemble(Text(f"{visible(key)}: ", "dim"), shown)
    yield from _warnings("\n".join(texts))


def _warnings(text: str) -> Iterator[tuple[str, Text]]:
    if found := hidden(text):
        yield "hidden", Text(f"It has characters that a terminal would not show: {', '.join(found)}.", HIDDEN)
    if words := alike(text):
        yield "letters", Text(f"Not all letters are what they look like: {', '.join(words)}.", FOREIGN)


def _spelled(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if key == "command" and isinstance(value, list):
        return shlex.join(map(str, value))
    return msgspec.json.encode(value).decode()


def _numbered(text: str) -> Text:
    """Lines with their numbers: a long line that is folded must not look like two."""
    lines = text.split("\n")
    width = len(str(len(lines)))
    parts = [
        Text.assemble((f"{number:>{width}} ", "dim"), marked(line, keep="\t")) for number, line in enumerate(lines, 1)
    ]
    return Text("\n", overflow="fold").join(parts)


def _effect(effect: Effect) -> Text:
    line = Text("- ", overflow="fold").append_text(marked(in_words(effect)))
    return line.append(visible(f": {effect.note}"), "dim") if effect.note else line


def _diff(before: str, after: str, view: FileView) -> Iterator[Text]:
    old, new = _lines(before), _lines(after)
    if before == after and view.state == "text":
        yield Text("It would leave the file as it is.")
        return
    name = visible(view.path)
    names = ("/dev/null" if view.state == "absent" else name, name)
    if len(old) + len(new) > MAX_DIFF_LINES:
        yield Text(f"Too long to compare ({len(old)} lines before, {len(new)} after); the file would become:", FOREIGN)
        old, names = [], ("/dev/null", name)
    lines = list(difflib.unified_diff(old, new, *names))
    for number, line in enumerate(lines):
        style = "bold" if number < 2 else DIFF_STYLES.get(line[0], "")
        yield marked(line.removesuffix("\n"), style, keep="\t")
        if not line.endswith("\n"):
            yield Text("\\ No newline at end of file", "dim")
    if hides := hidden("".join(line for line in lines[2:] if line.startswith("+"))):
        yield Text(f"It has characters that a terminal would not show: {', '.join(hides)}.", HIDDEN)


def _patched(line: str) -> Text:
    """A line of a patch that an agent wrote itself."""
    return marked(line, "bold" if line.startswith("***") else DIFF_STYLES.get(line[:1], ""), keep="\t")


def _lines(text: str) -> list[str]:
    """Lines as patch(1) knows them: only a newline ends one."""
    *whole, rest = text.split("\n")
    return [*(line + "\n" for line in whole), *([rest] if rest else [])]
