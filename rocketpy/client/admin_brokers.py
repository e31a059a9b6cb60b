"""Admin calls to one broker: its settings, its topics' configs, what groups have consumed, cleaning.

Functions take any `Calls`; the address is a broker's.
"""

from __future__ import annotations

from collections.abc import Mapping

from rocketpy._core.command import request
from rocketpy.client.calls import Calls
from rocketpy.config.properties import parse_properties
from rocketpy.protocol.admin_bodies import ConsumeStatsList
from rocketpy.protocol.bodies import TopicConfig, TopicConfigSerializeWrapper
from rocketpy.protocol.codes import RequestCode

CLEANING_MS = 15_000


async def broker_config(calls: Calls, address: str) -> dict[str, str]:
    """The settings in force; code 26."""
    answer = await calls.ask(address, request(RequestCode.GET_BROKER_CONFIG))
    return properties_of(answer.body, address)


async def update_broker_config(calls: Calls, address: str, settings: Mapping[str, str]) -> str:
    """Change settings; code 25. Keys and values are one line each. What the broker says of it, if anything."""
    answer = await calls.ask(address, request(RequestCode.UPDATE_BROKER_CONFIG, None, properties_body(settings)))
    return answer.remark or ""


def properties_of(body: bytes | None, address: str) -> dict[str, str]:
    """The keys and values of an answer in properties format."""
    file = parse_properties(address, (body or b"").decode("utf-8", "replace"))
    return {key: entry.java_value for key, entry in file.in_force().items()}


def properties_body(settings: Mapping[str, str]) -> bytes:
    """Settings as upstream's MixAll.properties2String writes them: nothing is escaped."""
    return "".join(f"{key}={value}\n" for key, value in settings.items()).encode()


async def topic_configs(calls: Calls, address: str) -> dict[str, TopicConfig]:
    """Every topic of a broker by name; code 21."""
    answer = await calls.ask(address, request(RequestCode.GET_ALL_TOPIC_CONFIG))
    return TopicConfigSerializeWrapper.decode(answer.body or b"{}").topic_config_table


async def consume_stats_in_broker(calls: Calls, address: str, *, order: bool, timeout_ms: int) -> ConsumeStatsList:
    """How far every group is in every topic, orderly topics alone or all; code 317."""
    ext = {"isOrder": "true" if order else "false"}
    answer = await calls.ask(address, request(RequestCode.GET_BROKER_CONSUME_STATS, ext), timeout_ms)
    return ConsumeStatsList.decode(answer.body or b"{}")


async def clean_expired_consume_queue(calls: Calls, address: str) -> None:
    """Delete consume queue files whose messages are gone; code 306."""
    await calls.ask(address, request(RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE), CLEANING_MS)


async def clean_unused_topic(calls: Calls, address: str) -> None:
    """Delete consume queues of topics that are no more; code 316."""
    await calls.ask(address, request(RequestCode.CLEAN_UNUSED_TOPIC), CLEANING_MS)
