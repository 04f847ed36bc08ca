"""The programs that agents run in: where their settings are, and which of their hooks we take.

Forms: https://docs.claude.com/en/docs/claude-code/hooks, https://developers.openai.com/codex/hooks
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lighthoused.core.errors import Invalid

JUDGED = "PreToolUse"
FAILURES = "PostToolUseFailure"
"""Claude Code 2.1 and newer. Older ones would drop the whole settings file, and every hook with it."""


@dataclass(frozen=True, eq=False)
class Harness:
    """`name` is also what its agents are called. `files`: its settings by scope, below `directory`; those of
    ``managed`` are the administrator's, which neither users nor agents take out."""

    name: str
    title: str
    directory: str
    home_variable: str
    files: Mapping[str, str]
    events: Mapping[str, str | None]
    """Events that every version has, with the matcher of each; None where it takes none."""
    can_ask: bool
    server_files: Mapping[str, str]
    """Where MCP servers are named, by scope: the project's, or below the program's own directory."""
    trust: str = ""
    """What its user has to do before it runs a new hook."""

    def settings(self, scope: str, environ: Mapping[str, str]) -> Path:
        """The file that holds its hooks. Raises Invalid."""
        if scope not in self.files:
            raise Invalid(f"{self.title} has no {scope} settings for hooks.", f"Use one of: {', '.join(self.files)}.")
        base = Path(self.directory) if scope != "user" else self._home(environ)
        return base / self.files[scope]

    def servers(self, scope: str, environ: Mapping[str, str]) -> Path:
        """The file that names its MCP servers."""
        if scope == "user":
            is_moved = bool(environ.get(self.home_variable))
            return (self._home(environ) if is_moved else Path.home()) / self.server_files["user"].removeprefix(
                f"{self.directory}/" if is_moved else ""
            )
        return Path(self.server_files[scope])

    def _home(self, environ: Mapping[str, str]) -> Path:
        return Path(environ.get(self.home_variable) or os.path.expanduser(f"~/{self.directory}"))


CLAUDE_CODE = Harness(
    name="claude-code",
    title="Claude Code",
    directory=".claude",
    home_variable="CLAUDE_CONFIG_DIR",
    files={
        "project": "settings.json",
        "local": "settings.local.json",
        "user": "settings.json",
        "managed": "/etc/claude-code/managed-settings.json",
    },
    events={JUDGED: "*", "PostToolUse": "*", "UserPromptSubmit": None, "SessionStart": None, "SessionEnd": None},
    can_ask=True,
    server_files={"project": ".mcp.json", "user": ".claude.json"},
)
CODEX = Harness(
    name="codex",
    title="Codex",
    directory=".codex",
    home_variable="CODEX_HOME",
    files={"project": "hooks.json", "user": "hooks.json", "managed": "/etc/codex/requirements.toml"},
    events={JUDGED: "*", "PostToolUse": "*", "UserPromptSubmit": None, "SessionStart": None},
    can_ask=False,
    server_files={"project": ".codex/config.toml", "user": ".codex/config.toml"},
    trust="Codex skips a hook until you trust it: start codex, type /hooks, and trust these.",
)
HARNESSES = {harness.name: harness for harness in (CLAUDE_CODE, CODEX)}
