"""``./dev perf [service|fuse|...]``: measure, print tables, keep them beside the ones before.

``./dev perf gate --rows`` also prints the rows that the gate got wrong, ``--json`` prints only those, as JSON Lines.
``./dev perf agents [COUNT] [SECONDS]``: 100 agents for 240 seconds unless told otherwise.
"""

import sys

from perf import agents, backup, fuse, gate, pattern, programs, scale, service
from perf.table import show

TABLES = {
    "service": service.measure,
    "fuse": fuse.measure,
    "programs": programs.measure,
    "scale": scale.measure,
    "gate": gate.measure,
    "pattern": pattern.measure,
    "backup": backup.measure,
    "agents": agents.measure,
}


def main(arguments: list[str]) -> None:
    """Measure what is named, by default everything."""
    if arguments == ["gate", "--json"]:
        gate.print_json()
    elif arguments == ["gate", "--rows"]:
        show(gate.measure(rows=True), "gate")
    elif arguments[:1] == ["agents"] and all(number.isdecimal() for number in arguments[1:3]):
        show(agents.measure(*map(int, arguments[1:3])), "agents")
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
