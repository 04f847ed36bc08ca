"""Which lines of a newer text were in an older one. Patience diff: lines that occur once on both sides are matched in
their longest common order, and so on between them (Bram Cohen, 2006)."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import NamedTuple

MAX_PRODUCT = 250_000
"""Lines times lines up to which a stretch without unique lines is compared in full; a larger one is taken as new."""


class _Stretch(NamedTuple):
    old: int
    old_end: int
    new: int
    new_end: int


def matched(old: Sequence[bytes], new: Sequence[bytes]) -> dict[int, int]:
    """Indexes of lines of `new` with those of the lines of `old` that they were."""
    found: dict[int, int] = {}
    todo = [_Stretch(0, len(old), 0, len(new))]
    while todo:
        stretch = _without_ends(old, new, todo.pop(), found)
        if stretch.old == stretch.old_end or stretch.new == stretch.new_end:
            continue
        anchors = _anchors(old, new, stretch)
        if anchors:
            ends = [(stretch.old - 1, stretch.new - 1), *anchors, (stretch.old_end, stretch.new_end)]
            found.update((in_new, in_old) for in_old, in_new in anchors)
            todo += [_Stretch(a[0] + 1, b[0], a[1] + 1, b[1]) for a, b in pairwise(ends)]
        elif (stretch.old_end - stretch.old) * (stretch.new_end - stretch.new) <= MAX_PRODUCT:
            found.update(_compared(old, new, stretch))
    return found


def _without_ends(old: Sequence[bytes], new: Sequence[bytes], stretch: _Stretch, found: dict[int, int]) -> _Stretch:
    """What is left between the lines that both begin and end with, which are put into `found`."""
    first, first_end, second, second_end = stretch
    while first < first_end and second < second_end and old[first] == new[second]:
        found[second] = first
        first, second = first + 1, second + 1
    while first < first_end and second < second_end and old[first_end - 1] == new[second_end - 1]:
        first_end, second_end = first_end - 1, second_end - 1
        found[second_end] = first_end
    return _Stretch(first, first_end, second, second_end)


def _anchors(old: Sequence[bytes], new: Sequence[bytes], stretch: _Stretch) -> list[tuple[int, int]]:
    """Pairs of lines that occur once on either side, the most of them that are in the same order."""
    in_old = _unique(old, stretch.old, stretch.old_end)
    in_new = _unique(new, stretch.new, stretch.new_end)
    pairs = [(in_old[line], index) for line, index in in_new.items() if line in in_old]
    ends: list[int] = []
    tails: list[int] = []
    before: list[int] = []
    for index, (position, _) in enumerate(pairs):
        length = bisect_left(ends, position)
        before.append(tails[length - 1] if length else -1)
        ends[length : length + 1] = [position]
        tails[length : length + 1] = [index]
    chain = []
    index = tails[-1] if tails else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]


def _unique(lines: Sequence[bytes], start: int, end: int) -> dict[bytes, int]:
    seen: dict[bytes, int] = {}
    for index in range(start, end):
        seen[lines[index]] = -1 if lines[index] in seen else index
    return {line: index for line, index in seen.items() if index >= 0}


def _compared(old: Sequence[bytes], new: Sequence[bytes], stretch: _Stretch) -> Iterator[tuple[int, int]]:
    first, second = old[stretch.old : stretch.old_end], new[stretch.new : stretch.new_end]
    for start, other, size in SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks():
        yield from ((stretch.new + other + step, stretch.old + start + step) for step in range(size))
