"""What of a command in a container reaches this machine."""

import pytest

from lighthoused.core.effects import World
from lighthoused.gate.analysis import Analyser, standard
from lighthoused.gate.containers import Container, Mount

WORLD = World(home="/home/ann", roots=("/home/ann/src",))
MOUNTED = Container((Mount("/h", "/home/ann"), Mount("/ro", "/srv", writable=False)))


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return standard()


def deleted(analyser: Analyser, command: str) -> set[str]:
    effects = analyser.analyse(command, "/home/ann/src", WORLD).effects
    return {effect.target for effect in effects if effect.kind == "delete"}


@pytest.mark.parametrize(
    ("path", "kind", "outside"),
    [
        ("/h", "delete", ["/home/ann"]),
        ("/h/x", "write", ["/home/ann/x"]),
        ("/hx", "delete", []),
        ("/", "delete", ["/home/ann"]),
        ("/", "write", []),
        ("/ro/x", "delete", []),
        ("/ro/x", "read", ["/srv/x"]),
        ("/etc", "delete", []),
    ],
)
def test_a_path_in_a_container_stands_for_what_is_mounted_there(path: str, kind: str, outside: list[str]) -> None:
    assert list(MOUNTED.outside(path, kind)) == outside


@pytest.mark.parametrize(
    ("arguments", "target"),
    [
        ("-v ~/x:/h alpine rm -rf /h", "/home/ann/x"),
        ("--rm -itv ~/x:/h alpine rm -rf /h/y", "/home/ann/x/y"),
        ("--volume=/srv:/h -w /h alpine rm -rf y", "/srv/y"),
        ("--mount type=bind,source=/srv,target=/h alpine sh -c 'rm -rf /h/y'", "/srv/y"),
        ("-v /srv:/h --entrypoint rm alpine -rf /h", "/srv"),
        ("-v $PWD:/h alpine rm -rf /h/lib", "/home/ann/src/lib"),
        ("--pid host alpine rm -rf /x", "/x"),
    ],
)
def test_what_a_container_deletes_is_told(analyser: Analyser, arguments: str, target: str) -> None:
    assert deleted(analyser, f"docker run {arguments}") == {target}


@pytest.mark.parametrize(
    "arguments", ["alpine rm -rf /", "-v data:/h alpine rm -rf /h", "-v /srv:/h:ro alpine rm -rf /h"]
)
def test_what_ends_with_the_container_is_no_effect(analyser: Analyser, arguments: str) -> None:
    assert deleted(analyser, f"podman run --rm {arguments}") == set()
