"""What the store answers: upstream's statuses, and the offsets that go with them."""

from dataclasses import dataclass
from enum import Enum, IntEnum


class PutMessageStatus(Enum):
    """How a put ended, by upstream's names."""

    PUT_OK = "PUT_OK"
    FLUSH_DISK_TIMEOUT = "FLUSH_DISK_TIMEOUT"
    FLUSH_SLAVE_TIMEOUT = "FLUSH_SLAVE_TIMEOUT"
    SLAVE_NOT_AVAILABLE = "SLAVE_NOT_AVAILABLE"
    SERVICE_NOT_AVAILABLE = "SERVICE_NOT_AVAILABLE"
    CREATE_MAPEDFILE_FAILED = "CREATE_MAPEDFILE_FAILED"
    MESSAGE_ILLEGAL = "MESSAGE_ILLEGAL"
    PROPERTIES_SIZE_EXCEEDED = "PROPERTIES_SIZE_EXCEEDED"
    OS_PAGECACHE_BUSY = "OS_PAGECACHE_BUSY"
    UNKNOWN_ERROR = "UNKNOWN_ERROR"


class GetMessageStatus(IntEnum):
    """How a get ended; the numbers are those of `_core/store_reader`."""

    FOUND = 0
    NO_MATCHED_MESSAGE = 1
    MESSAGE_WAS_REMOVING = 2
    OFFSET_FOUND_NULL = 3
    OFFSET_OVERFLOW_BADLY = 4
    OFFSET_OVERFLOW_ONE = 5
    OFFSET_TOO_SMALL = 6
    NO_MATCHED_LOGIC_QUEUE = 7
    NO_MESSAGE_IN_QUEUE = 8
    NOT_IN_MEMORY = 9  # not upstream's: `MessageStore.bring_in`, then get again with may_wait


@dataclass(frozen=True)
class PutResult:
    """Where a message, or the first of a batch, was put; offsets are 0 unless the status is PUT_OK."""

    status: PutMessageStatus
    msg_id: str = ""  # of a batch: all ids, comma-joined
    queue_offset: int = 0
    physical_offset: int = 0
    size: int = 0  # bytes in the commit log
    store_timestamp: int = 0
    topic: str = ""  # where it stands: a delayed message waits in SCHEDULE_TOPIC_XXXX

    @property
    def is_ok(self) -> bool:
        """Was it appended?"""
        return self.status is PutMessageStatus.PUT_OK

    @property
    def end_offset(self) -> int:
        """The commit log must be durable up to here before a SYNC_FLUSH answer."""
        return self.physical_offset + self.size


@dataclass(frozen=True)
class GetResult:
    """Records as they stand in the log, one behind the other."""

    status: GetMessageStatus
    body: bytes
    count: int
    next_begin_offset: int
    min_offset: int
    max_offset: int
    suggest_slave: bool
    behind_bytes: int = -1  # from the last message that was looked at to the log's end; -1: none was
    last_store_time_ms: int = -1


@dataclass(frozen=True)
class QueryResult:
    """Records found by key, oldest first, and how far the index reaches."""

    records: bytes
    last_timestamp: int
    last_phy_offset: int
