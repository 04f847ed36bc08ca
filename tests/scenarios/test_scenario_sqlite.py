"""SQLite under the mount: what it committed survives kill -9 of the daemon, and its locks hold between processes."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests_support.running import Running

ROWS = 200
ADD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
for _ in range(int(sys.argv[2])):
    db.execute("begin immediate")
    (value,) = db.execute("select value from counter").fetchone()
    db.execute("update counter set value = ?", (value + 1,))
    db.execute("commit")
"""


def connect(path: Path, journal: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=60)
    assert db.execute(f"pragma journal_mode={journal}").fetchone() == (journal,)
    db.execute("pragma synchronous=full")
    return db


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_commit_survives_the_daemon(running: Running, journal: str) -> None:
    path = running.current / "data.db"
    db = connect(path, journal)
    db.execute("create table rows(number integer)")
    for number in range(ROWS):
        db.execute("insert into rows values(?)", (number,))
        db.commit()
    db.execute("insert into rows values(-1)")
    running.kill()
    del db
    running.start()
    again = connect(path, journal)
    assert again.execute("pragma integrity_check").fetchone() == ("ok",)
    assert [number for (number,) in again.execute("select number from rows order by number")] == list(range(ROWS))
    again.close()


def test_writers_in_several_processes_lose_no_update(running: Running) -> None:
    path = running.current / "counter.db"
    db = connect(path, "delete")
    db.execute("create table counter(value integer)")
    db.execute("insert into counter values(0)")
    db.commit()
    adders = [subprocess.Popen([sys.executable, "-c", ADD, str(path), "25"]) for _ in range(3)]
    assert [adder.wait(120) for adder in adders] == [0, 0, 0]
    assert db.execute("select value from counter").fetchone() == (75,)
    db.close()
