"""The MCP server, put together: the tools of each family under one name. More families, such as annotations, go here.

https://modelcontextprotocol.io, by the official SDK on trio. It runs as the agent's child: the daemon knows by that
whom it speaks for, and an agent can do nothing through it that it could not do itself.
"""

import anyio
from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

from lighthoused import __version__
from lighthoused.mcp.desk import Desk
from lighthoused.mcp.events import Events
from lighthoused.mcp.files import Files
from lighthoused.mcp.judging import Judging

NAME = "lighthouse"
INSTRUCTIONS = """Lighthouse watches over the agents of this machine: commands and tool calls are judged before they \
run, and every change to a project under its mount is kept, with who made it. Ask validate before something that \
deletes, publishes or needs rights; a denial says what to do instead. With history, content and diff you see files at \
any moment of the past, with query what happened and why. You cannot approve requests or change policies here."""
READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)


def server(desk: Desk) -> MCPServer:
    """All tools; they only read."""
    made = MCPServer(NAME, title="Lighthouse", version=__version__, instructions=INSTRUCTIONS, log_level="WARNING")
    for family in (Judging(desk), Events(desk), Files(desk)):
        for tool in family.tools:
            made.add_tool(tool, annotations=READS, structured_output=True)
    return made


def serve(desk: Desk) -> None:
    """Answer on standard input and output until they close."""
    anyio.run(server(desk).run_stdio_async, backend="trio")
