"""Editing a JSON file's text leaves every other byte as it is."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighthoused.cli import jsonfile
from lighthoused.cli.changing import opened
from lighthoused.cli.jsonfile import Document
from lighthoused.core.errors import Invalid

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
STYLES = st.sampled_from([{}, {"indent": 2}, {"indent": "\t"}, {"separators": (",", ":")}, {"ensure_ascii": False}])


@given(st.dictionaries(st.text(), VALUES, max_size=4), VALUES, STYLES, st.sampled_from(["", "\n", "\r\n \n"]))
def test_what_is_added_and_removed_again_leaves_no_trace(
    content: dict[str, Any], value: Any, style: dict[str, Any], end: str
) -> None:
    content.pop("new", None)
    text = json.dumps(content, **style) + end
    document = Document(text)
    document.set((), "new", value)
    assert json.loads(document.text) == {**content, "new": value}
    assert list(json.loads(document.text)) == [*content, "new"]
    document.remove(("new",))
    assert document.text == text


@given(st.lists(VALUES, min_size=1, max_size=4), st.data(), STYLES)
def test_any_item_can_be_removed(items: list[Any], data: st.DataObject, style: dict[str, Any]) -> None:
    index = data.draw(st.integers(0, len(items) - 1))
    document = Document(json.dumps({"a": items, "b": 1.50}, **style))
    document.remove(("a", index))
    assert json.loads(document.text) == {"a": items[:index] + items[index + 1 :], "b": 1.5}


def test_an_addition_is_indented_as_the_file_is() -> None:
    document = Document('{\n\t"a": [\n\t\t1\n\t],\n\t"b": {}\n}\n')
    document.append(("a",), {"x": [2]})
    document.set(("b",), "c", True)
    assert document.text == (
        '{\n\t"a": [\n\t\t1,\n\t\t{\n\t\t\t"x": [\n\t\t\t\t2\n\t\t\t]\n\t\t}\n\t],\n\t"b": {\n\t\t"c": true\n\t}\n}\n'
    )


def test_line_ends_and_spellings_stay() -> None:
    text = '{\r\n    "n": 1e2, "u": "\\u00e9",\r\n    "l": []\r\n}'
    document = Document(text)
    document.append(("l",), 1)
    assert document.text == text.replace("[]", "[\r\n        1\r\n    ]")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"3", b'{"a": NaN}', b'{"a": 1,}', b"// c\n{}", b"\xff", b'{"a": ' + b"[" * 100_000],
)
def test_what_is_no_json_object_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "settings.json"
    file.write_bytes(content)
    with pytest.raises(Invalid) as refused:
        opened(file, is_toml=False)
    assert str(file) in refused.value.message
    assert refused.value.hint
    assert file.read_bytes() == content


def test_a_file_that_cannot_be_read_or_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Invalid, match="cannot be read: Is a directory"):
        opened(tmp_path, is_toml=False)
    with pytest.raises(Invalid, match="cannot be written: "):
        jsonfile.write(tmp_path / "file/settings.json", "{}")
    document, before = opened(tmp_path / "none", is_toml=False)
    assert (document.value, before) == ({}, "")


def test_writing_keeps_mode_owner_and_links(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles/settings.json"
    real.parent.mkdir()
    real.write_text("{}")
    real.chmod(0o640)
    link = tmp_path / "settings.json"
    link.symlink_to("dotfiles/settings.json")
    before = real.stat()
    jsonfile.write(link, '{"a": 1}')
    assert link.is_symlink()
    assert real.read_text() == '{"a": 1}'
    after = real.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)
    assert [path.name for path in real.parent.iterdir()] == ["settings.json"]
