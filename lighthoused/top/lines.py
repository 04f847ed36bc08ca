"""A pane of lines, newest last, that draws only what fits: however many there are, and however fast they come."""

from collections.abc import Sequence

from rich.text import Text
from textual.binding import Binding
from textual.widget import Widget


class Lines(Widget, can_focus=True):
    """The end of a sequence of lines, or, scrolled back, what was above it. `seq` numbers a line for good."""

    BINDINGS = [
        Binding("up", "back(1)", "Back", show=False),
        Binding("down", "back(-1)", "Forward", show=False),
        Binding("pageup", "back_page(1)", "Page back", show=False),
        Binding("pagedown", "back_page(-1)", "Page forward", show=False),
        Binding("end", "newest", "Newest", show=False),
    ]

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._lines: Sequence[tuple[int, Text]] = ()
        self._anchor = 0
        """seq of the last line shown while scrolled back; 0: the newest."""

    @property
    def is_scrolled(self) -> bool:
        return bool(self._anchor)

    def put(self, lines: Sequence[tuple[int, Text]]) -> None:
        """These are the lines now, each with its seq, ascending."""
        self._lines = lines
        self.refresh()

    def render(self) -> Text:
        end = self._end()
        shown = [line for _, line in self._lines[max(0, end - self.size.height) : end]]
        for line in shown:
            line.truncate(self.size.width, overflow="ellipsis")
        return Text("\n", no_wrap=True, end="").join(shown)

    def action_back(self, lines: int) -> None:
        """Scroll back by lines; forward by fewer than none."""
        end = max(min(self.size.height, len(self._lines)), self._end() - lines)
        self._anchor = self._lines[end - 1][0] if 0 < end < len(self._lines) else 0
        self.refresh()

    def action_back_page(self, pages: int) -> None:
        self.action_back(pages * max(1, self.size.height - 1))

    def action_newest(self) -> None:
        self._anchor = 0
        self.refresh()

    def _end(self) -> int:
        if not self._anchor:
            return len(self._lines)
        return next((at for at, (seq, _) in enumerate(self._lines) if seq > self._anchor), len(self._lines))
