"""Entry of `lighthousectl`. A hook must answer at once, so it is run without importing the rest of the command line."""

import os
import sys

_OTHER = frozenset(("install", "uninstall", "status", "-h", "--help"))


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["hook"] and not _OTHER.intersection(sys.argv[2:]):
        from lighthoused.cli.hook import run

        sys.exit(run(sys.argv[2:]))
    _check_directory()
    from lighthoused.cli.main import cli, run_cli

    run_cli(cli)


def _check_directory() -> None:
    """End with a clear word where the mount that the working directory was in is gone: libraries ask for it."""
    try:
        os.getcwd()
    except FileNotFoundError:
        return  # was removed: each command says so where it matters
    except OSError as error:
        print(f"error: The working directory is gone: {error.strerror}.\nhint: Change to another one.", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
