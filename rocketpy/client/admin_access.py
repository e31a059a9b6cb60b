"""Admin calls about access control on one broker: accounts, addresses, the version of its rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rocketpy._core.command import request
from rocketpy.client.calls import Calls
from rocketpy.protocol.bodies import DataVersion
from rocketpy.protocol.codes import RequestCode


@dataclass(frozen=True)
class PlainAccessConfig:
    """An account as it is asked for; None and empty lists leave the broker's as they are, `admin` does not."""

    access_key: str
    secret_key: str | None = field(default=None, repr=False)
    white_remote_address: str | None = None
    admin: bool = False
    default_topic_perm: str | None = None
    default_group_perm: str | None = None
    topic_perms: Sequence[str] = ()
    group_perms: Sequence[str] = ()


@dataclass(frozen=True)
class AclVersion:
    """How often a broker's rules were changed, and when last."""

    cluster: str
    broker_name: str
    broker_addr: str
    version: DataVersion


async def update_access_config(calls: Calls, address: str, account: PlainAccessConfig) -> None:
    """Create an account or change it; code 50."""
    given = {
        "accessKey": account.access_key,
        "secretKey": account.secret_key,
        "admin": "true" if account.admin else "false",
        "whiteRemoteAddress": account.white_remote_address,
        "defaultTopicPerm": account.default_topic_perm,
        "defaultGroupPerm": account.default_group_perm,
        "topicPerms": ",".join(account.topic_perms) or None,
        "groupPerms": ",".join(account.group_perms) or None,
    }
    ext = {name: value for name, value in given.items() if value is not None}
    await calls.ask(address, request(RequestCode.UPDATE_AND_CREATE_ACL_CONFIG, ext))


async def delete_access_config(calls: Calls, address: str, access_key: str) -> None:
    """Delete an account; code 51."""
    await calls.ask(address, request(RequestCode.DELETE_ACL_CONFIG, {"accessKey": access_key}))


async def acl_version(calls: Calls, address: str) -> AclVersion:
    """The version of a broker's rules; code 52."""
    answer = await calls.ask(address, request(RequestCode.GET_BROKER_CLUSTER_ACL_INFO))
    ext = answer.ext or {}
    version = DataVersion.decode(ext.get("version", "{}").encode())
    return AclVersion(ext.get("clusterName", ""), ext.get("brokerName", ""), ext.get("brokerAddr", ""), version)


async def update_global_white_addrs(calls: Calls, address: str, addresses: str) -> None:
    """Set the addresses that need no account, separated by commas; code 53."""
    ext = {"globalWhiteAddrs": addresses}
    await calls.ask(address, request(RequestCode.UPDATE_GLOBAL_WHITE_ADDRS_CONFIG, ext))
