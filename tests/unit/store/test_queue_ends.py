"""queueEnds: what the last process wrote is read once, and a start that cannot go by it says why and lacks nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rocketpy._core.message import Message
from rocketpy.store import queue_ends
from rocketpy.store.queue_ends import NAME, Ends, read_ends
from tests.unit.store.conftest import OpenStore


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def cut(path: Path) -> None:
    path.write_text(path.read_text().removesuffix("end\n"))


def garble(path: Path) -> None:
    path.write_bytes(b"93\n0-1 zero T\nend\n")


def forget_a_message(path: Path) -> None:
    path.write_text("1\nindex 0\nend\n")


def want_more(path: Path) -> None:
    path.write_text(path.read_text().replace("0-2 0 T", "0-3 0 T"))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (Path.unlink, "queueEnds does not exist"),
        (make_folder, "queueEnds cannot be read (Is a directory)"),
        (cut, "queueEnds is garbled"),
        (garble, "queueEnds is garbled"),
        (forget_a_message, "queueEnds was written when the commit log ended at 1"),
        (want_more, "queue 0 of T had 3 entries and has 2"),
    ],
)
def test_why_a_start_does_not_go_by_them(
    open_store: OpenStore, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None], why: str
) -> None:
    store = stopped(open_store)
    spoil(store / NAME)
    again = open_store(start=False)
    assert again.max_offset("T", 0) == 2
    assert [line for line in caplog.messages if line.endswith("compared with the whole commit log")] == [
        f"{store / why if why.startswith(NAME) else why}: the queues are compared with the whole commit log"
    ]
    if (store / NAME).is_dir():
        (store / NAME).rmdir()


def test_they_are_read_once(
    open_store: OpenStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped(open_store)
    read: list[Ends] = []

    def counted(path: Path) -> Ends:
        read.append(read_ends(path))
        return read[-1]

    monkeypatch.setattr(queue_ends, "read_ends", counted)
    open_store(start=False)
    assert [ends.queues for ends in read] == [[("T", 0, 0, 2)]]
    assert not [line for line in caplog.messages if "compared with the whole" in line]


def stopped(open_store: OpenStore) -> Path:
    """The folder of a store that stopped with two messages of one queue."""
    store = open_store(start=False)
    store.flags.open(True)
    for _ in range(2):
        store.put(Message("T", b"x"))
    store.shutdown()
    return store.paths.root
