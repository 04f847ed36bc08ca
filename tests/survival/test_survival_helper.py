"""The helper knows by name all that the daemon has systemd keep: it imports nothing of the daemon's."""

from lighthoused.mount.holds import HOLDS_NAME
from lighthoused.mount.kept import INIT_NAME
from lighthoused.survival import helper
from lighthoused.tree.unstored import UNSTORED_NAME


def test_what_is_kept_is_forgotten_with_the_mount() -> None:
    assert set(helper.KEPT) == {helper.CONNECTION, INIT_NAME, HOLDS_NAME, UNSTORED_NAME}
