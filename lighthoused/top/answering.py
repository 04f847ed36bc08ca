"""One request on the whole screen, and its answer: by a key, once it was shown to its end; approving is asked twice."""

import time
from functools import partial
from typing import Literal

from rich.console import RenderableType
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from lighthoused.cli.seeing import Call, Seen, answer, look
from lighthoused.cli.showing import left, sheet, what
from lighthoused.core.errors import LighthouseError
from lighthoused.core.wording import visible


class Confirmation(ModalScreen[bool]):
    """Is it meant? Only `y` is a yes."""

    def __init__(self, question: str) -> None:
        super().__init__()
        self._question = question

    def compose(self) -> ComposeResult:
        yield Static(Text(f"{self._question}\n\ny yes, any other key no"), id="question")

    def on_key(self, event: object) -> None:
        self.dismiss(getattr(event, "key", "") in ("y", "Y"))


class Answering(ModalScreen[None]):
    """Shows one approval. What ended meanwhile, or is not as it was shown, cannot be answered."""

    BINDINGS = [
        Binding("a", "approve", "Approve"),
        Binding("d", "deny", "Deny"),
        Binding("escape,q", "close", "Close"),
        Binding("pagedown,space", "down", "Page down", show=False),
    ]

    def __init__(self, call: Call, approval: str) -> None:
        super().__init__()
        self._call = call
        self.approval = approval
        self.shown: Seen | None = None

    def compose(self) -> ComposeResult:
        yield Static(f"{self.approval} ...", id="heading")
        with VerticalScroll(id="sheet"):
            yield Static("")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)
        self._look()

    def ended(self) -> None:
        """Somebody answered it, or its deadline did."""
        self.shown = None
        self._head("does not wait any more; press escape", "bold white on red")

    def action_approve(self) -> None:
        if self.shown is None:
            return
        sheet_pane = self.query_one("#sheet", VerticalScroll)
        if not sheet_pane.is_vertical_scroll_end:
            self.notify("Look at all of it first: page down to its end.", severity="warning")
            return
        short = visible(what(self.shown.approval))[:200]
        question = f"Let this happen, once?\n\n{visible(self.shown.approval.agent)}: {short}"
        self.app.push_screen(Confirmation(question), partial(self._confirmed, self.shown))

    def action_deny(self) -> None:
        if self.shown is not None:
            self._answer(self.shown, "deny")

    def action_close(self) -> None:
        self.dismiss()

    def action_down(self) -> None:
        self.query_one("#sheet", VerticalScroll).scroll_page_down(animate=False)

    def _confirmed(self, shown: Seen, sure: bool | None) -> None:
        if sure and self.shown is shown:
            self._answer(shown, "allow")

    @work(thread=True, exclusive=True)
    def _look(self) -> None:
        try:
            shown = look(self._call, self.approval)
        except LighthouseError as error:
            self.app.call_from_thread(self._refused, error)
            return
        self.app.call_from_thread(self._show, shown)

    @work(thread=True)
    def _answer(self, shown: Seen, answered: Literal["allow", "deny"]) -> None:
        """Give the answer. Where it is refused the request is shown anew, as it is now."""
        try:
            answer(self._call, shown, answered)
        except LighthouseError as error:
            self.app.call_from_thread(self._refused, error)
            self.app.call_from_thread(self._look)
            return
        self.app.call_from_thread(self._answered, answered)

    def _answered(self, answered: str) -> None:
        told = "approved" if answered == "allow" else "denied"
        self.app.notify(f"{self.approval} was {told}.")
        if self.is_current:
            self.dismiss()

    def _refused(self, error: LighthouseError) -> None:
        self.shown = None
        self._head(error.message, "bold white on red")

    def _show(self, shown: Seen) -> None:
        self.shown = shown
        drawn: RenderableType = sheet(shown, time.time_ns())
        self.query_one("#sheet Static", Static).update(drawn)
        self._tick()

    def _tick(self) -> None:
        if self.shown is not None:
            self._head(f"{left(self.shown.approval, time.time_ns())} left", "bold")

    def _head(self, text: str, style: str) -> None:
        self.query_one("#heading", Static).update(Text(f" {self.approval}  {visible(text)}", style))
