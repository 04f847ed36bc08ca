"""The image: what it says of itself, what it needs, and how it says that something is missing."""

import pytest
from tests_support.engine import IMAGE, Engine
from tests_support.sharing import Place

from lighthoused import __version__


def test_what_the_image_says_of_itself(engine: Engine) -> None:
    image = engine.inspect("image", IMAGE)
    config = image["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"][:2] == ["/usr/bin/tini", "--"]
    assert config["Cmd"] == ["serve", "--log-format", "json"]
    assert list(config["Volumes"]) == ["/var/lib/lighthouse"]
    assert config["StopSignal"] == "SIGTERM"
    assert image["Healthcheck"]["Test"] == ["CMD", "lighthousectl", "health"]
    assert config["Labels"]["org.opencontainers.image.version"] == __version__
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_of_what_is_ours_nothing_raises_rights(engine: Engine) -> None:
    find = "find / -xdev -perm /6000 -type f"
    image = engine.run("run", "--rm", "--network=none", "--user=0", "--entrypoint=sh", IMAGE, "-c", find).stdout
    assert "/usr/bin/fusermount3" in image
    assert "lighthouse" not in image


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--cap-drop=SYS_ADMIN", "Operation not permitted"),
        ("--security-opt=no-new-privileges", "could not be mounted"),
    ],
)
def test_what_is_missing_is_said(place: Place, option: str, said: str) -> None:
    given = [each for each in place.given() if each != "--cap-add=SYS_ADMIN" or "no-new" in option]
    container = place.started("lighthoused", [*given, option])
    assert container.exit_code() == 1
    assert said in container.logs()
    assert "docs/containers.md" in container.logs()


def test_without_a_mount_it_takes_no_rights_at_all(place: Place) -> None:
    bare = ["--network=none", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--read-only"]
    container = place.started("lighthoused", bare, "serve", "--no-mount")
    place.ready(container)
    assert container.exec("lighthousectl", "check", "ls").stdout.startswith("allow")
    assert container.stop() == 0
