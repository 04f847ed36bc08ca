"""Where secrets come from: what systemd passes, else files that the configuration names."""

from pathlib import Path

import pytest

from lighthoused.configured import Flags, load
from lighthoused.core.errors import Corrupt, Invalid
from lighthoused.credentials import MAX_SECRET, passed, read_line, read_secret
from lighthoused.identity.keyring import MAX_KEYS, KeyRing, new_line


def given(tmp_path: Path, **files: str) -> dict[str, str]:
    """An environment in which systemd passed these, dots for underscores."""
    directory = tmp_path / "credentials"
    directory.mkdir()
    for name, text in files.items():
        (directory / name.replace("__", ".").replace("_", "-")).write_text(text)
    return {"HOME": str(tmp_path), "CREDENTIALS_DIRECTORY": str(directory)}


def test_what_systemd_passes_is_found_decrypted_or_not(tmp_path: Path) -> None:
    env = given(tmp_path, lighthouse__opa_token="a", lighthouse__s3__encrypted="b", opa_token="c", lighthouse__x="d")
    config = load(Flags(), env, uid=1000)
    assert config.credentials.opa_token == Path(env["CREDENTIALS_DIRECTORY"], "lighthouse.opa-token")
    assert config.credentials.s3 == Path(env["CREDENTIALS_DIRECTORY"], "lighthouse.s3.encrypted")
    assert config.credentials.token_keys == ""
    assert config.notify.secret_file == ""


def test_the_configuration_wins(tmp_path: Path) -> None:
    env = given(tmp_path, lighthouse__opa_token="a", lighthouse__webhook_secret="b")
    file = tmp_path / "config.toml"
    file.write_text('[credentials]\nopa_token = "/there"\n[notify]\nsecret_file = ""\n')
    config = load(Flags(config=str(file)), env, uid=1000)
    assert config.credentials.opa_token == Path("/there")
    assert config.notify.secret_file == ""


def test_nothing_is_passed_without_systemd() -> None:
    assert passed("opa-token", {}) == ""
    assert passed("opa-token", {"CREDENTIALS_DIRECTORY": "/nowhere"}) == ""


def test_a_directory_that_may_not_be_entered_passes_nothing(tmp_path: Path) -> None:
    """As root may enter all: one that is no directory, whose files cannot be asked for."""
    (tmp_path / "file").write_text("")
    env = {"HOME": str(tmp_path), "CREDENTIALS_DIRECTORY": str(tmp_path / "file")}
    assert load(Flags(), env, uid=1000).credentials.opa_token == ""


@pytest.mark.parametrize("text", [b"", b"\n", b"two words", b"two\nlines", b"\xc3\xa9", b"\x00"])
def test_a_token_is_one_line_and_never_told(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "token").write_bytes(text)
    with pytest.raises(Invalid) as refused:
        read_line(tmp_path / "token", "The token")
    assert str(tmp_path / "token") in refused.value.message
    assert "two" not in refused.value.message


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x" * (MAX_SECRET + 1))
    for file, reason in (("none", "cannot be read"), ("long", "no secret needs"), ("", "cannot be read")):
        with pytest.raises(Invalid, match=reason):
            read_secret(tmp_path / file, "The token")


def test_a_ring_of_somebody_else_is_only_read(tmp_path: Path) -> None:
    file = tmp_path / "ring"
    with pytest.raises(Invalid, match="cannot be read"):
        KeyRing.load(file, managed=True)
    file.write_text(new_line() + "\n" + new_line())
    ring = KeyRing.load(file, managed=True)
    before = file.read_bytes()
    for change in (ring.rotate, lambda: ring.retire(next(iter(ring.keys)))):
        with pytest.raises(Exception, match="does not change"):
            change()
    assert file.read_bytes() == before


def test_a_ring_that_became_unreadable_keeps_its_keys(tmp_path: Path) -> None:
    ring = KeyRing.load(tmp_path / "ring")
    before = ring.keys
    (tmp_path / "ring").write_text("nonsense\n")
    with pytest.raises(Corrupt):
        ring.reread()
    assert ring.keys == before


def test_a_ring_does_not_grow_for_ever(tmp_path: Path) -> None:
    ring = KeyRing.load(tmp_path / "ring")
    for _ in range(MAX_KEYS - 1):
        ring.rotate()
    with pytest.raises(Invalid, match="the most there may be"):
        ring.rotate()
    assert KeyRing.load(tmp_path / "ring").keys == ring.keys
