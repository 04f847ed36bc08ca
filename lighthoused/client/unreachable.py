"""The daemon cannot be reached."""

from lighthoused.core.errors import LighthouseError


class Unreachable(LighthouseError):
    """Nobody answers at the socket, or the connection broke."""

    code = "unreachable"


def unreachable(socket_path: str, error: OSError) -> Unreachable:
    """With what to do about it."""
    why = error.strerror or str(error) or "no answer"
    return Unreachable(f"lighthoused does not answer at {socket_path}: {why}.", "Start it with 'lighthoused serve'.")
