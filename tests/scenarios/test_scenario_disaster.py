"""The drill: a machine that loses the daemon's state, and a backup that was made while agents worked."""

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from tests_support.running import Running


def tree_of(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_destroyed_state_comes_back(running: Running, tmp_path: Path) -> None:
    for number in range(200):
        (running.current / f"before{number}").write_text(f"content {number}" * number)
    running.settle()
    expected = tree_of(running.current)
    moment = running.head()
    going = True

    def work() -> None:
        number = 0
        while going:
            number += 1
            (running.current / "busy").write_text(str(number) * 1000)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for _ in range(3):
            made = json.loads(running.ctl("--json", "backup", "run", "--to", str(tmp_path / "backups")).stdout)
    finally:
        going = False
        worker.join()
    assert made["seq"] >= moment
    assert [event.type for event in running.events(stream="backup")] == ["backup.completed"] * 3

    running.kill()
    subprocess.run(["umount", "--lazy", str(running.mount)], check=True)
    shutil.rmtree(running.state)

    running.ctl("backup", "verify", "--to", str(tmp_path / "backups"))
    said = running.ctl("backup", "restore", str(running.state), "--to", str(tmp_path / "backups"))
    assert "its log proven" in said.stdout
    running.start()
    now = tree_of(running.current)
    assert {name: content for name, content in now.items() if name != "busy"} == expected
    assert tree_of(running.project / "history" / f"@{moment}") == expected
    assert running.ctl("log", "verify").returncode == 0
    assert running.ctl("fsck").returncode == 0


def test_a_restore_onto_a_state_in_use_is_refused(running: Running, tmp_path: Path) -> None:
    running.ctl("backup", "run", "--to", str(tmp_path / "backups"))
    refused = running.ctl("backup", "restore", str(running.state), "--to", str(tmp_path / "backups"), check=False)
    assert refused.returncode == 1
    assert "is not empty" in refused.stderr
    assert "Move it away" in refused.stderr


def test_a_key_is_made_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lighthoused.cli.launch", "backup", "keygen", str(tmp_path / "key")]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    assert made.stdout.startswith("age1")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "cannot be made" in again.stderr
