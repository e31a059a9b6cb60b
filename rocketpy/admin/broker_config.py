"""getBrokerConfig and updateBrokerConfig: settings of running brokers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from rocketpy.admin.command import Command, Given, Option, UsageMistake
from rocketpy.admin.items import Failed, Item, Said
from rocketpy.admin.java import string_order
from rocketpy.admin.session import Session
from rocketpy.admin.targets import brokers_of, chosen, each, notes, outcomes
from rocketpy.client.admin_brokers import broker_config, update_broker_config
from rocketpy.client.calls import MASTER_ID
from rocketpy.errors import RocketPyError
from rocketpy.protocol.bodies import ClusterInfo

SMALL_MAP = 4  # upstream makes its map of masters for so many


async def get_broker_config(session: Session, given: Given) -> AsyncIterator[Item]:
    """Every setting of one broker, or of all masters and slaves of a cluster."""
    if "b" in given:
        heads = {given.text("b"): f"============{given.text('b')}============\n"}
    elif "c" in given:
        heads = heads_of(await session.admin.cluster(), given.text("c"))
    else:
        raise UsageMistake("give a broker's address with -b, or a cluster with -c", show_usage=False)
    for address, answer in await each(heads, lambda address: broker_config(session.admin, address)):
        if isinstance(answer, RocketPyError):
            yield Said(heads[address])
            yield Failed(address, answer)
        else:
            text = f"{heads[address]}{settings_text(answer)}\n"
            yield Said(text, {"brokerAddr": address, "config": answer})


def heads_of(info: ClusterInfo, cluster: str) -> dict[str, str]:
    """Address -> the line above its settings: every master, followed by its slaves."""
    heads: dict[str, str] = {}
    sets = {each.broker_addrs.get(MASTER_ID, "null"): each.broker_addrs for each in brokers_of(info, cluster)}
    for master in string_order(sets, SMALL_MAP):
        for broker_id, address in sorted(sets[master].items()):
            slave = f"============My Master: {master}=====Slave: {address}============\n"
            heads[address] = f"============Master: {address}============\n" if broker_id == MASTER_ID else slave
    return heads


def settings_text(settings: Mapping[str, str]) -> str:
    """A line a setting, sorted; upstream's order is that of the JVM's hash table."""
    return "".join(f"{key:<50}=  {value}\n" for key, value in sorted(settings.items()))


def asked_setting(given: Given) -> dict[str, str]:
    """-k and -v; a line break in them would be another setting."""
    key, value = given.text("k"), given.text("v")
    if any(char in key + value for char in "\r\n"):
        raise UsageMistake("a key and a value are one line each", show_usage=False)
    return {key: value}


async def update_broker_setting(session: Session, given: Given) -> AsyncIterator[Item]:
    """Change one setting on one broker, or on every master of a cluster."""
    setting = asked_setting(given)
    addresses = await chosen(session, given)

    def told(address: str, _: str) -> Said:
        return Said(f"update broker config success, {address}\n", {"brokerAddr": address, "config": setting})

    answers = await each(addresses, lambda address: update_broker_config(session.admin, address, setting))
    for item in outcomes(answers, told):
        yield item
    for note in notes(answers):
        yield note


BROKER = Option("b", "brokerAddr", "update which broker", completes="brokerAddr")
CLUSTER = Option("c", "clusterName", "update which cluster", completes="cluster")
COMMANDS = (
    Command("getBrokerConfig", get_broker_config, (BROKER, CLUSTER)),
    Command(
        "updateBrokerConfig",
        update_broker_setting,
        (
            BROKER,
            CLUSTER,
            Option("k", "key", "config key", required=True),
            Option("v", "value", "config value", required=True),
        ),
    ),
)
