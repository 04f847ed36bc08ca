"""Every kind of bad configuration is refused with the key, what was found and what would be right."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.config import SECTIONS, kinds_of
from lighthoused.configfile import BadConfig
from lighthoused.configured import Flags, load
from lighthoused.settings import (
    Choice,
    Kind,
    Location,
    Loopback,
    Mode,
    Ports,
    Seconds,
    Size,
    Switch,
    Text,
    Whole,
    in_toml,
)

KEYS = [(section, key, kind) for section, keys in SECTIONS.items() for key, kind in kinds_of(keys).items()]
BOUNDED = [each for each in KEYS if isinstance(each[2], Whole | Size | Seconds)]
WRONG: list[tuple[str, str]] = [("[1]", "[1]"), ("{ a = 1 }", "{'a': 1}"), ("2020-01-31", "2020-01-31"), ("nan", "nan")]
WRONG_FOR: dict[type, list[tuple[str, str]]] = {
    Switch: [("1", "1"), ('"yes"', '"yes"')],
    Choice: [("true", "true"), ('"Info"', '"Info"'), ('""', '""')],
    Whole: [("true", "true"), ('"1"', '"1"'), ("1.0", "1.0")],
    Seconds: [("true", "true"), ('"1"', '"1"'), ("inf", "inf"), ("-inf", "-inf")],
    Size: [("true", "true"), ("1.0", "1.0"), ('"1 XB"', '"1 XB"'), ('"-1MiB"', '"-1MiB"'), ('"9e9"', '"9e9"')],
    Mode: [("true", "true"), ('"999"', '"999"'), ("0o400", "256"), ('""', '""'), ('"-660"', '"-660"')],
    Loopback: [('"example.org"', '"example.org"'), ('"127.0.0.2"', '"127.0.0.2"')],
    Location: [('"."', '"."'), ('""', '""'), ('"~nobody-here/x"', '"~nobody-here/x"'), ('"/a\\u0000"', '"/a')],
    Text: [("true", "true"), ('"a\\u001bb"', '"a')],
}


def problem_of(tmp_path: Path, text: str) -> str:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(BadConfig) as refused:
        load(Flags(config=str(file)), {"HOME": "/home/ann"}, uid=1000)
    (problem,) = refused.value.problems
    assert refused.value.hint
    assert problem.startswith(f"{file}: ")
    return problem.removeprefix(f"{file}: ")


@pytest.mark.parametrize(("section", "key", "kind"), KEYS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_wrong_value_of_any_setting(tmp_path: Path, section: str, key: str, kind: Kind) -> None:
    for written, found in WRONG + WRONG_FOR.get(type(kind), []):
        if written == "[1]" and isinstance(kind, Ports):
            continue
        if written == "[1]" and kind.allowed.startswith("a list"):
            found = "[1]"
        problem = problem_of(tmp_path, f"{section}.{key} = {written}")
        assert problem.startswith(f"{section}.{key} must be {kind.allowed}, not {found}")


@pytest.mark.parametrize(("section", "key", "kind"), BOUNDED, ids=lambda value: value if isinstance(value, str) else "")
def test_bounds_are_the_last_values_that_are_taken(tmp_path: Path, section: str, key: str, kind: Any) -> None:
    for value in (kind.least, kind.most):
        assert kind.read(value) == value
        (tmp_path / "config.toml").write_text(f"{section}.{key} = {value}")
        loaded = load(Flags(config=str(tmp_path / "config.toml")), {"HOME": "/home/ann"}, uid=1000)
        assert getattr(getattr(loaded, section), key) == value
    for value in (kind.least - 1, kind.most + 1):
        assert problem_of(tmp_path, f"{section}.{key} = {value}").startswith(f"{section}.{key} must be ")


@pytest.mark.parametrize(("section", "key", "kind"), KEYS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_misspelled_setting(tmp_path: Path, section: str, key: str, kind: Kind) -> None:
    assert problem_of(tmp_path, f"{section}.{key}x = 1") == f'{section}.{key}x is no setting; did you mean "{key}".'


def test_a_huge_size_is_refused_and_a_great_one_exact(tmp_path: Path) -> None:
    assert problem_of(tmp_path, f'store.map_size = "{"9" * 400}"').startswith("store.map_size must be a size")
    assert Size(0, 1 << 62).read("9007199254740993") == 9007199254740993
    assert Size(0, 1 << 62).read("0.1 KB") == 100


@given(st.binary(max_size=200))
def test_any_bytes_are_a_configuration_or_are_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_bytes(data)
    told = ""
    try:
        load(Flags(config=str(file)), {"HOME": "/home/ann"}, uid=1000)
    except BadConfig as error:
        told = str(error)
    assert str(file) in told if told else tomllib.loads(data.decode()) is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[log", "is not valid TOML: "),
        ("log.level = info", "is not valid TOML: "),
        ('[log]\nlevel="info"\nlevel="info"', "is not valid TOML: "),
        ("a = " + "[" * 5000, "is nested too deeply."),
    ],
)
def test_what_is_no_toml(tmp_path: Path, text: str, said: str) -> None:
    assert problem_of(tmp_path, text).startswith(said)


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(BadConfig, match="/dev/zero: the file is over"):
        load(Flags(config="/dev/zero"), {"HOME": "/home/ann"}, uid=1000)


def test_a_pipe_is_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"metrics.port = 7")
    os.close(writing)
    assert load(Flags(config=f"/dev/fd/{reading}"), {"HOME": "/home/ann"}, uid=1000).metrics.port == 7
    os.close(reading)


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to become another user")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("")
    file.chmod(0o600)
    os.seteuid(65534)
    try:
        with pytest.raises(BadConfig, match=f"{re.escape(str(file))}: cannot be read: Permission denied."):
            load(Flags(config=str(file)), {"HOME": "/home/ann"}, uid=1000)
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    "value", [True, False, 7, 1.5, "", 'a"b\\c\n\té\x7f', Path("/x y"), (Path("/a"), Path("/b")), ()]
)
def test_values_are_spelled_as_toml(value: Any) -> None:

    read = tomllib.loads(f"a = {in_toml(value)}")["a"]
    expected = [str(item) for item in value] if isinstance(value, tuple) else value
    assert read == (str(value) if isinstance(value, Path) else expected)
