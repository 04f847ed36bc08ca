"""The MCP server by the SDK's own client, as an agent starts it: a process of its own, the real daemon and mount."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from tests_support.running import Running, serving

from lighthoused.mcp.shaping import MAX_ANSWER

CTL = [sys.executable, "-I", "-m", "lighthoused.cli.launch"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    base: Path = tmp_path_factory.mktemp("mcp")
    source = base / "demo"
    source.mkdir()
    (source / "kept.txt").write_text("first\n")
    (source / "link").symlink_to("/etc/passwd")
    with serving(Running(base, source)) as daemon:
        yield daemon


@asynccontextmanager
async def served(running: Running, *wrapper: str) -> AsyncIterator[Client]:
    """A client of a server that works in the project."""
    command, *arguments = [*wrapper, *CTL, "mcp"]
    parameters = StdioServerParameters(
        command=command, args=arguments, env=running.environment, cwd=str(running.current)
    )
    async with Client(stdio_client(parameters)) as client:
        yield client


async def call(client: Client, tool: str, /, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    assert len(json.dumps(result.structured_content)) < 2 * MAX_ANSWER
    return result.structured_content


async def refused(client: Client, tool: str, /, **arguments: Any) -> str:
    result = await client.call_tool(tool, arguments)
    assert result.is_error
    return " ".join(block.text for block in result.content)


async def test_the_tools_explain_themselves(running: Running) -> None:
    async with served(running) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"validate", "approvals", "query", "history", "content", "diff"}
    for tool in tools.values():
        assert len(tool.description or "") > 100
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True
        for name, schema in tool.input_schema.get("properties", {}).items():
            assert schema.get("description"), (tool.name, name)


async def test_validate_judges_and_grants_nothing(running: Running) -> None:
    async with served(running) as client:
        fine = await call(client, "validate", command="ls")
        denied = await call(client, "validate", command="rm -rf ~")
        risky = await call(client, "validate", command="git push --force")
        written = await call(client, "validate", tool="Write", input={"file_path": "/etc/passwd", "content": "x"})
        wrong = await refused(client, "validate")
        unfit = await refused(client, "validate", command=["ls"])
        unclear = await call(client, "validate", tool="Write", input={})
    assert [one["verdict"] for one in (fine, denied, risky)] == ["allow", "deny", "escalate"]
    assert denied["effects"][0]["kind"] == "delete"
    assert "instead" in denied["next"]
    assert risky["instead"]
    assert written["verdict"] in ("deny", "escalate")
    assert "git push --force" in wrong
    assert "command" in unfit
    assert unclear["verdict"] == "deny"
    assert running.events(stream="approvals/*") == ()


async def test_files_over_time(running: Running) -> None:
    kept = running.current / "kept.txt"
    before = running.head()
    kept.write_text("first\nsecond\n")
    after = running.head()
    running.ctl("snapshot", "create", "here", "--project", "demo")
    kept.write_text("x" * 50_000 + "é")
    running.settle()
    async with served(running) as client:
        versions = await call(client, "history", path="kept.txt")
        assert {"at", "time", "agent", "change"} <= set(versions["changes"][0])
        assert len((await call(client, "history", limit=1))["changes"]) == 1
        assert (await call(client, "content", path="kept.txt", at=f"@{before}"))["text"] == "first\n"
        assert (await call(client, "content", path=str(kept), at="here"))["text"] == "first\nsecond\n"
        large = await call(client, "content", path="kept.txt")
        assert (len(large["text"]), large["next_offset"], large["size"]) == (32_000, 32_000, 50_002)
        rest = await call(client, "content", path="kept.txt", offset=large["next_offset"])
        assert rest["text"].endswith("é")
        assert rest["next_offset"] == 0
        changed = await call(client, "diff", since=f"@{before}", until=f"@{after}")
        assert changed["changes"][0]["path"] == "kept.txt"
        assert "+second" in changed["changes"][0]["diff"]
        names = await call(client, "diff", since=f"@{before}", path="kept.txt", names_only=True)
        assert "diff" not in names["changes"][0]


async def test_what_cannot_be_read_says_what_to_do(running: Running) -> None:
    (running.current / ".env").write_text("API_KEY=sk-secret\n")
    (running.current / "binary").write_bytes(b"\0\1")
    before = running.head()
    (running.current / ".env").write_text("API_KEY=sk-another\n")
    running.settle()
    async with served(running) as client:
        for arguments, told in (
            ({"path": "none.txt"}, "history"),
            ({"path": "."}, "is a directory"),
            ({"path": "link"}, "symbolic link"),
            ({"path": "binary"}, "not a text file"),
            ({"path": "kept.txt", "at": "../../.."}, "is no moment"),
            ({"path": "kept.txt", "at": "gibberish"}, "There is no file"),
            ({"path": "../../../etc/passwd"}, "not in a project"),
            ({"path": "kept.txt", "project": "nope"}, ""),
        ):
            assert told in await refused(client, "content", **arguments), arguments
        assert "time" in await refused(client, "query", since="soon")
        assert "limit" in await refused(client, "query", limit=100_000)
        judged = await call(client, "validate", tool="Read", input={"file_path": str(running.current / ".env")})
        if judged["verdict"] != "allow":
            assert "does not let you read" in await refused(client, "content", path=".env")
            assert "another" not in json.dumps(await call(client, "diff", since=f"@{before}"))


async def test_query_reads_on_to_the_end(running: Running) -> None:
    for number in range(30):
        (running.current / f"file{number}").write_text("x" * number)
    running.settle()
    seen: list[int] = []
    cursor = 0
    async with served(running) as client:
        while True:
            page = await call(client, "query", type="file.*", path="demo", cursor=cursor, limit=7, oldest_first=True)
            seen += [event["seq"] for event in page["events"]]
            cursor = page["cursor"]
            if not cursor:
                break
        newest = await call(client, "query", since="1h")
    assert seen == [event.seq for event in running.events(type="file.*", path="demo")]
    assert newest["events"][0]["seq"] > newest["events"][-1]["seq"]


async def test_it_acts_as_its_agent(running: Running) -> None:
    async with served(running, *CTL, "run", "--agent", "ada", "--session", "s1", "--") as client:
        await call(client, "validate", command="ls /srv")
    last = [one for one in running.events(type="gate.judged") if one.payload["input"] == {"command": "ls /srv"}][-1]
    assert (last.agent, last.session) == ("ada", "s1")


async def test_what_waits_for_a_person_is_seen_and_not_answered(running: Running) -> None:
    asking = subprocess.Popen(
        [*CTL, "check", "git push --force", "--wait"], env=running.environment, stdout=subprocess.DEVNULL
    )
    async with served(running) as client:
        waiting: list[dict[str, Any]] = []
        while not waiting:
            waiting = (await call(client, "approvals"))["waiting"]
    assert waiting[0]["input"] == {"command": "git push --force"}
    assert 0 < waiting[0]["seconds_left"] <= 300
    running.ctl("approvals", "deny", waiting[0]["id"])
    assert asking.wait() == 1


async def test_it_outlives_the_daemon(running: Running) -> None:
    async with served(running) as client:
        assert running.stop() == 0
        told = await refused(client, "validate", command="ls")
        assert "lighthoused serve" in told
        running.start()
        assert (await call(client, "validate", command="ls"))["verdict"] == "allow"
