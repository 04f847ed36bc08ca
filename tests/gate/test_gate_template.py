"""What is one template, and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.core.effects import World
from lighthoused.core.verdicts import Effect, Request, Template
from lighthoused.gate import analysis
from lighthoused.gate.template import project_of, template_of
from lighthoused.gate.tools import effects_of

HOME = "/home/ann"
CWD = f"{HOME}/work"
OTHER = f"{HOME}/other"
WORLD = World(home=HOME, roots=(CWD, OTHER), mount="/mnt/lh", user="ann")
ANALYSER = analysis.standard()


def template(command: str, cwd: str = CWD) -> Template | None:
    request = Request("Bash", {"command": command}, cwd, "claude")
    return template_of(request, effects_of(request, WORLD, ANALYSER).effects, WORLD)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rm -r build/x", "rm -r build/y"),
        ("rm -r build/x", "rm  -r './build/x'"),
        ("rm -r build/x", f"rm -r {CWD}/build/y"),
        ("rm -r node_modules/left-pad", "rm -r node_modules/right-pad"),
        ("rm -r logs-1", "rm -r logs-2"),
        ("rm -r src", "rm -r build/../src"),
    ],
)
def test_they_are_alike(one: str, other: str) -> None:
    found = template(one)
    assert found is not None
    assert found == template(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rm -r build/x", "rm -rf build/x"),
        ("rm -r build/x", "rm -r build"),
        ("rm -r build/x", "rm -r build/.git"),
        ("rm -r build/x", "rm -r build/*"),
        ("rm -r build/x", "rm -r build/x src"),
        ("rm -r build/x", "rm -r build/../x"),
        ("rm -r build/x", "rm -r dist/x"),
        ("rm -r build/x", "rm -r ../build/x"),
        ("rm -r build/x", "rm -r build/x.py"),
        ("rm -r build/x", "rm -r build/x && ls"),
        ("rm -r build/x", "rm -r build/x; npm publish"),
        ("rm -r build/x", "sudo rm -r build/x"),
        ("rm -r build/x", "rm -r build/'x y' # z"),
        ("rm -r src", "rm -r lib"),
        ("rm -r src/a", "rm -r src/b"),
        ("rm -r 1", "rm -r 2"),
        ("git branch -D topic", "git branch -D main"),
        ("git reset --hard HEAD~1", "git reset --hard HEAD~9"),
        ("npm test 'a b'", "npm test a b"),
        ("npm test '&&' ls", "npm test && ls"),
        ("./x.sh build/a", "./x.sh build/b"),
    ],
)
def test_they_are_not_alike(one: str, other: str) -> None:
    first, second = template(one), template(other)
    assert first is not None
    assert second is None or first.id != second.id


def test_a_template_does_not_depend_on_the_project_but_names_it() -> None:
    here, there = template("rm -r lib"), template("rm -r lib", OTHER)
    assert here is not None
    assert there is not None
    assert here.id == there.id
    assert (here.project, there.project) == (CWD, OTHER)
    below = template("rm -r ../lib", f"{CWD}/src")
    assert below is not None
    assert below.id != here.id


@pytest.mark.parametrize("command", ["rm -r $X", "rm -r $(cat list)", "curl -o x $URL", "x" * 3000])
def test_what_is_not_known_has_none(command: str) -> None:
    assert template(command) is None


@pytest.mark.parametrize(
    ("cwd", "project"),
    [
        (CWD, CWD),
        (f"{CWD}/src/deep", CWD),
        ("/mnt/lh/demo/current/src", "/mnt/lh/demo/current"),
        ("/mnt/lh/demo/current", "/mnt/lh/demo/current"),
        ("/mnt/lh/demo", "/mnt/lh/demo"),
        (f"{CWD}-not", f"{CWD}-not"),
        ("/srv/x", "/srv/x"),
    ],
)
def test_the_project_of_a_directory(cwd: str, project: str) -> None:
    assert project_of(cwd, WORLD) == project


def test_the_content_of_a_file_counts() -> None:
    """An answer to one text must not count for another."""

    def write(content: str, path: str = "build/x.py") -> str:
        request = Request("Write", {"file_path": f"{CWD}/{path}", "content": content}, CWD, "claude")
        found = template_of(request, effects_of(request, WORLD, ANALYSER).effects, WORLD)
        assert found is not None
        return found.id

    assert write("a") == write("a", "build/y.py")
    assert write("a") != write("b")
    assert write("a" * 1000) != write("b" * 1000)


@given(st.text(max_size=200))
def test_words_are_told_apart_as_a_shell_does(text: str) -> None:
    """Two texts have one template only if they have the same words: quotes and blanks are all that goes."""
    request = Request("Bash", {"command": text}, CWD, "claude")
    found = template_of(request, (Effect("execute", "x"),), WORLD)
    assert found is not None
    told = "".join(found.words)
    assert told == text or told == "".join(letter for letter in text if letter not in "'\" \t") or " " in told
