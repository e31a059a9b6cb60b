"""updateAclConfig, deleteAccessConfig, clusterAclConfigVersion and updateGlobalWhiteAddr: brokers' access control."""

from __future__ import annotations

from collections.abc import AsyncIterator

from rocketpy.admin.command import Command, Given, Option
from rocketpy.admin.items import Column, Item, Row, Rows, Said, Table
from rocketpy.admin.java import boolean, local_time
from rocketpy.admin.session import Session
from rocketpy.admin.targets import chosen, each, failures, outcomes
from rocketpy.client.admin_access import (
    AclVersion,
    PlainAccessConfig,
    acl_version,
    delete_access_config,
    update_access_config,
    update_global_white_addrs,
)

VERSIONS = Table(
    "%-16s  %-22s  %-22s  %-20s  %-22s",
    (
        Column("#Cluster Name", "clusterName"),
        Column("#Broker Name", "brokerName"),
        Column("#Broker Addr", "brokerAddr"),
        Column("#AclConfigVersionNum", "aclConfigVersionNum"),
        Column("#AclLastUpdateTime", "aclLastUpdateTime", show=local_time),
    ),
)


def asked_account(given: Given) -> PlainAccessConfig:
    """The account as the options describe it."""
    return PlainAccessConfig(
        given.text("a"),
        given.maybe("s"),
        given.maybe("w"),
        given.boolean("m"),
        given.maybe("i"),
        given.maybe("u"),
        given.words("t"),
        given.words("g"),
    )


def account_text(account: PlainAccessConfig) -> str:
    """What was asked for, in the form of upstream's other objects; it prints this one's address in memory."""
    return (
        f"PlainAccessConfig [accessKey={account.access_key}, whiteRemoteAddress={account.white_remote_address or ''}, "
        f"admin={boolean(account.admin)}, defaultTopicPerm={account.default_topic_perm or ''}, "
        f"defaultGroupPerm={account.default_group_perm or ''}, topicPerms=[{', '.join(account.topic_perms)}], "
        f"groupPerms=[{', '.join(account.group_perms)}]]"
    )


async def update_acl_config(session: Session, given: Given) -> AsyncIterator[Item]:
    """Create an account or change it. Its secret is never printed."""
    account = asked_account(given)
    addresses = await chosen(session, given)

    def told(address: str, _: None) -> Said:
        text = f"create or update plain access config to {address} success.\n"
        return Said(text, {"brokerAddr": address, "accessKey": account.access_key})

    answers = await each(addresses, lambda address: update_access_config(session.admin, address, account))
    for item in outcomes(answers, told):
        yield item
    if len(failures(answers)) < len(answers):
        yield Said(account_text(account))


async def delete_account(session: Session, given: Given) -> AsyncIterator[Item]:
    """Delete an account."""
    key = given.text("a")
    addresses = await chosen(session, given)

    def told(address: str, _: None) -> Said:
        text = f"delete plain access config account to {address} success.\n"
        return Said(text, {"brokerAddr": address, "accessKey": key})

    answers = await each(addresses, lambda address: delete_access_config(session.admin, address, key))
    for item in outcomes(answers, told):
        yield item
    if len(failures(answers)) < len(answers):
        yield Said(f"account's accesskey is:{key}")


async def acl_versions(session: Session, given: Given) -> AsyncIterator[Item]:
    """How often the rules of every broker were changed, and when last."""
    addresses = await chosen(session, given)
    rows = Rows(VERSIONS)
    if "c" in given:
        yield rows.head

    def told(_: str, answer: AclVersion) -> Row:
        return rows.row(
            clusterName=answer.cluster,
            brokerName=answer.broker_name,
            brokerAddr=answer.broker_addr,
            aclConfigVersionNum=answer.version.counter,
            aclLastUpdateTime=answer.version.timestamp,
        )

    answers = await each(addresses, lambda address: acl_version(session.admin, address))
    for item in outcomes(answers, told):
        yield item
    if not failures(answers):
        yield Said(f"get {'cluster' if 'c' in given else 'broker'}'s plain access config version success.\n")


async def update_white_addresses(session: Session, given: Given) -> AsyncIterator[Item]:
    """Set the addresses that need no account."""
    white = given.text("g")
    addresses = await chosen(session, given)

    def told(address: str, _: None) -> Said:
        text = f"update global white remote addresses to {address} success.\n"
        return Said(text, {"brokerAddr": address, "globalWhiteRemoteAddresses": white.split(",")})

    answers = await each(addresses, lambda address: update_global_white_addrs(session.admin, address, white))
    for item in outcomes(answers, told):
        yield item


def where(broker: str, cluster: str) -> tuple[Option, Option]:
    """-b or -c, one of them required."""
    return (
        Option("b", "brokerAddr", broker, group="where", completes="brokerAddr"),
        Option("c", "clusterName", cluster, group="where", completes="cluster"),
    )


COMMANDS = (
    Command(
        "updateAclConfig",
        update_acl_config,
        (
            *where("update acl config file to which broker", "update cl config file to which cluster"),
            Option("a", "accessKey", "set accessKey in acl config file", required=True),
            Option("s", "secretKey", "set secretKey in acl config file"),
            Option("w", "whiteRemoteAddress", "set white ip Address for account in acl config file"),
            Option("i", "defaultTopicPerm", "set default topicPerm in acl config file"),
            Option("u", "defaultGroupPerm", "set default GroupPerm in acl config file"),
            Option("t", "topicPerms", "set topicPerms list,eg: topicA=DENY,topicD=SUB"),
            Option("g", "groupPerms", "set groupPerms list,eg: groupD=DENY,groupD=SUB"),
            Option("m", "admin", "set admin flag in acl config file"),
        ),
    ),
    Command(
        "deleteAccessConfig",
        delete_account,
        (
            *where("delete acl config account to which broker", "delete cl config account to which cluster"),
            Option("a", "accessKey", "set accessKey in acl config file for deleting which account", required=True),
        ),
        asks=lambda given: f"Delete the account {given.text('a')}?",
    ),
    Command(
        "clusterAclConfigVersion",
        acl_versions,
        where("query acl config version for which broker", "query acl config version for specified cluster"),
    ),
    Command(
        "updateGlobalWhiteAddr",
        update_white_addresses,
        (
            *where("update global white address to which broker", "update global white address to which cluster"),
            Option(
                "g",
                "globalWhiteRemoteAddresses",
                "set globalWhiteRemoteAddress list,eg: 10.10.103.*,192.168.0.*",
                required=True,
            ),
        ),
    ),
)
