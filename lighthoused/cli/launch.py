"""Entry of `lighthousectl`. A hook must answer at once, so it is run without importing the rest of the command line."""

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["hook"] and sys.argv[2:3] not in (["install"], ["uninstall"], ["--help"]):
        from lighthoused.cli.hook import run

        sys.exit(run(sys.argv[2:]))
    from lighthoused.cli.main import cli, run_cli

    run_cli(cli)


if __name__ == "__main__":
    main()
