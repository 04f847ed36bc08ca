"""Does the stored tree hold together? Checked on the state directory of a daemon that is not running."""

from pathlib import Path

from lighthoused.tree.standalone import fsck


def problems_of(state: Path) -> list[str]:
    """What is wrong with log and tree, as sentences."""
    found = fsck(state, "", deep=True, repair=False, progress=lambda what, done, total: None)
    return [fault.message for fault in found.faults]
