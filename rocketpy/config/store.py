"""Settings of the message store."""

import re
from enum import Enum
from typing import Any

from rocketpy.config.environment import Environment
from rocketpy.config.setting import IDENTITY, INT_MAX, PATH, PORT, Settings, derived, prop

POOL = "messages go straight into the mapped file; there is no pool of buffers"
SINGLE_WRITER = "one loop writes, so no lock is taken"
DLEDGER = "DLedger"
REPLICATION = "master/slave replication"
CONSUME_QUEUE_ENTRY_SIZE = 20


class FlushDiskType(Enum):
    """When a send is answered."""

    ASYNC_FLUSH = "ASYNC_FLUSH"
    SYNC_FLUSH = "SYNC_FLUSH"


class BrokerRole(Enum):
    """What a broker is to its broker set."""

    ASYNC_MASTER = "ASYNC_MASTER"
    SYNC_MASTER = "SYNC_MASTER"
    SLAVE = "SLAVE"


def whole_entries(size_bytes: int) -> int:
    """A consume queue file's size: rounded up to whole entries, as upstream's getter does."""
    return -(-size_bytes // CONSUME_QUEUE_ENTRY_SIZE) * CONSUME_QUEUE_ENTRY_SIZE


def hours(when: str) -> str:
    """`deleteWhen` as it is; ValueError unless it lists hours."""
    if not all(hour.isascii() and hour.isdigit() and int(hour) < 24 for hour in when.split(";") if hour):
        raise ValueError("is no list of hours such as 04;16")
    return when


def delay_levels(levels: str) -> str:
    """`messageDelayLevel` as it is; ValueError unless it lists times."""
    if not re.fullmatch("[0-9]+[smhd]( [0-9]+[smhd])*", levels):
        raise ValueError("is no list of times such as 1s 5m 2h, separated by one blank each")
    return levels


def _store_folder(environment: Environment) -> str:
    return f"{environment.home}/store"


def _commit_log_folder(environment: Environment) -> str:
    return f"{environment.home}/store/commitlog"


class MessageStoreConfig(Settings):
    """Files, flush, cleaning and limits of the store."""

    def __init__(self, environment: Environment | None = None, **overrides: Any) -> None:
        """As Settings; a keyword `store_path_root_dir` alone also moves the commit log (a file's does not)."""
        root = overrides.get("store_path_root_dir")
        if root is not None:
            overrides = {"store_path_commit_log": f"{root}/commitlog", **overrides}
        super().__init__(environment, **overrides)

    store_path_root_dir = derived(
        "storePathRootDir", _store_folder, "folder of the store", important=True, default_text="~/store", fixed=PATH
    )
    store_path_commit_log = derived(
        "storePathCommitLog",
        _commit_log_folder,
        "folder of the commit log; as upstream, it does not follow storePathRootDir",
        important=True,
        default_text="~/store/commitlog",
        fixed=PATH,
    )
    mapped_file_size_commit_log = prop(
        "mappedFileSizeCommitLog", 1073741824, "size of a commit log file, bytes", low=1024
    )
    mapped_file_size_consume_queue = prop(
        "mappedFileSizeConsumeQueue",
        6000000,
        "size of a consume queue file, bytes, rounded up to a multiple of 20",
        low=CONSUME_QUEUE_ENTRY_SIZE,
        high=INT_MAX - CONSUME_QUEUE_ENTRY_SIZE,
        in_force=whole_entries,
    )
    enable_consume_queue_ext = prop(
        "enableConsumeQueueExt", False, "a unit with tags code, store time and filter bitmap beside each queue entry"
    )
    mapped_file_size_consume_queue_ext = prop(
        "mappedFileSizeConsumeQueueExt", 50331648, "size of a file of those units, bytes", low=24, high=INT_MAX
    )
    bit_map_length_consume_queue_ext = prop(
        "bitMapLengthConsumeQueueExt", 64, "bits of a unit's bitmap; a broker sets it to the size of its bloom filter"
    )
    flush_interval_commit_log = prop(
        "flushIntervalCommitLog", 500, "pause between asynchronous flushes, ms", important=True, hot=True, low=1
    )
    commit_interval_commit_log = prop(
        "commitIntervalCommitLog", 200, "pause between commits of the pool, ms", important=True, no_effect=POOL
    )
    use_reentrant_lock_when_put_message = prop(
        "useReentrantLockWhenPutMessage", False, "a lock instead of spinning around the append", no_effect=SINGLE_WRITER
    )
    flush_commit_log_timed = prop(
        "flushCommitLogTimed",
        False,
        "asynchronous flushes go by flushIntervalCommitLog alone; else also as soon as flushCommitLogLeastPages "
        "gathered, at most every 100 ms",
        important=True,
        hot=True,
    )
    flush_interval_consume_queue = prop(
        "flushIntervalConsumeQueue", 1000, "pause between flushes of the consume queues, ms", hot=True, low=1
    )
    clean_resource_interval = prop("cleanResourceInterval", 10000, "pause between cleanings, ms", low=1, hot=True)
    delete_commit_log_files_interval = prop(
        "deleteCommitLogFilesInterval", 100, "pause between deletions of commit log files, ms", hot=True
    )
    delete_consume_queue_files_interval = prop(
        "deleteConsumeQueueFilesInterval", 100, "pause between deletions of consume queue files, ms", hot=True
    )
    destroy_maped_file_interval_forcibly = prop(
        "destroyMapedFileIntervalForcibly",
        120000,
        "how long a file still read survives its deletion, ms",
        no_effect="a deleted file stays readable to who reads it, and is gone with the last reader",
    )
    redelete_hanged_file_interval = prop(
        "redeleteHangedFileInterval", 120000, "pause before a failed deletion is tried again, ms", hot=True
    )
    delete_when = prop(
        "deleteWhen", "04", "hours at which expired files go, `;`-separated", important=True, hot=True, in_force=hours
    )
    disk_max_used_space_ratio = prop(
        "diskMaxUsedSpaceRatio",
        75,
        "percent of the disk from which files go at any hour; kept within 10..95",
        hot=True,
        in_force=lambda ratio: min(95, max(10, ratio)),
    )
    file_reserved_time = prop(
        "fileReservedTime", 72, "hours a file is kept after its last write", important=True, hot=True
    )
    put_msg_index_hight_water = prop(
        "putMsgIndexHightWater", 600000, "not used by upstream either", no_effect="upstream reads it never"
    )
    max_message_size = prop("maxMessageSize", 4194304, "largest stored record, bytes", low=1)
    check_crc_on_recover = prop("checkCRCOnRecover", True, "check body CRCs during recovery")
    flush_commit_log_least_pages = prop(
        "flushCommitLogLeastPages", 4, "pages of 4 KiB that make a flush worth it", hot=True
    )
    commit_commit_log_least_pages = prop(
        "commitCommitLogLeastPages", 4, "pages that make a commit of the pool worth it", no_effect=POOL
    )
    flush_least_pages_when_warm_maped_file = prop(
        "flushLeastPagesWhenWarmMapedFile",
        4096,
        "pages between flushes while a file is warmed",
        no_effect="pages are made ready ahead of need, not by writing",
    )
    flush_consume_queue_least_pages = prop(
        "flushConsumeQueueLeastPages", 2, "pages of 4 KiB that make a queue's flush worth it", hot=True
    )
    flush_commit_log_thorough_interval = prop(
        "flushCommitLogThoroughInterval", 10000, "after this the commit log is flushed whatever gathered, ms", hot=True
    )
    commit_commit_log_thorough_interval = prop(
        "commitCommitLogThoroughInterval", 200, "after this the pool is committed whatever gathered, ms", no_effect=POOL
    )
    flush_consume_queue_thorough_interval = prop(
        "flushConsumeQueueThoroughInterval", 60000, "after this queues are flushed whatever gathered, ms", hot=True
    )
    max_transfer_bytes_on_message_in_memory = prop(
        "maxTransferBytesOnMessageInMemory", 262144, "bytes a pull of hot messages brings", important=True, hot=True
    )
    max_transfer_count_on_message_in_memory = prop(
        "maxTransferCountOnMessageInMemory", 32, "messages a pull of hot messages brings", important=True, hot=True
    )
    max_transfer_bytes_on_message_in_disk = prop(
        "maxTransferBytesOnMessageInDisk", 65536, "bytes a pull of cold messages brings", important=True, hot=True
    )
    max_transfer_count_on_message_in_disk = prop(
        "maxTransferCountOnMessageInDisk", 8, "messages a pull of cold messages brings", important=True, hot=True
    )
    access_message_in_memory_max_ratio = prop(
        "accessMessageInMemoryMaxRatio",
        40,
        "percent of memory; messages further behind than that are cold",
        important=True,
        hot=True,
        high=100,
    )
    message_index_enable = prop("messageIndexEnable", True, "index messages by key", important=True)
    max_hash_slot_num = prop("maxHashSlotNum", 5000000, "hash slots of an index file", low=1)
    max_index_num = prop("maxIndexNum", 20000000, "entries of an index file", low=2)
    max_msgs_num_batch = prop("maxMsgsNumBatch", 64, "most messages a query by key brings", hot=True, low=1)
    message_index_safe = prop("messageIndexSafe", False, "recovery also goes by the index's checkpoint", important=True)
    ha_listen_port = prop(
        "haListenPort", 10912, "port slaves connect to; always listenPort+1", not_yet=REPLICATION, high=65535,
        fixed=PORT,
    )
    ha_send_heartbeat_interval = prop(
        "haSendHeartbeatInterval", 5000, "pause between heartbeats to a slave, ms", not_yet=REPLICATION
    )
    ha_housekeeping_interval = prop(
        "haHousekeepingInterval", 20000, "silence after which a slave's connection is closed, ms", not_yet=REPLICATION
    )
    ha_transfer_batch_size = prop("haTransferBatchSize", 32768, "bytes sent to a slave at once", not_yet=REPLICATION)
    ha_master_address: str | None = prop(
        "haMasterAddress", None, "the master's HA address, given by hand", important=True, not_yet=REPLICATION
    )
    ha_slave_fallbehind_max = prop(
        "haSlaveFallbehindMax", 268435456, "bytes behind which a slave no longer counts", not_yet=REPLICATION
    )
    broker_role = prop(
        "brokerRole", BrokerRole.ASYNC_MASTER, "ASYNC_MASTER, SYNC_MASTER or SLAVE", important=True, fixed=IDENTITY
    )
    flush_disk_type = prop(
        "flushDiskType",
        FlushDiskType.ASYNC_FLUSH,
        "answer a send once stored (ASYNC_FLUSH) or once on disk (SYNC_FLUSH)",
        important=True,
    )
    sync_flush_timeout = prop("syncFlushTimeout", 5000, "longest wait of a send for the disk, ms", hot=True, low=1)
    message_delay_level = prop(
        "messageDelayLevel",
        "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h",
        "the delays that levels 1, 2, … stand for",
        in_force=delay_levels,
    )
    flush_delay_offset_interval = prop(
        "flushDelayOffsetInterval", 10000, "pause between writes of delayOffset.json, ms", java_type="long", low=1
    )
    clean_file_forcibly_enable = prop(
        "cleanFileForciblyEnable", True, "delete files early when the disk is nearly full", important=True, hot=True
    )
    warm_maped_file_enable = prop(
        "warmMapedFileEnable",
        False,
        "touch the pages of a new file",
        no_effect="pages are made ready ahead of need in any case",
    )
    offset_check_in_slave = prop("offsetCheckInSlave", False, "a slave corrects offsets too", not_yet=REPLICATION)
    debug_lock_enable = prop("debugLockEnable", False, "log slow appends with a stack", no_effect=SINGLE_WRITER)
    duplication_enable = prop("duplicationEnable", False, "dispatch only up to a confirmed offset", not_yet=REPLICATION)
    disk_fall_recorded = prop(
        "diskFallRecorded", True, "note how far each group is behind, for disableConsumeIfConsumerReadSlowly", hot=True
    )
    os_page_cache_busy_time_out_mills = prop(
        "osPageCacheBusyTimeOutMills",
        1000,
        "sends that waited too long are refused as PCBUSY when the disk held the broker up for longer than this, ms",
        java_type="long",
        hot=True,
    )
    default_query_max_num = prop("defaultQueryMaxNum", 32, "messages a query by unique key brings", hot=True, low=1)
    transient_store_pool_enable = prop(
        "transientStorePoolEnable", False, "gather appends in a pool of buffers", important=True, no_effect=POOL
    )
    transient_store_pool_size = prop("transientStorePoolSize", 5, "buffers of that pool", no_effect=POOL)
    fast_fail_if_no_buffer_in_store_pool = prop(
        "fastFailIfNoBufferInStorePool", False, "refuse sends while the pool is empty", no_effect=POOL
    )
    enable_d_leger_commit_log = prop(
        "enableDLegerCommitLog", False, "replicate by DLedger", not_yet=DLEDGER, fixed=IDENTITY
    )
    d_leger_group: str | None = prop("dLegerGroup", None, "name of the DLedger group", not_yet=DLEDGER, fixed=IDENTITY)
    d_leger_peers: str | None = prop(
        "dLegerPeers", None, "members of the DLedger group", not_yet=DLEDGER, fixed=IDENTITY
    )
    d_leger_self_id: str | None = prop("dLegerSelfId", None, "this broker among them", not_yet=DLEDGER, fixed=IDENTITY)
