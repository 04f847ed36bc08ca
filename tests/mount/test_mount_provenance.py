"""Extended attributes that tell who made a file what it is."""

import errno
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from blake3 import blake3
from tests_support.running import Running

OWN = "user.lighthouse."


def told(path: Path, name: str) -> str:
    """ "" where the file does not have it."""
    try:
        return os.getxattr(path, OWN + name).decode()
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        return ""


def by_agent(running: Running, agent: str, script: str) -> None:
    running.ctl("run", "--agent", agent, "--", "sh", "-c", script, cwd=running.current)


def test_who_wrote_it_and_in_which_session(running: Running) -> None:
    file = running.current / "new"
    by_agent(running, "alice", "echo one > new")
    assert (told(file, "agent"), told(file, "verdict")) == ("alice", "")
    assert told(file, "session").startswith("alice-")
    written = running.events(type="file.written", agent="alice")[-1]
    assert told(file, "seq") == str(written.seq)
    assert told(file, "hash") == blake3(b"one\n").hexdigest()
    by_agent(running, "bob", "chmod 600 new; mv new moved; ln moved again")
    assert told(running.current / "moved", "seq") == str(written.seq)
    by_agent(running, "bob", "echo two >> moved")
    assert told(running.current / "again", "agent") == "bob"
    past = running.project / "history" / f"@{written.seq}" / "new"
    assert (told(past, "agent"), told(past, "hash")) == ("alice", blake3(b"one\n").hexdigest())
    assert told(running.current / "kept.txt", "session") == ""


def test_content_that_is_still_being_written_is_told_of(running: Running) -> None:
    file = running.current / "new"
    with open(file, "wb") as writing:
        for _ in range(3):
            writing.write(os.urandom(300_000))
            writing.flush()
            assert told(file, "hash") == blake3(file.read_bytes()).hexdigest()


def test_the_verdict_that_allowed_it(running: Running) -> None:
    by_agent(running, "alice", "lighthousectl check 'echo x > new' && echo x > new; echo y > other")
    judged = running.events(type="gate.judged", agent="alice")[-1]
    assert told(running.current / "new", "verdict").startswith(f"@{judged.seq} allow policy")
    by_agent(running, "alice", "lighthousectl check 'git push --force'; echo z > new")
    assert told(running.current / "new", "verdict") == ""


def test_they_are_listed_and_cannot_be_set(running: Running) -> None:
    file = running.current / "kept.txt"
    os.setxattr(file, "user.mine", b"1")
    names = {OWN + name for name in ("agent", "hash", "seq", "session", "verdict")}
    assert set(os.listxattr(file)) == {"user.mine", *names}
    assert set(os.listxattr(running.project / "history" / f"@{running.head()}" / "kept.txt")) == {"user.mine", *names}
    assert os.listxattr(running.project / "status" / "health") == []
    with pytest.raises(OSError) as refused:
        os.setxattr(file, OWN + "agent", b"mallory")
    assert refused.value.errno == errno.EPERM
    for name in ("other", ""):
        assert told(file, name) == ""
    assert told(running.current, "agent")
    assert told(running.current, "hash") == ""


def test_copies_and_moves_out_and_in_work(running: Running, tmp_path: Path) -> None:
    file = running.current / "kept.txt"
    for command in (["cp", "-a"], ["cp", "--preserve=all"]):
        subprocess.run([*command, str(file), str(running.current / "copy")], check=True)
        assert (running.current / "copy").read_text() == "kept"
    shutil.copy2(file, tmp_path / "out")
    subprocess.run(["mv", str(running.current / "copy"), str(tmp_path / "moved")], check=True)
    subprocess.run(["mv", str(tmp_path / "moved"), str(running.current / "back")], check=True)
    assert (running.current / "back").read_text() == "kept"
