"""The daemon cannot be reached."""

from lighthoused.core.errors import LighthouseError

START = "Start it with 'lighthoused serve'."


class Unreachable(LighthouseError):
    """Nobody answers at the socket, or the connection broke."""

    code = "unreachable"


def unreachable(socket_path: str, error: OSError) -> Unreachable:
    """With what to do about it."""
    why = error.strerror or str(error) or "no answer"
    hint = START
    if isinstance(error, PermissionError):
        join = "'usermod --append --groups GROUP NAME' as root, then log in anew"
        hint = f"Whoever owns {socket_path}, and its group, may ask: {join}."
    return Unreachable(f"lighthoused does not answer at {socket_path}: {why}.", hint)
