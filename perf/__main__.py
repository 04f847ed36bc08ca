"""``./dev perf [service|mount|programs|scale]``: measure, print tables, keep them as JSON beside the ones before."""

import sys

from perf import mount, programs, scale, service
from perf.table import show

TABLES = {"service": service.measure, "mount": mount.measure, "programs": programs.measure, "scale": scale.measure}


def main(arguments: list[str]) -> None:
    """Measure what is named, by default everything."""
    unknown = set(arguments) - set(TABLES)
    if unknown:
        raise SystemExit(f"error: there is no table {unknown.pop()!r}\nhint: {', '.join(TABLES)}")
    for name in arguments or TABLES:
        show(TABLES[name](), name)


if __name__ == "__main__":
    main(sys.argv[1:])
