"""Where the packaged binary begins: one program that is both `lighthoused` and `lighthousectl`.

Called under a name that ends in `ctl`, or with `ctl` as the first word, it is `lighthousectl`; otherwise `lighthoused`,
whose mount helper, which runs as root, imports nothing but what it needs. What PyInstaller's loader left in the
environment is taken out before anything else, for programs that are started from here must get the libraries of the
system, and this program started again must unpack itself anew.
"""

import os
import sys

LIBRARIES = "LD_LIBRARY_PATH"
LOADER = "_PYI_"


def restore_environment() -> None:
    """Put back the environment that this program was started with."""
    original = os.environ.pop(LIBRARIES + "_ORIG", None)
    os.environ.pop(LIBRARIES, None)
    if original is not None:
        os.environ[LIBRARIES] = original
    for name in [name for name in os.environ if name.startswith(LOADER)]:
        del os.environ[name]


def main() -> None:
    """Be the program that was called."""
    restore_environment()
    if os.path.basename(sys.argv[0]).endswith("ctl"):
        from lighthoused.cli.launch import main as run
    elif sys.argv[1:2] == ["ctl"]:
        del sys.argv[1]
        from lighthoused.cli.launch import main as run
    elif sys.argv[1:2] == ["mount-helper"]:
        from lighthoused.survival import helper

        sys.exit(helper.main(sys.argv[2:]))
    else:
        from lighthoused.cli.daemon import main as run
    run()


if __name__ == "__main__":
    main()
