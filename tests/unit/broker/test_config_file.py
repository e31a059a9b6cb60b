"""A config file follows its table: what was answered for is on disk, and a disk that refuses is asked again."""

import asyncio
from pathlib import Path

import pytest

from rocketpy.broker import config_file
from rocketpy.broker.config_file import ConfigFile


class Table:
    """A file whose text is a number that goes up with each change."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "config" / "topics.json"
        self.number = 0
        self.file = ConfigFile(self.path, lambda: str(self.number))

    def change(self) -> None:
        self.number += 1
        self.file.changed()


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


def refusing(table: Table) -> Path:
    """A file where the folder must be."""
    folder = table.path.parent
    folder.write_text("in the way")
    return folder


def test_changes_of_one_turn_are_written_once_and_before_saved_returns(table: Table) -> None:
    async def main() -> None:
        for _ in range(100):
            table.change()
        assert not table.file.is_saved
        await table.file.saved()
        assert table.path.read_text() == "100"
        assert not table.path.with_name("topics.json.bak").exists()

    asyncio.run(main())


def test_who_waits_does_not_wait_for_the_changes_of_others(table: Table) -> None:
    async def main() -> None:
        table.change()
        waiting = asyncio.ensure_future(table.file.saved())
        while not waiting.done():
            await asyncio.sleep(0)
            table.change()
        await table.file.shutdown()

    asyncio.run(asyncio.wait_for(main(), 5))
    assert table.path.read_text() == str(table.number)


def test_what_the_disk_refused_is_tried_again(
    table: Table, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(config_file, "RETRY_S", 0.001)
    folder = refusing(table)

    async def main() -> None:
        table.change()
        await table.file.saved()
        assert str(table.path) in table.file.fault
        folder.unlink()
        while table.file.fault:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(main(), 5))
    assert table.path.read_text() == "1"
    assert caplog.text.count(str(table.path)) == 1


def test_a_stop_writes_what_was_refused_before(table: Table) -> None:
    folder = refusing(table)

    async def main() -> None:
        table.change()
        await table.file.saved()
        folder.unlink()
        await table.file.shutdown()
        assert table.path.read_text() == "1"

    asyncio.run(main())
