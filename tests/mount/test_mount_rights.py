"""Rights of agents by path, as the agents meet them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests_support.running import Running

from lighthoused.config import Right
from lighthoused.configfile import BadConfig
from lighthoused.configured import Flags, load
from lighthoused.identity.rights import NONE, READ, WRITE, Rights

RULES = """
[[rights]]
agent = "alice"
paths = ["demo/secrets", "demo/**/*.key"]
access = "none"

[[rights]]
agent = "a*"
paths = ["demo/docs/free"]
access = "write"

[[rights]]
agent = "a*"
paths = ["demo/docs"]
access = "read"
"""


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Running]:
    """A daemon with `RULES`; what they are about is there."""
    source = tmp_path / "demo"
    for name in ("secrets/token", "docs/read.me", "docs/free/note", "src/deep/a.key", "src/b"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("x")
    (tmp_path / "config.toml").write_text(RULES)
    daemon = Running(tmp_path, source, "--config", str(tmp_path / "config.toml"))
    daemon.start()
    yield daemon
    assert daemon.stop() == 0


def said(running: Running, script: str, agent: str = "alice") -> str:
    """What a script under the mount prints, with its errors."""
    done = running.ctl("run", "--agent", agent, "--", "sh", "-c", f"({script}) 2>&1", check=False, cwd=running.current)
    return done.stdout


@pytest.mark.parametrize(
    "script",
    [
        "cat secrets/token",
        "ls secrets",
        "cat src/deep/a.key",
        "cat ../history/@{head}/secrets/token",
        "ls ../history/@{head}/secrets",
        "getfattr -n user.lighthouse.hash secrets/token || cat secrets/token",
        "echo x > secrets/new",
        "rm secrets/token",
        "mv secrets public",
        "mv src/deep shallow",
        "mv src other",
        "mv src/b src/c.key",
        "ln secrets/token public",
        "chmod 600 docs/read.me",
        "echo x >> docs/read.me",
        "truncate -s 0 docs/read.me",
        "touch docs/new",
        "mkdir docs/new",
        "ln -s x docs/new",
        "mv src/b docs/b",
        "python3 -c \"import os; os.setxattr('docs/read.me', 'user.a', b'1')\"",
    ],
)
def test_what_alice_may_not(limited: Running, script: str) -> None:
    assert "Permission denied" in said(limited, script.format(head=limited.head()))
    refused = [one for one in limited.events(type="security.refused") if one.paths]
    assert refused[-1].agent == "alice"
    assert refused[-1].paths[0].startswith("demo/")


def test_what_alice_may(limited: Running) -> None:
    script = "cat docs/read.me; echo x > docs/free/new; mv src/b src/c; mkdir new; rmdir new; ls src/deep; rm src/c"
    assert said(limited, script) == "xa.key\n"
    assert (limited.current / "docs/free/new").exists()
    assert said(limited, "mkdir d d/e; touch d/e/f; mv d g; ls g/e") == "f\n"


def test_others_are_not_limited(limited: Running) -> None:
    assert said(limited, "cat secrets/token; echo y > docs/read.me; mv src/deep moved", "bob") == "x"
    assert (limited.current / "secrets/token").read_text() == "x"
    (limited.current / "docs/read.me").write_text("mine")
    assert "Permission denied" in said(limited, "echo z > docs/read.me", "anna")
    assert said(limited, "cat secrets/token", "anna") == "x"


def test_refusals_are_recorded_at_a_bounded_rate(limited: Running) -> None:
    said(limited, "for i in $(seq 300); do read x < secrets/token; done")
    refused = [one for one in limited.events(type="security.refused") if one.paths]
    assert 1 <= len(refused) < 150


def test_globs_and_the_order_of_rules() -> None:
    rights = Rights(
        [
            Right("alice", ("p/*.txt", "p/a?/"), "none"),
            Right("*", ("p/**/deep", "p/[x]"), "read"),
            Right("unknown", ("**",), "read"),
        ]
    )
    for path, access in {
        b"p/a.txt": NONE,
        b"p/a.txt/below": NONE,
        b"p/d/a.txt": WRITE,
        b"p/ab/c\n": NONE,
        b"p/abc": WRITE,
        b"p/deep": READ,
        b"p/x/y/deep/z": READ,
        b"p/[x]": READ,
        b"p/x": WRITE,
        b"q": WRITE,
    }.items():
        assert rights.access("alice", path) == access, path
    assert rights.access("bob", b"p/a.txt") == WRITE
    assert rights.access("unknown", b"p/a.txt") == READ
    assert not Rights([Right("*", ("**",), "none")]).limits("unknown")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rights = 1", "rights must be tables"),
        ('[[rights]]\nagent = "a"\npaths = ["x"]', "rights.access must be given"),
        ('[[rights]]\nagent = "a"\npaths = []\naccess = "none"', "rights.paths must be a list of 1 to"),
        ('[[rights]]\nagent = "a"\npaths = ["x"]\naccess = "rw"', "rights.access must be one of"),
        ('[[rights]]\nagnet = "a"\npaths = ["x"]\naccess = "read"', 'did you mean "agent"'),
    ],
)
def test_bad_rules_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(BadConfig) as refused:
        load(Flags(config=str(file)), dict(os.environ), uid=1000)
    assert problem in str(refused.value)


def test_config_check_knows_rights(tmp_path: Path, limited: Running) -> None:
    assert limited.ctl("--config", str(tmp_path / "config.toml"), "config", "check").returncode == 0
