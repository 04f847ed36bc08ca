"""Programs that developers use all day, under the mount."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests_support.running import Running

MODULES = 40
needs = pytest.mark.skipif


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_git_through_branches_merges_and_its_own_collection(running: Running) -> None:
    here = running.current / "repo"
    here.mkdir()
    git = (
        "git",
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@t",
        "-c",
        "init.defaultBranch=main",
        "-c",
        "gc.autoDetach=false",
        "-c",
        "gc.auto=5",
    )
    run(*git, "init", "-q", cwd=here)
    for number in range(25):
        (here / f"file{number % 7}").write_text(f"{number}\n" * (number + 1))
        run(*git, "add", "-A", cwd=here)
        run(*git, "commit", "-qm", f"commit {number}", cwd=here)
        if number % 8 == 3:
            run(*git, "checkout", "-qb", f"branch{number}", cwd=here)
            (here / f"only{number}").write_text("x")
            run(*git, "add", "-A", cwd=here)
            run(*git, "commit", "-qm", "aside", cwd=here)
            run(*git, "checkout", "-q", "main", cwd=here)
            run(*git, "merge", "-q", "--no-ff", "-m", "merge", f"branch{number}", cwd=here)
    run(*git, "gc", "-q", "--prune=now", cwd=here)
    assert run(*git, "fsck", "--strict", cwd=here) == ""
    assert run(*git, "status", "--porcelain", cwd=here) == ""
    run(*git, "worktree", "add", "-q", "../second", "HEAD~3", cwd=here)
    run(*git, "stash", "list", cwd=running.current / "second")
    running.restart()
    assert run(*git, "fsck", "--strict", cwd=here) == ""
    assert len(run(*git, "log", "--format=%h", cwd=here).splitlines()) == 31


@needs(shutil.which("gcc") is None or shutil.which("make") is None, reason="there is no C compiler here")
def test_a_c_project_is_built_in_parallel_and_only_what_changed_again(running: Running) -> None:
    here = running.current
    for number in range(MODULES):
        (here / f"m{number}.c").write_text(f"int f{number}(void) {{ return {number}; }}\n")
    declared = "".join(f"int f{number}(void);\n" for number in range(MODULES))
    total = " + ".join(f"f{number}()" for number in range(MODULES))
    (here / "main.c").write_text(f'#include <stdio.h>\n{declared}int main(void) {{ printf("%d\\n", {total}); }}\n')
    (here / "Makefile").write_text("OBJ := $(patsubst %.c,%.o,$(wildcard *.c))\nall: $(OBJ)\n\t$(CC) -o all $^\n")
    run("make", "-j4", cwd=here)
    assert run("./all", cwd=here) == f"{sum(range(MODULES))}\n"
    assert "up to date" in run("make", cwd=here)
    (here / "m3.c").write_text("int f3(void) { return 1000; }\n")
    rebuilt = run("make", "-j4", cwd=here)
    assert [line for line in rebuilt.splitlines() if "-c" in line.split()] == [
        line for line in rebuilt.splitlines() if "m3.c" in line
    ]
    assert run("./all", cwd=here) == f"{sum(range(MODULES)) - 3 + 1000}\n"


@needs(shutil.which("npm") is None, reason="there is no npm here")
def test_npm_installs_a_tree_of_packages(running: Running) -> None:
    here = running.current / "web"
    here.mkdir()
    (here / "package.json").write_text('{"name": "demo", "version": "1.0.0", "dependencies": {"express": "4.21.2"}}')
    run("npm", "install", "--no-audit", "--no-fund", "--loglevel=error", cwd=here)
    assert run("node", "-e", "console.log(typeof require('express'))", cwd=here) == "function\n"
    assert run("npm", "ls", "--depth=0", cwd=here).count("express@4.21.2") == 1
