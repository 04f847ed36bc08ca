"""The helper knows by name all that the daemon has systemd keep: it imports nothing of the daemon's."""

from lighthoused.cli.daemon import MOUNT_LOST
from lighthoused.mount.holds import HOLDS_NAME
from lighthoused.mount.kept import INIT_NAME, MountLost
from lighthoused.mount.positions import POSITIONS_NAME
from lighthoused.mount.writing import KEPT_PREFIX
from lighthoused.survival import helper
from lighthoused.tree.unstored import UNSTORED_NAME


def test_what_is_kept_of_the_mount_is_forgotten_with_it() -> None:
    assert set(helper.OF_MOUNT) == {helper.CONNECTION, INIT_NAME, HOLDS_NAME, POSITIONS_NAME}


def test_nothing_else_is_called_as_ends_of_pipes_are() -> None:
    assert not any(name.startswith(KEPT_PREFIX) for name in (*helper.OF_MOUNT, UNSTORED_NAME))


def test_changes_that_are_not_stored_outlive_the_mount() -> None:
    assert UNSTORED_NAME not in helper.OF_MOUNT


def test_the_daemon_and_the_helper_agree_on_a_lost_mount() -> None:
    assert MountLost.code == MOUNT_LOST
