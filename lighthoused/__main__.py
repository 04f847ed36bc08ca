"""``python -m lighthoused`` is the daemon's command line."""

from lighthoused.cli.daemon import main

if __name__ == "__main__":
    main()
