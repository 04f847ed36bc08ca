"""`lighthousectl mcp`: the MCP server, and its entry in agent programs' settings."""

import click

from lighthoused.cli.session import Session, command, working_directory
from lighthoused.core.errors import Invalid


@click.group(invoke_without_command=True)
@command
def mcp(session: Session) -> None:
    """The MCP server for agents: without a subcommand, serve on standard input and output."""
    if click.get_current_context().invoked_subcommand is None:
        _serve(session)


def _serve(session: Session) -> None:
    try:
        from lighthoused.mcp.desk import Desk
        from lighthoused.mcp.server import serve
    except ModuleNotFoundError as missing:
        raise Invalid(
            f"The MCP server needs a package that is not installed: {missing.name}.",
            "Install it with: pip install 'lighthoused[mcp]'.",
        ) from None
    paths = session.config.paths
    serve(Desk(str(paths.socket), str(paths.mount), str(working_directory()), session, session.token))
