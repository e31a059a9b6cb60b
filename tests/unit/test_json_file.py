"""json_file: whole states only, old or new; .bak when the file is damaged; fastjson's pretty form."""

import errno
import logging
import os
from pathlib import Path

import pytest

from rocketpy import json_file
from rocketpy.errors import StartRefused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "topics.json"


def bak(path: Path) -> Path:
    return path.with_name(path.name + ".bak")


def test_neither_file_is_no_state(path: Path) -> None:
    assert json_file.load(path) is None


def test_persist_keeps_the_old_as_bak(path: Path) -> None:
    json_file.persist(path, '{"a":1}')
    assert not bak(path).exists()
    json_file.persist(str(path), '{"a":2}')
    json_file.persist(path, '{"a":3}')
    assert (path.read_text(), bak(path).read_text()) == ('{"a":3}', '{"a":2}')
    assert sorted(file.name for file in path.parent.iterdir()) == ["topics.json", "topics.json.bak"]
    assert json_file.load(path) == '{"a":3}'


def refuse(*_: object, **__: object) -> None:
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def test_without_hard_links_the_bak_is_a_copy_for_the_same_readers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    json_file.persist(path, '{"a":1}', 0o600)
    monkeypatch.setattr("os.link", refuse)
    json_file.persist(path, '{"a":2}', 0o600)
    assert (path.read_text(), bak(path).read_text()) == ('{"a":2}', '{"a":1}')
    assert bak(path).stat().st_mode & 0o777 == 0o600


def test_a_disk_with_neither_links_nor_modes_is_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A FAT or a share that somebody else has mounted."""
    json_file.persist(path, '{"a":1}')
    monkeypatch.setattr("os.link", refuse)
    monkeypatch.setattr("os.chmod", refuse)
    json_file.persist(path, '{"a":2}')
    assert (path.read_text(), bak(path).read_text()) == ('{"a":2}', '{"a":1}')


def test_fastjson_s_dialect_is_whole(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('{"offsetTable":{1:12,3:0\n\t}}')
    assert json_file.load(path) == '{"offsetTable":{1:12,3:0\n\t}}'


@pytest.mark.parametrize("damage", [b'{"a":3', b"\0" * 7, b'{"a":\xff}', b"{]"])
def test_a_damaged_file_gives_way_to_its_bak(path: Path, damage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    json_file.persist(path, '{"a":1}')
    json_file.persist(path, '{"a":2}')
    path.write_bytes(damage)
    assert json_file.load(path) == '{"a":1}'
    assert f"{path} is damaged" in caplog.text
    json_file.persist(path, '{"a":4}')                 # what is damaged must not replace the good .bak
    assert (path.read_text(), bak(path).read_text()) == ('{"a":4}', '{"a":1}')
    assert path.with_name("topics.json.damaged").read_bytes() == damage


@pytest.mark.parametrize("empty", [True, False])
def test_no_file_or_an_empty_one_gives_way(path: Path, empty: bool, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    bak(path).write_text("{}")
    if empty:
        path.write_text("")
    assert json_file.load(path) == "{}"
    assert "using" in caplog.text


def test_a_damaged_file_without_bak_is_kept_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.parent.mkdir()
    path.write_text("{")
    assert json_file.load(path) is None
    assert caplog.records[-1].levelno == logging.ERROR
    assert path.with_name("topics.json.damaged").read_text() == "{"


def test_two_damaged_files_refuse_the_start(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("{")
    bak(path).write_text("[")
    with pytest.raises(StartRefused, match=r"topics\.json is damaged .*topics\.json\.bak is damaged too .*restore"):
        json_file.load(path)
    assert path.read_text() == "{"


def test_a_folder_in_place_of_the_file_refuses_the_start(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StartRefused, match=r"topics\.json cannot be read"):
        json_file.load(path)


def test_a_failed_write_leaves_the_old(path: Path) -> None:
    json_file.persist(path, "{}")
    path.with_name("topics.json.tmp").mkdir()
    with pytest.raises(OSError, match="directory"):
        json_file.persist(path, '{"a":1}')
    assert path.read_text() == "{}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}"),
        ({"a": {}}, '{\n\t"a":{}\n}'),
        ({"t": {1: 12, 3: 0}}, '{\n\t"t":{1:12,3:0\n\t}\n}'),
        ({"t": {}, "n": None, "b": True}, '{\n\t"t":{},\n\t"b":true\n}'),
        ({"l": [3, 1]}, '{\n\t"l":[3,1]\n}'),
        ({"l": []}, '{\n\t"l":[]\n}'),
        ({"l": ["a", {"b": 1}]}, '{\n\t"l":[\n\t\t"a",\n\t\t{\n\t\t\t"b":1\n\t\t}\n\t]\n}'),
        ({"m": {1: {"a": 1}}}, '{\n\t"m":{1:{\n\t\t\t"a":1\n\t\t}\n\t}\n}'),
    ],
)
def test_pretty(value: object, text: str) -> None:
    assert json_file.pretty(value) == text
