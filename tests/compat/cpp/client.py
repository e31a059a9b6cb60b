"""The C++ client core, told what to do by a test through its Python package: `client.py COMMAND key=value…`.

The commands and the JSON lines are those of the Java and Go programs. The core tells less of what it sent: no queue.
Batches are left out: core 1.0.1 does not mark them, so that upstream's broker too stores one message of the whole body.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from rocketmq.client import Message, Producer, PullConsumer, PushConsumer, RecvMessage, SendResult, SendStatus
from rocketmq.exceptions import RocketMQException
from rocketmq.ffi import MessageModel, _CConsumeStatus, dll

Options = dict[str, str]
_printing = threading.Lock()


def emit(event: str, **members: object) -> None:
    with _printing:
        print(json.dumps({"event": event, **members}), flush=True)


def text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()


def message(options: Options, index: int) -> Message:
    made = Message(options["topic"])
    made.set_body(f"{index}:")
    if tags := options.get("tags"):
        made.set_tags(tags.split(",")[index % len(tags.split(","))])
    if keys := options.get("keys"):
        made.set_keys(f"{keys}{index}")
    if delay := options.get("delay"):
        made.set_delay_time_level(int(delay))
    made.set_property("owner", "compat")
    return made


def sign(client: Producer | PushConsumer, options: Options) -> None:
    """With the account of the options, if they name one."""
    if key := options.get("accessKey"):
        client.set_session_credentials(key, options["secretKey"], "ALIYUN")


def produce(options: Options) -> None:
    producer = Producer(options.get("group", "PG_cpp"), timeout=15000)
    producer.set_namesrv_addr(options["namesrv"])
    sign(producer, options)
    producer.start()
    try:
        MODES[options.get("mode", "sync")](producer, options)
    finally:
        producer.shutdown()


def indexes(options: Options) -> range:
    first = int(options.get("first", 0))
    return range(first, first + int(options.get("count", 10)))


def sent(index: int, result: SendResult) -> None:
    status = "SEND_OK" if result.status == SendStatus.OK else result.status.name
    emit("sent", index=index, status=status, msg_id=result.msg_id, queue_offset=result.offset)


def patiently(send: Callable[..., Any], *arguments: object) -> Any:
    """The core gives up at once, with nothing sent, while its own heartbeat holds the lock of the connection."""
    for _ in range(20):
        try:
            return send(*arguments)
        except RocketMQException:
            time.sleep(0.1)
    return send(*arguments)


def sync(producer: Producer, options: Options) -> None:
    for index in indexes(options):
        try:
            sent(index, patiently(producer.send_sync, message(options, index)))
        except RocketMQException as problem:
            emit("failed", index=index, error=str(problem))


def asynchronous(producer: Producer, options: Options) -> None:
    """One at a time: the core's callback has no argument that would tell the sends apart."""
    for index in indexes(options):
        sent(index, patiently(answered, producer, message(options, index)))


def answered(producer: Producer, made: Message) -> SendResult:
    """The result that the callback of an asynchronous send is given, or the exception."""
    outcome: queue.SimpleQueue[Any] = queue.SimpleQueue()
    producer.send_async(made, outcome.put, outcome.put)
    result = outcome.get(timeout=30)
    if isinstance(result, Exception):
        raise result
    return result


def oneway(producer: Producer, options: Options) -> None:
    for index in indexes(options):
        patiently(producer.send_oneway, message(options, index))
    time.sleep(0.5)  # no answer tells when the bytes are away


def orderly(producer: Producer, options: Options) -> None:
    """The core's own second try goes to another queue, which would break the lane: `patiently` asks for the same."""
    lanes = int(options.get("lanes", 4))
    for index in indexes(options):
        sent(index, patiently(producer.send_orderly, message(options, index), index % lanes, 0))


MODES = {"sync": sync, "async": asynchronous, "oneway": oneway, "orderly": orderly}


def consume(options: Options) -> None:
    fail_first = int(options.get("failFirst", 0))
    model = MessageModel[options.get("model", "CLUSTERING")]
    consumer = PushConsumer(options["group"], orderly=options.get("order") == "true", message_model=model)
    consumer.set_namesrv_addr(options["namesrv"])
    sign(consumer, options)
    consumer.set_instance_name(options.get("instance", f"cpp{time.time_ns()}"))

    def take(_: object, handle: int) -> int:
        received = RecvMessage(handle)
        accepted = received.reconsume_times >= fail_first
        told("consumed", received, accepted=accepted)
        return int(_CConsumeStatus.CONSUME_SUCCESS if accepted else _CConsumeStatus.RECONSUME_LATER)

    # Not the package's own subscribe: what it does when a listener fails reaches the core as a success.
    assert dll.Subscribe(consumer._handle, options["topic"].encode(), options.get("tags", "*").encode()) == 0
    consumer._register_callback(take)
    consumer.start()
    emit("started")
    for line in sys.stdin:
        if line.strip() == "quit":
            break
    consumer.shutdown()


def told(event: str, received: RecvMessage, **more: object) -> None:
    body = received.body
    emit(event, index=int(body.partition(b":")[0]), topic=received.topic, tags=text(received.tags),
         keys=text(received.keys), msg_id=received.id, queue_id=received.queue_id, queue_offset=received.queue_offset,
         reconsume_times=received.reconsume_times, store_timestamp=received.store_timestamp,
         born_timestamp=received.born_timestamp, owner=text(received.get_property("owner")), **more)


def pull(options: Options) -> None:
    consumer = PullConsumer(options["group"])
    consumer.set_namesrv_addr(options["namesrv"])
    consumer.start()
    try:
        for received in consumer.pull(options["topic"], options.get("tags", "*")):
            told("found", received)
    finally:
        consumer.shutdown()


def main() -> None:
    options = dict(word.split("=", 1) for word in sys.argv[2:])
    {"produce": produce, "consume": consume, "pull": pull}[sys.argv[1]](options)
    emit("done")


main()
