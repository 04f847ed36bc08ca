"""The live view itself: panes, keys, and four times a second a look at what there is to draw."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.css.query import NoMatches
from textual.widgets import DataTable, Footer, Input, Static, TabbedContent, TabPane

from lighthoused.cli.seeing import Call
from lighthoused.top.answering import Answering
from lighthoused.top.board import Doer, Happened, Judged
from lighthoused.top.drawing import agent_row, approval_row, event_line, heading, health_lines, verdict_line
from lighthoused.top.feed import Feed
from lighthoused.top.lines import Lines

DRAW_S = 0.25
PANES = {"verdicts": "#verdict_lines", "events": "#event_lines", "health": "#health_pane"}
MAX_ROWS = 100
"""Agents and approvals that are listed."""
MAX_LINES = 1000


class Top(App[None]):
    """Draws what a feed knows, and lets approvals be answered by `call`."""

    TITLE = "lighthousectl top"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    #heading { height: 2; background: $panel; }
    #tables { height: 35%; min-height: 6; }
    #tables DataTable { width: 1fr; height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    #approvals { border-right: solid $panel; }
    TabbedContent { height: 1fr; }
    TabPane { padding: 0; }
    Lines { height: 1fr; }
    #filter { height: 1; border: none; padding: 0 1; display: none; }
    #filter.shown { display: block; }
    Answering #heading { height: 1; }
    Answering { background: $background; }
    #sheet { height: 1fr; padding: 0 1; }
    Confirmation { align: center middle; }
    #question { width: 64; max-width: 95%; height: auto; padding: 1 2; border: heavy $warning; background: $surface; }
    """
    BINDINGS = [
        Binding("a", "answer", "Answer"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("p", "pause", "Pause"),
        Binding("1", "tab('verdicts')", "Verdicts"),
        Binding("2", "tab('events')", "Events"),
        Binding("3", "tab('health')", "Health"),
        Binding("tab", "app.focus_next", "Next pane", show=False),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, feed: Feed, call: Call) -> None:
        super().__init__()
        self.feed = feed
        self._call = call
        self._wanted = ""
        self._paused = False
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        yield Static("connecting", id="heading")
        with Horizontal(id="tables"):
            yield DataTable(id="approvals", cursor_type="row", zebra_stripes=True)
            yield DataTable(id="agents", cursor_type="row", zebra_stripes=True)
        with TabbedContent(initial="verdicts"):
            yield TabPane("Verdicts", Lines("verdict_lines"), id="verdicts")
            yield TabPane("Events", Lines("event_lines"), id="events")
            with TabPane("Health", id="health"), VerticalScroll(id="health_pane"):
                yield Static(id="health_text")
        yield Input(placeholder="only lines with these words; escape ends", id="filter", compact=True)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.query_one("#approvals", DataTable).add_columns("waits", "left", "agent", "request")
        self.query_one("#agents", DataTable).add_columns("agent", "on", "ok", "no", "?", "chg", "last act")
        self.query_one("#approvals").focus()
        self.feed.start()
        self.set_interval(DRAW_S, self._draw)

    def on_unmount(self) -> None:
        self.feed.stop()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        if event.data_table.id == "approvals" and event.row_key.value is not None:
            self._open(event.row_key.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        self._wanted = event.value.lower()
        self._drawn = None

    def on_input_submitted(self) -> None:
        self.query_one(PANES[self._tab()]).focus()

    def on_key(self, event: object) -> None:
        if getattr(event, "key", "") == "escape" and isinstance(self.focused, Input):
            field = self.query_one("#filter", Input)
            field.value = ""
            field.remove_class("shown")
            self.query_one("#approvals").focus()

    def action_answer(self) -> None:
        """Show the request under the cursor; it can be answered there."""
        table = self.query_one("#approvals", DataTable)
        if table.row_count:
            key = table.coordinate_to_cell_key(table.cursor_coordinate).row_key.value
            if key is not None:
                self._open(key)

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.add_class("shown")
        field.focus()

    def action_pause(self) -> None:
        """Hold the streams; the rest goes on."""
        self._paused = not self._paused
        self.notify("The streams are held; p goes on." if self._paused else "The streams go on.")

    def action_tab(self, tab: str) -> None:
        self.query_one(TabbedContent).active = tab
        self.query_one(PANES[tab]).focus()

    def _open(self, approval: str) -> None:
        if not isinstance(self.screen, Answering):
            self.push_screen(Answering(self._call, approval))

    def _tab(self) -> str:
        return str(self.query_one(TabbedContent).active)

    def _draw(self) -> None:
        """Draw what has changed, as it is now: what came between is not drawn at all."""
        with contextlib.suppress(NoMatches):  # while the screen is being taken down
            self._draw_all()

    def _draw_all(self) -> None:
        main = self.screen_stack[0]
        state = self.feed.state
        with self.feed.lock:
            main.query_one("#heading", Static).update(heading(state, self.feed.problem, self.feed.board))
        self._draw_agents()
        self._draw_approvals()
        if not self._paused:
            self._draw_lines()
        self._end_answering({one.id for one in state.approvals} if state is not None else set())

    def _end_answering(self, waiting: set[str]) -> None:
        screen = self.screen
        if isinstance(screen, Answering) and screen.shown is not None and screen.approval not in waiting:
            screen.ended()

    def _draw_agents(self) -> None:
        state = self.feed.state
        working = Counter(one.agent for one in state.agents if one.alive) if state is not None else Counter()
        with self.feed.lock:
            doers = list(self.feed.board.doers())
            idle = working.keys() - self.feed.board.agents.keys()
            shown = [*doers, *map(Doer, sorted(idle))][:MAX_ROWS]
            rows = {one.name: agent_row(one, working[one.name]) for one in shown}
        _fill(self.screen_stack[0].query_one("#agents", DataTable), rows)

    def _draw_approvals(self) -> None:
        waiting = self.feed.state.approvals if self.feed.state is not None else ()
        now = time.time_ns()
        rows = {one.id: approval_row(one, now) for one in waiting[:MAX_ROWS]}
        _fill(self.screen_stack[0].query_one("#approvals", DataTable), rows)

    def _draw_lines(self) -> None:
        main = self.screen_stack[0]
        tab, state, board = self._tab(), self.feed.state, self.feed.board
        drawn = (tab, self._wanted, state if tab == "health" else board.seq)
        if drawn == self._drawn:
            return
        self._drawn = drawn
        with self.feed.lock:
            verdicts, events = list(board.verdicts), list(board.events)
        if tab == "verdicts":
            main.query_one("#verdict_lines", Lines).put(self._matching(verdict_line, verdicts))
        elif tab == "events":
            main.query_one("#event_lines", Lines).put(self._matching(event_line, events))
        elif state is not None:
            main.query_one("#health_text", Static).update(Text("\n").join(health_lines(state)))

    def _matching(self, line: Callable[[Any], Text], rows: Sequence[Judged | Happened]) -> list[tuple[int, Text]]:
        """The newest rows as lines, those of them that have the wanted words."""
        made = [(row.seq, line(row)) for row in rows[-MAX_LINES:]]
        return [each for each in made if self._wanted in each[1].plain.lower()] if self._wanted else made


def _fill(table: "DataTable[Text]", rows: dict[str, tuple[Text, ...]]) -> None:
    """Make the rows these, in this order; the cursor stays on its row."""
    keys = [str(key.value) for key in table.rows]
    if keys == list(rows):
        columns = list(table.columns)
        for key, cells in rows.items():
            for column, cell in zip(columns, cells, strict=True):
                if table.get_cell(key, column) != cell:
                    table.update_cell(key, column, cell)
        return
    at = keys[table.cursor_row] if 0 <= table.cursor_row < len(keys) else ""
    table.clear()
    for key, cells in rows.items():
        table.add_row(*cells, key=key)
    if at in rows:
        table.move_cursor(row=table.get_row_index(at), animate=False)
