"""A broker whose disk fills up: sends are refused with the reason, pulls go on, old files go, service comes back."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.compat.kit import wire
from tests.compat.kit.process import wait_until
from tests.crash.damaged import (
    HOST,
    LOG_SIZE,
    PULL_MESSAGE,
    SEND_MESSAGE,
    TOPIC,
    DamagedBroker,
    pull_header,
    send_header,
)

SERVICE_NOT_AVAILABLE = 14
PULL_RETRY_IMMEDIATELY = 20
PULL_OFFSET_MOVED = 21
SUCCESS = 0
DISK_BYTES = 8 << 20
WAIT_S = 20
LEVELS = {
    "JAVA_OPT": "-Drocketmq.broker.diskSpaceWarningLevelRatio=0.70 -Drocketmq.broker.diskSpaceCleanForciblyRatio=0.60"
}


@pytest.fixture
def cramped(tmp_path: Path, mount_small_disk: Callable[[int], Path]) -> Iterator[DamagedBroker]:
    """A broker whose store is on a file system of 8 MiB; it looks at it every 200 ms."""
    disk = mount_small_disk(DISK_BYTES)
    broker = DamagedBroker(tmp_path, disk / "store", cleanResourceInterval=200, deleteCommitLogFilesInterval=1)
    broker.env = LEVELS
    yield broker
    broker.close()


def try_to_send(broker: DamagedBroker) -> tuple[int, str]:
    answer = broker.ask(SEND_MESSAGE, send_header(TOPIC, 0, ""), b"?" * 900)
    return answer.code, answer.remark or ""


def pull(broker: DamagedBroker, offset: int) -> tuple[int, int]:
    """Code and next offset."""
    answer = broker.ask(PULL_MESSAGE, pull_header(TOPIC, 0, offset))
    assert answer.ext
    return answer.code, int(answer.ext["nextBeginOffset"])


def oldest(broker: DamagedBroker) -> int:
    """Where a queue begins whose first files have gone; others may go between two pulls, so it is asked until it can be
    read from there.
    """
    least = 0

    def can_be_read() -> bool:
        nonlocal least
        code, least = pull(broker, 0)
        return code == PULL_OFFSET_MOVED and pull(broker, least)[0] == SUCCESS

    wait_until(can_be_read, "the first that is left is read", WAIT_S)
    return least


def test_a_full_disk_is_told_and_left_by_itself(cramped: DamagedBroker) -> None:
    disk = cramped.store.parent
    cramped.start().send(600)
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(int(DISK_BYTES * 0.72) - shutil.disk_usage(disk).used + (2 << 20)))
    wait_until(lambda: try_to_send(cramped)[0] == SERVICE_NOT_AVAILABLE, "sends are refused", WAIT_S)
    _, remark = try_to_send(cramped)
    assert remark.startswith("service not available now, maybe disk full, CL:  0.")
    assert f"{cramped.store / 'commitlog'} is on a disk" in remark
    assert "% full, writing stops above 70.0%" in remark
    assert cramped.says_once(f"disk of {cramped.store / 'commitlog'} is", "puts are refused")

    assert 0 < oldest(cramped) < 300
    assert not (cramped.store / "commitlog" / f"{0:020d}").exists()

    ballast.write_bytes(bytes(int(DISK_BYTES * 0.8)))
    cramped.stop()
    cramped.start()
    assert try_to_send(cramped)[0] == SERVICE_NOT_AVAILABLE, "known from the first moment"
    assert 0 < oldest(cramped) < 300

    ballast.unlink()
    wait_until(lambda: try_to_send(cramped)[0] == SUCCESS, "sends are taken again", WAIT_S)
    cramped.send(10)


def test_a_file_being_read_is_not_pulled_from_under_its_reader(cramped: DamagedBroker) -> None:
    """What was answered from a file arrives whole, although the file is gone before the peer takes it."""
    cramped.start().send(600)
    first = cramped.log_files()[0]
    with wire.Peer(f"{HOST}:{cramped.port}") as slow:
        opaques = [slow.tell(PULL_MESSAGE, pull_header(TOPIC, number % 2, 0)) for number in range(400)]
        wait_until(lambda: pull(cramped, 0)[0] == SUCCESS, "it serves others", WAIT_S)
        (cramped.store.parent / "ballast").write_bytes(bytes(DISK_BYTES * 3 // 4))
        wait_until(lambda: not first.exists(), "the first file goes", WAIT_S)
        answers = [slow.receive() for _ in opaques]
    whole = [answer for answer in answers if answer.code == SUCCESS]
    assert len(whole) > 10
    begins = {wire.records(answer.body)[0].queue_offset for answer in whole}
    assert 0 in begins          # a pull of the moment in which the file goes begins behind it, as upstream has it
    assert {answer.code for answer in answers} <= {SUCCESS, PULL_RETRY_IMMEDIATELY, PULL_OFFSET_MOVED}


def test_a_busy_broker_goes_on_as_old_files_go(cramped: DamagedBroker) -> None:
    """Twice what the disk holds goes through; queues and index follow the log."""
    cramped.start()
    sent = 0
    with wire.Peer(f"{HOST}:{cramped.port}") as peer:
        while sent < 2 * DISK_BYTES // 30_000:
            answer = peer.ask(SEND_MESSAGE, send_header(TOPIC, 0, f"KEYS\x01k{sent}\x02"), bytes(30_000))
            assert answer.code in (SUCCESS, SERVICE_NOT_AVAILABLE), answer
            if answer.code == SUCCESS:
                sent += 1
            else:
                wait_until(lambda: try_to_send(cramped)[0] == SUCCESS, "sends are taken again", WAIT_S)
    least = oldest(cramped)
    assert len(cramped.log_files()) * LOG_SIZE < DISK_BYTES
    assert least > sent // 3
    assert int(cramped.queue_files()[0].name) > 0
    cramped.kill()
    cramped.start()
    assert oldest(cramped) >= least
