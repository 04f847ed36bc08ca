"""What a path of now was called before, and what a path of before is called now. Must not know the log."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Move(NamedTuple):
    """A rename as its event tells it; `swapped`: what was at `after` went to `before`."""

    seq: int
    before: str
    after: str
    swapped: bool


class Followed:
    """Paths through the renames of what they lead to and of the directories above.

    A path that is there now is followed back, one that is not is followed from the first of the moves on.
    """

    def __init__(self, paths: Iterable[tuple[str, bool]], moves: Sequence[Move]) -> None:
        """`paths`: each with whether it is there now; `moves` in the order of their seqs."""
        self._everything = True
        self._changes: list[tuple[int, int, str]] = []
        for path, there in paths:
            self._everything = False
            self._changes += _back(path, moves) if there else _on(path, moves)

    def match(self, paths: Iterable[str], seq: int) -> bool:
        """Whether an event of this seq, about these paths, is about one that is followed, or what is below it."""
        if self._everything:
            return True
        wanted = [path for first, last, path in self._changes if first <= seq <= last]
        return any(below(path, one) for path in paths for one in wanted)


def below(path: str, directory: str) -> bool:
    """Whether a path is this one or under it."""
    return path == directory or path.startswith(directory + "/")


def _back(path: str, moves: Sequence[Move]) -> list[tuple[int, int, str]]:
    """(first seq, last seq, what it was called), the newest first; a move itself is about both names."""
    names = []
    last = 2**64
    for move in reversed(moves):
        earlier = _moved(path, move.after, move.before, move.swapped)
        if earlier != path:
            names.append((move.seq, last, path))
            path, last = earlier, move.seq
    return [*names, (0, last, path)]


def _on(path: str, moves: Sequence[Move]) -> list[tuple[int, int, str]]:
    names = []
    first = 0
    for move in moves:
        later = _moved(path, move.before, move.after, move.swapped)
        if later != path:
            names.append((first, move.seq, path))
            path, first = later, move.seq
    return [*names, (first, 2**64, path)]


def _moved(path: str, source: str, target: str, swapped: bool) -> str:
    """The path after something went from `source` to `target`."""
    if below(path, source):
        return target + path[len(source) :]
    if swapped and below(path, target):
        return source + path[len(target) :]
    return path
