"""Prints records so that people, or with --json programs, can read them; what is damaged is named and passed over."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

from rocketpy._core.message import Message
from rocketpy.store import file_sizes
from rocketpy.store_tool.check import StoreFolder
from rocketpy.store_tool.index_sizes import dimensions, index_paths
from rocketpy.store_tool.log_reader import Gap, LogReader
from rocketpy.store_tool.select import ALL, Wanted, by_key, by_log, by_queue
from rocketpy.store_tool.texts import when

BODY_LIMIT = 16 << 20               # bytes a compressed body may grow to
COMPRESSED = 1
TYPES = ("none", "prepared", "commit", "rollback")


def messages(folder: StoreFolder, wanted: Wanted, *, walk: bool = False) -> Iterator[Message | Gap]:
    """The messages that are wanted, and the gaps met on the way; `walk`: neither queues nor index are asked."""
    log_folder = str(folder.paths.commit_log)
    size = file_sizes.commit_log_size(log_folder, folder.config.mapped_file_size_commit_log)
    log = LogReader(log_folder, size)
    for found in sources(folder, log, wanted, walk):
        if isinstance(found, Gap) or wanted.has(found):
            yield found


def sources(folder: StoreFolder, log: LogReader, wanted: Wanted, walk: bool) -> Iterator[Message | Gap]:
    whole_log = walk or wanted.physical != (0, ALL)
    if not whole_log and wanted.topic is not None and wanted.queue_id is not None and wanted.offsets is not None:
        queues = str(folder.paths.consume_queue)
        size = file_sizes.consume_queue_size(queues, folder.config.mapped_file_size_consume_queue)
        return by_queue(log, str(folder.paths.queue(wanted.topic, wanted.queue_id)), size, wanted)
    if not whole_log and wanted.topic is not None and wanted.key is not None:
        places = dimensions(index_paths(folder.paths.index), (folder.config.max_hash_slot_num, folder.config.max_index_num))
        return by_key(log, places, wanted.topic, wanted.key)
    return by_log(log, wanted)


def as_json(found: Message | Gap, body: str) -> str:
    """One line."""
    if isinstance(found, Gap):
        return json.dumps({"damaged": found._asdict()}, ensure_ascii=False)
    return json.dumps(fields(found, body), ensure_ascii=False)


def fields(message: Message, body: str) -> dict[str, Any]:
    """The message by RocketMQ's own names."""
    shown = {} if body == "none" else {"body": body_text(message, body)}
    return {
        "topic": message.topic,
        "queueId": message.queue_id,
        "queueOffset": message.queue_offset,
        "physicalOffset": message.physical_offset,
        "size": message.size,
        "msgId": message.msg_id,
        "storeTimestamp": message.store_timestamp,
        "bornTimestamp": message.born_timestamp,
        "bornHost": "{}:{}".format(*message.born_host),
        "storeHost": "{}:{}".format(*message.store_host),
        "flag": message.flag,
        "sysFlag": message.sys_flag,
        "transaction": TYPES[message.sys_flag >> 2 & 3],
        "reconsumeTimes": message.reconsume_times,
        "preparedTransactionOffset": message.prepared_transaction_offset,
        "bodySize": len(message.body),
        "bodyCRC": message.body_crc,
        "properties": dict(message.properties),
        **shown,
    }


def as_block(found: Message | Gap, body: str) -> str:
    """Some lines and an empty one."""
    if isinstance(found, Gap):
        return f"damaged: {found.path or 'commit log'} at {found.offset}: {found.size} bytes are passed over, {found.reason}\n"
    head = f"{found.topic} queue {found.queue_id} offset {found.queue_offset}, physical offset {found.physical_offset}"
    rows = fields(found, body)
    rows["storeTimestamp"] = when(found.store_timestamp)
    rows["bornTimestamp"] = when(found.born_timestamp)
    rows["properties"] = " ".join(f"{name}={value}" for name, value in found.properties.items())
    told = ("topic", "queueId", "queueOffset", "physicalOffset")
    return "\n".join([safe(head), *(f"  {name}: {safe(str(value))}" for name, value in rows.items() if name not in told), ""])


def safe(text: str) -> str:
    """Nothing a message holds reaches the terminal as a command to it."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def body_text(message: Message, how: str) -> str:
    """The body as the sender gave it, as text or hex."""
    data, note = plain_body(message)
    return (data.hex() if how == "hex" else data.decode("utf-8", "backslashreplace")) + note


def plain_body(message: Message) -> tuple[bytes, str]:
    """The body decompressed, and what is to be said of it; one that would grow beyond bounds is cut there."""
    if not message.sys_flag & COMPRESSED:
        return message.body, ""
    inflating = zlib.decompressobj()
    try:
        data = inflating.decompress(message.body, BODY_LIMIT)
    except zlib.error:
        return message.body, " (says it is compressed and is not)"
    return data, "" if inflating.eof else f" (goes on after {len(data)} bytes)"
