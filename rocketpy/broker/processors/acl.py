"""UPDATE_AND_CREATE_ACL_CONFIG, DELETE_ACL_CONFIG, UPDATE_GLOBAL_WHITE_ADDRS_CONFIG and GET_BROKER_CLUSTER_ACL_INFO.

Refusals are upstream's codes and words, but for secret keys, which stand in none. Upstream answers before a change is
in force, writes accounts that it then cannot read, and stays silent to code 52 without aclEnable; not so here.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from rocketpy._core.command import Command, response
from rocketpy.acl.edit import delete_account, put_account, put_global_white
from rocketpy.acl.errors import AclError
from rocketpy.broker.processors.answers import Answer, success
from rocketpy.errors import RequestRefused
from rocketpy.protocol.codes import ResponseCode
from rocketpy.protocol.headers import (
    CreateAccessConfigRequestHeader,
    DeleteAccessConfigRequestHeader,
    GetBrokerAclConfigResponseHeader,
    UpdateGlobalWhiteAddrsConfigRequestHeader,
)

if TYPE_CHECKING:
    from rocketpy.access import Access, Change
    from rocketpy.broker.broker import Broker
    from rocketpy.remoting.connection import Connection

log = logging.getLogger("RocketmqBroker")

DISABLED = "this broker has aclEnable=false and keeps no accounts"


async def update_and_create_acl_config(
    broker: Broker, connection: Connection, request: Command, header: CreateAccessConfigRequestHeader
) -> Command:
    """Make or change an account: it is in force when this is answered."""
    key, given = header.access_key, header.encode()
    return await _change(
        broker,
        connection,
        ResponseCode.UPDATE_AND_CREATE_ACL_CONFIG_FAILED,
        lambda document: put_account(document, given, header.admin),
        f"The accesskey[{key}] corresponding to accessConfig has been updated failed.",
    )


async def delete_acl_config(
    broker: Broker, connection: Connection, request: Command, header: DeleteAccessConfigRequestHeader
) -> Command:
    """Take an account away."""
    key = header.access_key
    return await _change(
        broker,
        connection,
        ResponseCode.DELETE_ACL_CONFIG_FAILED,
        lambda document: delete_account(document, key),
        f"The accesskey[{key}] corresponding to accessConfig has been deleted failed.",
    )


async def update_global_white_addrs_config(
    broker: Broker, connection: Connection, request: Command, header: UpdateGlobalWhiteAddrsConfigRequestHeader
) -> Command:
    """Replace the global white list."""
    addresses = header.global_white_addrs
    return await _change(
        broker,
        connection,
        ResponseCode.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG_FAILED,
        lambda document: put_global_white(document, addresses),
        f"The globalWhiteAddresses[{addresses}] has been updated failed.",
    )


def get_broker_cluster_acl_info(broker: Broker, connection: Connection, request: Command, header: None) -> Answer:
    """Which version of the rules this broker has."""
    config = broker.config
    info = GetBrokerAclConfigResponseHeader(
        version=_access(broker, ResponseCode.SYSTEM_ERROR).version_text,
        broker_name=config.broker_name,
        broker_addr=broker.address,
        cluster_name=config.broker_cluster_name,
    )
    return success(ext=info.encode())


def _access(broker: Broker, refusal: ResponseCode) -> Access:
    if broker.access is None:
        raise RequestRefused(refusal, DISABLED)
    return broker.access


async def _change(
    broker: Broker, connection: Connection, refusal: ResponseCode, change: Change, failed: str
) -> Command:
    """Do it; `failed` is the remark when the file has nothing to change."""
    try:
        done = await _access(broker, refusal).change(change)
    except AclError as error:
        done, failed = False, str(error)
    if not done:
        log.warning("%s: %s", connection.address, failed)
        return response(refusal, failed)
    log.info("the ACL file was changed as %s asked", connection.address)
    return response()
