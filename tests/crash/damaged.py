"""A real broker on a folder that something happens to: put over the wire, stop or kill, damage, start, look.

Everything acknowledged is remembered with its queue offset, so that one sentence says whether it is all there.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.compat.kit import wire
from tests.compat.kit.process import wait_until
from tests.ports import free_broker_port

if TYPE_CHECKING:
    from typing_extensions import Self

REPO = Path(__file__).parents[2]
HOST = "127.0.0.1"
TOPIC = "Damage"
QUEUES = 2
QUEUE_IDS = tuple(range(QUEUES))
LOG_SIZE = 65536
QUEUE_SIZE = 2000
SEND_MESSAGE, PULL_MESSAGE, QUERY_MESSAGE = 10, 11, 12
SUCCESS = 0
LATER = 2**62
LEVELS = re.compile(r"\b(WARN|ERROR)\b")


@dataclass(frozen=True)
class Acked:
    """One acknowledged message."""

    queue_id: int
    queue_offset: int
    body: bytes
    key: str


class Damaged(ABC):
    """A store that damage is done to, and what was acknowledged in it."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self.acked: list[Acked] = []

    @abstractmethod
    def start(self) -> Self:
        """Open the store; `lines` are those logged from here on."""

    @abstractmethod
    def stop(self) -> None:
        """As an operator stops it."""

    @abstractmethod
    def kill(self) -> None:
        """As the machine's out-of-memory killer ends it."""

    @abstractmethod
    def send(self, count: int, size: int = 900, queue_ids: tuple[int, ...] = QUEUE_IDS) -> None:
        """Messages with a key each, every one acknowledged."""

    @abstractmethod
    def pulled(self) -> list[Acked]:
        """Everything the queues lead to, from offset 0 to the end."""

    @abstractmethod
    def bodies_of(self, key: str) -> list[bytes]:
        """What a query of a key leads to."""

    @abstractmethod
    def logged(self) -> list[str]:
        """Warnings and errors since the last start."""

    def lines(self, *words: str) -> list[str]:
        """Warnings and errors since the last start that hold all these words."""
        return [line for line in self.logged() if all(word in line for word in words)]

    def says_once(self, *words: str) -> bool:
        """Is there one such line, and no second?"""
        return len(self.lines(*words)) == 1

    def says_queues_are_mended(self) -> bool:
        """One line on what was wrong with the queues, and that they are made whole."""
        return self.says_once("are compared with the whole commit log") or self.says_once("are made anew")

    def holds(self, lost: int = 0) -> None:
        """All but `lost` of the acknowledged are there once, where they were and in order; a key of each leads there.

        Sends go on behind them.
        """
        for _ in range(2):
            found = self.pulled()
            assert found == sorted(found, key=lambda each: (each.queue_id, each.queue_offset))
            assert len(found) == len(set(found)) == len(self.acked) - lost
            assert set(found) <= set(self.acked)
            present = set(found)
            sample = [each for each in self.acked if each in present]
            assert all(self.bodies_of(each.key).count(each.body) == 1 for each in [*sample[::7], sample[-1]])
            self.send(5)

    # -- files ---------------------------------------------------------------------------------------------------

    def log_files(self) -> list[Path]:
        """The commit log's files that hold data, in order."""
        return numbered(self.store / "commitlog")

    def queue_files(self, queue_id: int = 0) -> list[Path]:
        """A queue's files that hold data, in order."""
        return numbered(self.store / "consumequeue" / TOPIC / str(queue_id))

    def index_files(self) -> list[Path]:
        """The index files, oldest first."""
        return sorted((self.store / "index").iterdir())


def numbered(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.name.isdigit() and holds_data(path)]


def holds_data(path: Path) -> bool:
    try:
        return bool(path.read_bytes().strip(b"\0"))
    except FileNotFoundError:   # a broker that runs short of space has just removed it
        return False


def overwrite(path: Path, at: int, data: bytes) -> None:
    """Other bytes in the middle of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def used(path: Path) -> int:
    """Where the data of a file ends."""
    return len(path.read_bytes().rstrip(b"\0"))


class DamagedBroker(Damaged):
    """A broker process, spoken to over the wire."""

    def __init__(self, home: Path, store: Path | None = None, **settings: object) -> None:
        super().__init__(store or home / "store")
        self.home = home
        self.port = free_broker_port()
        self.settings = settings
        self.env: dict[str, str] = {}
        self._process: subprocess.Popen[str] | None = None
        self._log_starts: dict[Path, int] = {}
        self._errors = ""

    # -- the process ---------------------------------------------------------------------------------------------

    def properties(self) -> Path:
        """The properties file of small files that every start uses."""
        values = {
            "listenPort": self.port, "brokerIP1": HOST, "brokerName": "b",
            "storePathRootDir": self.store, "storePathCommitLog": self.store / "commitlog",
            "mappedFileSizeCommitLog": LOG_SIZE, "mappedFileSizeConsumeQueue": QUEUE_SIZE,
            "maxHashSlotNum": 100, "maxIndexNum": 400, **self.settings,
        }
        path = self.home / "broker.conf"
        path.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        return path

    def begin(self) -> subprocess.Popen[str]:
        """The process, whether it comes up or not."""
        environment = {**os.environ, "HOME": str(self.home), "ROCKETMQ_HOME": str(self.home), "PYTHONPATH": str(REPO)}
        command = [sys.executable, "-m", "rocketpy.cli", "broker", "-c", str(self.properties())]
        return subprocess.Popen(
            command, env={**environment, **self.env}, cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )

    def start(self) -> Self:
        self.launch()
        assert self.is_up(), self._errors
        return self

    def launch(self) -> None:
        """Begin to start."""
        self._log_starts = {path: path.stat().st_size for path in self._logs()}
        self._process = self.begin()

    def is_up(self) -> bool:
        """Wait for the boot line, or for the end."""
        assert self._process
        assert self._process.stdout
        if any("boot success" in line for line in self._process.stdout):
            return True
        process, self._process = self._process, None
        self._errors = process.communicate()[1]
        return False

    def refusal(self) -> str:
        """The line of a start that must not come up."""
        process = self.begin()
        _, errors = process.communicate(timeout=30)
        assert process.returncode != 0
        return errors

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """End it, however the test went."""
        if self._process is not None:
            self.kill()

    def _end(self, number: signal.Signals) -> None:
        assert self._process
        process, self._process = self._process, None
        process.send_signal(number)
        process.communicate(timeout=30)
        assert number is signal.SIGKILL or process.returncode == 0

    def _logs(self) -> list[Path]:
        return [path for path in (self.home / "logs").rglob("*.log") if path.is_file()]

    def logged(self) -> list[str]:
        found = []
        for path in self._logs():
            text = path.read_bytes()[self._log_starts.get(path, 0):].decode()
            found += [line for line in text.splitlines() if LEVELS.search(line)]
        return found

    # -- the wire ------------------------------------------------------------------------------------------------

    def ask(self, code: int, ext: dict[str, object], body: bytes = b"") -> wire.Answer:
        """One request on a connection of its own."""
        with wire.Peer(f"{HOST}:{self.port}") as peer:
            return peer.ask(code, ext, body)

    def send(self, count: int, size: int = 900, queue_ids: tuple[int, ...] = QUEUE_IDS) -> None:
        with wire.Peer(f"{HOST}:{self.port}") as peer:
            for _ in range(count):
                number = len(self.acked)
                key, body = f"k{number}", f"{number} ".encode() + b"x" * size
                queue_id = queue_ids[number % len(queue_ids)]
                answer = peer.ask(SEND_MESSAGE, send_header(TOPIC, queue_id, f"KEYS\x01{key}\x02"), body)
                assert answer.code == SUCCESS, answer
                assert answer.ext
                self.acked.append(Acked(queue_id, int(answer.ext["queueOffset"]), body, key))

    def pulled(self, topic: str = TOPIC, queues: int = QUEUES) -> list[Acked]:
        found = []
        with wire.Peer(f"{HOST}:{self.port}") as peer:
            for queue_id in range(queues):
                offset = 0
                while (answer := peer.ask(PULL_MESSAGE, pull_header(topic, queue_id, offset))).code != PULL_NOT_FOUND:
                    assert answer.ext
                    following = int(answer.ext["nextBeginOffset"])
                    if following == offset:
                        break
                    offset = following
                    for record in wire.records(answer.body):
                        key = dict(record.properties).get("KEYS", "")
                        found.append(Acked(queue_id, record.queue_offset, record.body, key))
        return found

    def wait_for(self, topic: str, bodies: list[bytes]) -> None:
        """Until a consumer of queue 0 of the topic has got these."""
        wait_until(lambda: [each.body for each in self.pulled(topic, 1)] == bodies, f"{bodies} in {topic}", 30)

    def bodies_of(self, key: str) -> list[bytes]:
        query = {"topic": TOPIC, "key": key, "maxNum": 32, "beginTimestamp": 0, "endTimestamp": LATER}
        return [record.body for record in wire.records(self.ask(QUERY_MESSAGE, query).body)]


PULL_NOT_FOUND = 19


def send_header(topic: str, queue_id: int, properties: str, batch: bool = False) -> dict[str, object]:
    """Of SEND_MESSAGE, every field."""
    return {
        "producerGroup": "p", "topic": topic, "defaultTopic": "TBW102", "defaultTopicQueueNums": 4, "queueId": queue_id,
        "sysFlag": 0, "bornTimestamp": 1, "flag": 0, "properties": properties, "reconsumeTimes": 0, "unitMode": False,
        "batch": batch,
    }


def pull_header(topic: str, queue_id: int, offset: int) -> dict[str, object]:
    """Of PULL_MESSAGE with a subscription of its own that does not wait."""
    return {
        "consumerGroup": "c", "topic": topic, "queueId": queue_id, "queueOffset": offset, "maxMsgNums": 32,
        "sysFlag": 4, "commitOffset": 0, "suspendTimeoutMillis": 0, "subscription": "*", "subVersion": 0,
        "expressionType": "TAG",
    }
