"""Rows of results: printed as they come, and kept as JSON beside the ones before."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

RESULTS = Path(__file__).parent / "results"


class Row(NamedTuple):
    """One line of the table."""

    what: str
    promise: str
    aim: str
    measured: str


def show(rows: Iterable[Row], name: str) -> None:
    """Print each row as it is measured, with what it was at the last run of this `name`."""
    kept = RESULTS / f"{name}.json"
    before = json.loads(kept.read_text()) if kept.exists() else {}
    after = {}
    print("| what | promise | aim | measured | before |\n|---|---|---|---|---|")
    for row in rows:
        after[row.what] = row.measured
        print(f"| {row.what} | {row.promise} | {row.aim} | {row.measured} | {before.get(row.what, '')} |", flush=True)
    RESULTS.mkdir(exist_ok=True)
    kept.write_text(json.dumps(after, indent=1) + "\n")
