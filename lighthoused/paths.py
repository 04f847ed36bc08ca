"""Where Lighthouse keeps its state, mount, socket and config file unless told otherwise.

Knows environment variables and conventions, not files. Imports nothing: the hook (`cli/hook.py`), a fresh process for
every command of an agent, reads it too.
"""

STATE = "LIGHTHOUSE_STATE"
MOUNT = "LIGHTHOUSE_MOUNT"
SOCKET = "LIGHTHOUSE_SOCKET"
CONFIG = "LIGHTHOUSE_CONFIG"
SOCKET_NAME = "lighthouse.sock"
ROOT = 0


def default_state(env: dict[str, str], uid: int) -> str:
    """The state directory where none was chosen."""
    if uid == ROOT:
        return "/var/lib/lighthouse"
    return (env.get("XDG_STATE_HOME") or env.get("HOME", "") + "/.local/state") + "/lighthouse"


def default_mount(env: dict[str, str], uid: int, state: str = "") -> str:
    """The mount point where none was chosen; `state` is the state directory if that was chosen, else ""."""
    if state:
        return state + "/mnt"
    return "/mnt/lighthouse" if uid == ROOT else env.get("HOME", "") + "/lighthouse"


def default_socket(env: dict[str, str], uid: int, state: str = "") -> str:
    """The socket where none was chosen; `state` is the state directory if that was chosen, else ""."""
    if state:
        return state + "/" + SOCKET_NAME
    if uid == ROOT:
        return "/run/lighthouse/" + SOCKET_NAME
    if env.get("XDG_RUNTIME_DIR"):
        return env["XDG_RUNTIME_DIR"] + "/lighthouse/" + SOCKET_NAME
    return default_state(env, uid) + "/" + SOCKET_NAME


def default_config(env: dict[str, str], uid: int) -> str:
    """The config file that is read where none was named."""
    if uid == ROOT:
        return "/etc/lighthouse/config.toml"
    return (env.get("XDG_CONFIG_HOME") or env.get("HOME", "") + "/.config") + "/lighthouse/config.toml"
