"""The live view, driven by textual's pilot, against a real daemon."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from tests_support.asking import Askers, careful
from tests_support.running import Running
from tests_support.terminal import Terminal
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from lighthoused.cli.seeing import Call
from lighthoused.client import Client
from lighthoused.protocol.messages.base import Request
from lighthoused.protocol.messages.log import AppendRequest, NewEvent
from lighthoused.top.answering import Answering
from lighthoused.top.app import Top
from lighthoused.top.board import MAX_EVENTS
from lighthoused.top.feed import Feed
from lighthoused.top.lines import Lines

WAIT_S = 30.0
View = tuple[Top, Pilot[None]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    daemon = careful(tmp_path_factory.mktemp("top"))
    daemon.start()
    yield daemon
    assert daemon.stop() == 0


def calling(running: Running) -> Call:
    def call(request: Request) -> Any:
        with running.client() as client:
            return client.call(request)

    return call


@asynccontextmanager
async def viewing(running: Running, size: tuple[int, int] = (80, 24)) -> AsyncIterator[View]:
    app = Top(Feed(lambda timeout: Client(running.socket, timeout=timeout)), calling(running))
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: app.feed.state is not None and not app.feed.problem)
        yield app, pilot


async def until(pilot: Pilot[None], condition: Callable[[], object]) -> None:
    with_deadline = asyncio.get_running_loop().time() + WAIT_S
    while not condition():
        assert asyncio.get_running_loop().time() < with_deadline
        await pilot.pause(0.05)


def heading(app: Top) -> str:
    return text_of(app.screen_stack[0].query_one("#heading", Static))


def text_of(widget: Static) -> str:
    content = widget.content
    return content.plain if isinstance(content, Text) else str(content)


def rows(app: Top, table: str) -> list[list[str]]:
    found = app.screen_stack[0].query_one(f"#{table}", DataTable)
    return [[cell.plain for cell in found.get_row(key)] for key in found.rows]


def lines(app: Top, pane: str) -> str:
    return app.screen_stack[0].query_one(f"#{pane}_lines", Lines).render().plain


def play(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


async def opened(app: Top, pilot: Pilot[None], approval: str) -> Answering:
    await until(pilot, lambda: approval in [row[0] for row in rows(app, "approvals")])
    table = app.query_one("#approvals", DataTable)
    table.move_cursor(row=table.get_row_index(approval))
    await pilot.press("enter")
    await until(pilot, lambda: isinstance(app.screen, Answering) and app.screen.shown is not None)
    screen = app.screen
    assert isinstance(screen, Answering)
    return screen


def test_what_happens_is_shown(running: Running) -> None:
    async def scenario() -> None:
        async with viewing(running) as (app, pilot):
            await asyncio.to_thread(running.ctl, "check", "rm -rf ~", check=False)
            await asyncio.to_thread(running.ctl, "run", "--agent", "alice", "--", "touch", str(running.current / "a"))
            await until(pilot, lambda: "rm -rf ~" in lines(app, "verdict"))
            assert "deny     policy" in lines(app, "verdict")
            await until(pilot, lambda: "alice" in [row[0] for row in rows(app, "agents") if row[5] != "-"])
            assert "NORMAL" in heading(app)
            await pilot.press("2")
            await until(pilot, lambda: "file.created" in lines(app, "event"))
            await pilot.press("3")
            health = app.query_one("#health_text", Static)
            await until(pilot, lambda: "store used" in text_of(health))
            assert "policy    closed" in text_of(health)

    play(scenario())


def test_an_approval_is_shown_asked_and_given(running: Running, asks: Askers) -> None:
    async def scenario() -> None:
        async with viewing(running, (120, 40)) as (app, pilot):
            asked = await asyncio.to_thread(asks)
            screen = await opened(app, pilot, asked.id)
            await pilot.press("a", "x")
            await until(pilot, lambda: app.screen is screen)
            assert screen.shown is not None
            await pilot.press("a", "y")
            await until(pilot, lambda: not isinstance(app.screen, Answering))
            assert (await asyncio.to_thread(asked.verdict)).verdict == "allow"
            await until(pilot, lambda: not rows(app, "approvals"))

    play(scenario())


def test_it_is_denied_by_a_key(running: Running, asks: Askers) -> None:
    async def scenario() -> None:
        async with viewing(running) as (app, pilot):
            asked = await asyncio.to_thread(asks)
            await opened(app, pilot, asked.id)
            await pilot.press("d")
            await until(pilot, lambda: not isinstance(app.screen, Answering))
            assert (await asyncio.to_thread(asked.verdict)).verdict == "deny"

    play(scenario())


def test_nothing_is_approved_that_was_not_seen_to_its_end(running: Running, asks: Askers) -> None:
    async def scenario() -> None:
        async with viewing(running) as (app, pilot):
            content = "".join(f"{number}\n" for number in range(200))
            asked = await asyncio.to_thread(asks, {"file_path": "long.txt", "content": content}, tool="Write")
            screen = await opened(app, pilot, asked.id)
            await pilot.press("a", "y")
            await pilot.pause()
            assert app.screen is screen
            for _ in range(20):
                await pilot.press("pagedown")
            await pilot.pause()
            await pilot.press("a", "y")
            await until(pilot, lambda: not isinstance(app.screen, Answering))
            assert (await asyncio.to_thread(asked.verdict)).verdict == "allow"

    play(scenario())


def test_what_another_person_answered_cannot_be_answered(running: Running, asks: Askers) -> None:
    async def scenario() -> None:
        async with viewing(running) as (app, pilot):
            asked = await asyncio.to_thread(asks)
            screen = await opened(app, pilot, asked.id)
            await asyncio.to_thread(running.ctl, "approvals", "deny", asked.id)
            await until(pilot, lambda: screen.shown is None)
            assert "does not wait any more" in text_of(screen.query_one("#heading", Static))
            await pilot.press("a")
            assert app.screen is screen
            await pilot.press("escape")
            await until(pilot, lambda: not isinstance(app.screen, Answering))

    play(scenario())


def test_a_file_that_changed_is_shown_anew(running: Running, asks: Askers) -> None:
    path = running.current / "moving.txt"
    path.write_text("old\n")

    async def scenario() -> None:
        async with viewing(running, (120, 40)) as (app, pilot):
            asked = await asyncio.to_thread(asks, {"file_path": "moving.txt", "content": "new\n"}, tool="Write")
            screen = await opened(app, pilot, asked.id)
            first = screen.shown
            await asyncio.to_thread(path.write_text, "another\n")
            await pilot.press("a", "y")
            await until(pilot, lambda: screen.shown is not None and screen.shown is not first)
            assert screen.shown is not None
            assert screen.shown.files[0].text == "another\n"
            await pilot.press("d")
            await until(pilot, lambda: not isinstance(app.screen, Answering))

    play(scenario())


def test_an_agents_words_are_made_visible(running: Running, asks: Askers) -> None:
    async def scenario() -> None:
        async with viewing(running, (200, 50)) as (app, pilot):
            asked = await asyncio.to_thread(asks, {"command": "git push --force \x1b[2K\u202e[red]x[/]"})
            await until(pilot, lambda: rows(app, "approvals"))
            (row,) = rows(app, "approvals")
            assert "\\x1b[2K\\u202e[red]x[/]" in row[3]
            await until(pilot, lambda: "\\x1b[2K\\u202e[red]x[/]" in lines(app, "verdict"))
            screen = await opened(app, pilot, asked.id)
            assert "\\u202e" in app.export_screenshot()
            assert "\u202e" not in app.export_screenshot()
            await pilot.press("d")
            await until(pilot, lambda: app.screen is not screen)

    play(scenario())


@pytest.mark.parametrize("size", [(80, 24), (240, 70)])
def test_every_pane_has_room(running: Running, size: tuple[int, int]) -> None:
    async def scenario() -> None:
        async with viewing(running, size) as (app, pilot):
            await pilot.pause()
            for pane in ("#heading", "#approvals", "#agents", "#verdict_lines", "Footer"):
                region = app.query_one(pane).region
                assert region.height >= (1 if pane == "Footer" else 2), pane
                assert region.right <= size[0]
                assert region.bottom <= size[1]

    play(scenario())


def test_the_stream_is_filtered_and_held(running: Running) -> None:
    async def scenario() -> None:
        async with viewing(running) as (app, pilot):
            await pilot.press("slash", *"maker")
            for command in ("make test", "maker-not-known", "ls -l"):
                await asyncio.to_thread(running.ctl, "check", command, check=False)
            await until(pilot, lambda: "maker-not-known" in lines(app, "verdict"))
            assert "ls -l" not in lines(app, "verdict")
            await pilot.press("escape")
            await until(pilot, lambda: "ls -l" in lines(app, "verdict"))
            await pilot.press("p")
            await asyncio.to_thread(running.ctl, "check", "cat held", check=False)
            await until(pilot, lambda: app.feed.board.verdicts[-1].what == "cat held")
            assert "cat held" not in lines(app, "verdict")
            await pilot.press("p")
            await until(pilot, lambda: "cat held" in lines(app, "verdict"))

    play(scenario())


def test_many_events_are_left_out_rather_than_kept(running: Running) -> None:
    def flood() -> int:
        events = tuple(NewEvent(stream="flood", type="flood.came", payload="x" * 100) for _ in range(10_000))
        with running.client() as client:
            replies = client.pipeline([AppendRequest(id=0, events=events) for _ in range(6)])
        return int(replies[-1].events[-1].seq)

    async def scenario() -> None:
        async with viewing(running) as (app, pilot):
            head = await asyncio.to_thread(flood)
            await until(pilot, lambda: app.feed.board.seq >= head)
            assert len(app.feed.board.events) <= MAX_EVENTS
            await pilot.press("2")
            await until(pilot, lambda: f"@{head}" in lines(app, "event"))
            bottom = lines(app, "event")
            app.query_one("#event_lines", Lines).focus()
            await pilot.press("pageup")
            assert lines(app, "event") != bottom
            await pilot.press("end")
            assert lines(app, "event") == bottom

    play(scenario())


def test_it_outlives_the_daemon(tmp_path: Path) -> None:
    running = careful(tmp_path)
    running.start()

    async def scenario() -> None:
        async with viewing(running) as (app, pilot):
            await asyncio.to_thread(running.stop)
            await until(pilot, lambda: "UNREACHABLE" in heading(app))
            await asyncio.to_thread(running.start)
            await until(pilot, lambda: "NORMAL" in heading(app))
            await asyncio.to_thread(running.ctl, "check", "ls after", check=False)
            await until(pilot, lambda: "ls after" in lines(app, "verdict"))

    play(scenario())
    assert running.stop() == 0


def test_without_a_terminal_it_says_what_else_there_is(running: Running) -> None:
    done = running.ctl("top", check=False)
    assert done.returncode == 1
    assert "approvals watch --json" in done.stderr


def test_on_a_terminal_of_its_own(running: Running) -> None:
    terminal = Terminal(running, "top", columns=80)
    terminal.expect("NORMAL")
    terminal.type("q")
    assert terminal.end() == 0
