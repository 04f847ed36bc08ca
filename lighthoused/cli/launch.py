"""Entry of `lighthousectl`. A hook must answer at once, so it is run without importing the rest of the command line."""

import sys

_OTHER = frozenset(("install", "uninstall", "-h", "--help"))


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["hook"] and not _OTHER.intersection(sys.argv[2:]):
        from lighthoused.cli.hook import run

        sys.exit(run(sys.argv[2:]))
    from lighthoused.cli.main import cli, run_cli

    run_cli(cli)


if __name__ == "__main__":
    main()
