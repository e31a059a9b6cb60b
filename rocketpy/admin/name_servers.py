"""updateKvConfig, deleteKvConfig, wipeWritePerm, getNamesrvConfig and updateNamesrvConfig.

Every name server has its own tables and settings, so each of those that are known is asked.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from rocketpy.admin.broker_config import SMALL_MAP, asked_setting, settings_text
from rocketpy.admin.command import Command, Given, Option
from rocketpy.admin.items import Failed, Item, Said
from rocketpy.admin.java import string_order
from rocketpy.admin.session import Session
from rocketpy.admin.targets import each, failures, notes
from rocketpy.client.admin_namesrv import namesrv_config, update_namesrv_config, wipe_write_perm
from rocketpy.client.admin_topics import delete_kv, put_kv
from rocketpy.errors import RocketPyError


async def update_kv_config(session: Session, given: Given) -> AsyncIterator[Item]:
    """Write a value."""
    namespace, key, value = given.text("s"), given.text("k"), given.text("v")
    await put_kv(session.admin, namespace, key, value)
    text = "create or update kv config to namespace success.\n"
    yield Said(text, {"namespace": namespace, "key": key, "value": value})


async def delete_kv_config(session: Session, given: Given) -> AsyncIterator[Item]:
    """Delete a value."""
    namespace, key = given.text("s"), given.text("k")
    await delete_kv(session.admin, namespace, key)
    yield Said("delete kv config from namespace success.\n", {"namespace": namespace, "key": key})


async def wipe_write_perms(session: Session, given: Given) -> AsyncIterator[Item]:
    """Take away a broker's write permission until it registers anew with changed topics."""
    name, admin = given.text("b"), session.admin
    for address, answer in await each(admin.name_servers, lambda address: wipe_write_perm(admin, address, name)):
        begin = f"wipe write perm of broker[{name}] in name server[{address}]"
        if isinstance(answer, RocketPyError):
            yield Said(f"{begin} Failed\n")
            yield Failed(address, answer)
        else:
            yield Said(f"{begin} OK, {answer}\n", {"brokerName": name, "nameServer": address, "wipeTopicCount": answer})


async def get_namesrv_config(session: Session, _: Given) -> AsyncIterator[Item]:
    """The settings of every name server."""
    admin = session.admin
    addresses = string_order(admin.name_servers, SMALL_MAP)
    for address, answer in await each(addresses, lambda address: namesrv_config(admin, address)):
        if isinstance(answer, RocketPyError):
            yield Failed(address, answer)
        else:
            text = f"============{address}============\n{settings_text(answer)}"
            yield Said(text, {"nameServer": address, "config": answer})


async def update_namesrv_setting(session: Session, given: Given) -> AsyncIterator[Item]:
    """Change one setting on every name server."""
    setting, admin = asked_setting(given), session.admin
    answers = await each(admin.name_servers, lambda address: update_namesrv_config(admin, address, setting))
    failed = failures(answers)
    for failure in failed:
        yield failure
    for note in notes(answers):
        yield note
    if failed:
        return
    ((key, value),) = setting.items()
    asked = f"[{', '.join(session.asked)}]" if session.asked else ""
    text = f"update name server config success!{asked}\n{key} : {value}\n"
    yield Said(text, {"nameServers": admin.name_servers, "config": setting})


NAMESPACE = Option("s", "namespace", "set the namespace", required=True)
KEY = Option("k", "key", "set the key name", required=True)
COMMANDS = (
    Command(
        "updateKvConfig", update_kv_config, (NAMESPACE, KEY, Option("v", "value", "set the key value", required=True))
    ),
    Command(
        "deleteKvConfig",
        delete_kv_config,
        (NAMESPACE, KEY),
        asks=lambda given: f"Delete {given.text('k')} of {given.text('s')} in every name server?",
    ),
    Command(
        "wipeWritePerm",
        wipe_write_perms,
        (Option("b", "brokerName", "broker name", required=True, completes="broker"),),
        asks=lambda given: f"Let nobody send to {given.text('b')} any more?",
    ),
    Command("getNamesrvConfig", get_namesrv_config),
    Command(
        "updateNamesrvConfig",
        update_namesrv_setting,
        (Option("k", "key", "config key", required=True), Option("v", "value", "config value", required=True)),
    ),
)
