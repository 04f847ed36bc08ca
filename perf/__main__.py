"""``./dev perf [service|fuse|...]``: measure, print tables, keep them beside the ones before.

``./dev perf gate --rows`` also prints the rows that the gate got wrong, ``--json`` prints only those, as JSON Lines.
"""

import sys

from perf import backup, fuse, gate, pattern, programs, scale, service
from perf.table import show

TABLES = {
    "service": service.measure,
    "fuse": fuse.measure,
    "programs": programs.measure,
    "scale": scale.measure,
    "gate": gate.measure,
    "pattern": pattern.measure,
    "backup": backup.measure,
}


def main(arguments: list[str]) -> None:
    """Measure what is named, by default everything."""
    if arguments == ["gate", "--json"]:
        gate.print_json()
    elif arguments == ["gate", "--rows"]:
        show(gate.measure(rows=True), "gate")
    else:
        _tables(arguments)


def _tables(names: list[str]) -> None:
    unknown = set(names) - set(TABLES)
    if unknown:
        raise SystemExit(
            f"error: there is no table {unknown.pop()!r}\nhint: {', '.join(TABLES)}; gate takes --rows or --json"
        )
    for name in names or TABLES:
        show(TABLES[name](), name)


if __name__ == "__main__":
    main(sys.argv[1:])
