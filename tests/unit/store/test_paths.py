"""Paths: upstream's places, names that stay where they belong, and an operator's mistakes told in one line."""

from pathlib import Path

import pytest

from rocketpy.config import MessageStoreConfig
from rocketpy.errors import StartRefused, StoreError
from rocketpy.store.paths import StorePaths, is_folder_name


@pytest.fixture
def paths(tmp_path: Path) -> StorePaths:
    config = MessageStoreConfig(
        store_path_root_dir=str(tmp_path / "store"), store_path_commit_log=str(tmp_path / "store" / "commitlog")
    )
    return StorePaths.of(config)


def test_places(paths: StorePaths) -> None:
    root = paths.root
    assert paths.commit_log == root / "commitlog"
    assert paths.queue("%RETRY%g", 3) == root / "consumequeue" / "%RETRY%g" / "3"
    assert paths.queue_ext("T", 0) == root / "consumequeue_ext" / "T" / "0"
    assert paths.config_file("topics") == root / "config" / "topics.json"
    assert [path.name for path in (paths.index, paths.checkpoint, paths.abort, paths.lock)] == [
        "index",
        "checkpoint",
        "abort",
        "lock",
    ]


@pytest.mark.parametrize("topic", ["", ".", "..", "../x", "a/b", "/etc", "a\0b", "x" * 256, "题" * 86])
def test_names_that_are_no_folder(paths: StorePaths, topic: str) -> None:
    assert not is_folder_name(topic)
    for place in (paths.queue, paths.queue_ext):
        with pytest.raises(StoreError, match="cannot be the name of a folder"):
            place(topic, 0)


@pytest.mark.parametrize("topic", ["TopicTest", "%DLQ%g", "...", "题", "a b", "x" * 255])
def test_names_that_are(topic: str) -> None:
    assert is_folder_name(topic)


def test_an_empty_place_is_fine_and_stays_untouched(paths: StorePaths) -> None:
    paths.check()
    assert not paths.root.exists()


def test_a_full_store_is_fine(paths: StorePaths) -> None:
    for folder in paths.folders():
        folder.mkdir(exist_ok=True)
    for file in paths.files():
        file.touch()
    paths.check()


@pytest.mark.parametrize("name", ["checkpoint", "abort", "lock", "config/topics.json", "config/delayOffset.json.bak",
                                  "commitlog/00000000000000000000", "commitlog/00000000001073741824"])
def test_a_folder_where_a_file_must_be(paths: StorePaths, name: str) -> None:
    (paths.root / name).mkdir(parents=True)
    with pytest.raises(StartRefused, match=f"{name} is a folder where a file must be: remove it: rmdir "):
        paths.check()
    (paths.root / name / "x").touch()
    with pytest.raises(StartRefused, match="must be: move it away"):
        paths.check()


@pytest.mark.parametrize("name", ["commitlog", "consumequeue", "consumequeue_ext", "index", "config"])
def test_a_file_where_a_folder_must_be(paths: StorePaths, name: str) -> None:
    paths.root.mkdir()
    (paths.root / name).touch()
    with pytest.raises(StartRefused, match=f"{name} is a file where a folder must be"):
        paths.check()


def test_a_file_above_the_store(paths: StorePaths) -> None:
    paths.root.touch()
    with pytest.raises(StartRefused, match="store is a file where a folder must be"):
        paths.check()
    deep = StorePaths(paths.root / "a" / "b", paths.root / "a" / "c")
    with pytest.raises(StartRefused, match=r"store is a file, but .*/a/b needs a folder there"):
        deep.check()


def test_a_place_that_cannot_be_written(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(StartRefused, match=r"store cannot be made, .* cannot be written: permission denied for user"):
        paths.check()
    paths.root.mkdir()
    with pytest.raises(StartRefused, match=r"store cannot be written: permission denied for user \d+; change"):
        paths.check()
