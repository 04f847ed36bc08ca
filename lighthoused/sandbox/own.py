"""A confined agent's own directories: one for temporary files, which goes with it, and one for caches, which stays.

The user's own caches would carry what an agent wrote to programs that are not confined.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from typing import NamedTuple

CACHES = {
    "XDG_CACHE_HOME": "",
    "npm_config_cache": "npm",
    "CARGO_HOME": "cargo",
    "GOPATH": "go",
    "GRADLE_USER_HOME": "gradle",
    "PUB_CACHE": "pub",
    "NUGET_PACKAGES": "nuget",
}
"""What tells programs where their caches are, and where that is below the agent's own."""
NO_USER_FILE = {"npm_config_userconfig": "npmrc", "PIP_CONFIG_FILE": "pip.conf"}
"""Files of the user that hold credentials, and would stop their programs when they cannot be read."""
LEADS_OUT = ("SSH_AUTH_SOCK", "SSH_AGENT_PID", "GPG_AGENT_INFO", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST")
"""Variables that lead to programs which would act for the agent without being confined."""


class Own(NamedTuple):
    """Absolute paths."""

    temporary: str
    cache: str

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The agent's environment: with its own directories, without what leads out."""
        kept = {name: value for name, value in environ.items() if name not in LEADS_OUT}
        kept |= dict.fromkeys(("TMPDIR", "TMP", "TEMP"), self.temporary)
        kept |= {name: os.path.normpath(os.path.join(self.cache, below)) for name, below in CACHES.items()}
        kept |= {name: os.path.join(self.temporary, file) for name, file in NO_USER_FILE.items() if name not in environ}
        return kept

    def remove(self) -> None:
        """Remove the temporary directory."""
        shutil.rmtree(self.temporary, ignore_errors=True)


def make(agent: str, home: str, environ: Mapping[str, str]) -> Own:
    """Make them, for this user only. Raises OSError."""
    caches = environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    cache = os.path.join(caches, "lighthouse", "agents", agent)
    os.makedirs(cache, mode=0o700, exist_ok=True)
    temporary = tempfile.mkdtemp(prefix=f"lighthouse-{agent}-")
    for file in NO_USER_FILE.values():
        with open(os.path.join(temporary, file), "x", encoding="utf-8"):
            pass
    return Own(os.path.realpath(temporary), os.path.realpath(cache))
