"""An error as one line for an operator: what failed, where, and what to look at.

Asking the cluster for the reason may itself fail: then the line says less.
"""

from __future__ import annotations

import contextlib
import difflib
import re

from rocketpy.admin.command import CommandFailed
from rocketpy.admin.session import NO_NAME_SERVER, Session
from rocketpy.client.calls import BrokerRefused, ClientError, NoNameServer, NoRoute, NotAnswered
from rocketpy.client.credentials import TOOLS_FILE
from rocketpy.errors import RemotingConnectError, RemotingTimeout, RocketPyError
from rocketpy.protocol.codes import RequestCode, ResponseCode
from rocketpy.protocol.names import RETRY_PREFIX, groups_in
from rocketpy.remoting.client import split_address

NO_ROUTE = re.compile(r"no route for topic (.+)")
OFFICIAL_HELP = re.compile(r"\s*For more information, please visit the url, \S+")
NEAR = 3
NAME_SERVER = "name server"


async def explained(error: Exception, session: Session) -> str:
    """The line for an error of the client's."""
    if isinstance(error, NoNameServer):
        return NO_NAME_SERVER
    if isinstance(error, NoRoute):
        return await no_route(error, session)
    if isinstance(error, NotAnswered):
        return await not_answered(error, session)
    if isinstance(error, BrokerRefused):
        return refused(error, session)
    return str(error)


def refused(error: BrokerRefused, session: Session) -> str:
    """An answer that is not success."""
    where = f"{error.address} answers " if error.address else ""
    remark = OFFICIAL_HELP.sub("", error.remark or "").strip().replace("\n", " ")
    told = f"{where}CODE: {error.code}  DESC: {remark or 'no reason'}"
    if error.code == ResponseCode.REQUEST_CODE_NOT_SUPPORTED:
        name = name_of(error.asked)
        if error.asked in NAME_SERVER_CODES:
            return f"{error.address} is no name server, it does not know {name}: a broker? Give -n host:9876"
        if error.address in session.name_servers:
            return f"{error.address} is a name server: give a broker's address, clusterList shows all"
        return f"{error.address} does not know {name}: is it a name server's address, or a broker of another version?"
    return f"{told}{remedy(error)}"


def remedy(error: BrokerRefused) -> str:
    """What to look at, where the remark does not say it."""
    if "AclException" in (error.remark or ""):
        return f" (accessKey and secretKey of an account that may do it belong into $ROCKETMQ_HOME/{TOOLS_FILE})"
    if error.code == ResponseCode.SYSTEM_BUSY:
        return " (the server is busy: try again)"
    if error.code == ResponseCode.NO_PERMISSION and error.asked in (None, *MESSAGE_CODES):
        return " (look at the topic's perm and the broker's brokerPermission)"
    return ""


NAME_SERVER_CODES = {
    RequestCode.PUT_KV_CONFIG,
    RequestCode.GET_KV_CONFIG,
    RequestCode.DELETE_KV_CONFIG,
    RequestCode.GET_ROUTEINTO_BY_TOPIC,
    RequestCode.GET_BROKER_CLUSTER_INFO,
    RequestCode.WIPE_WRITE_PERM_OF_BROKER,
    RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER,
    RequestCode.DELETE_TOPIC_IN_NAMESRV,
    RequestCode.UPDATE_NAMESRV_CONFIG,
    RequestCode.GET_NAMESRV_CONFIG,
}
MESSAGE_CODES = (RequestCode.SEND_MESSAGE, RequestCode.SEND_MESSAGE_V2, RequestCode.PULL_MESSAGE)


def name_of(code: int | None) -> str:
    """A request code by number and name."""
    with contextlib.suppress(ValueError):
        return f"code {code} ({RequestCode(code).name})" if code is not None else "the request"
    return f"code {code}"


async def not_answered(error: NotAnswered, session: Session) -> str:
    """A server that cannot be reached or says nothing."""
    cause = error.__cause__
    kind = NAME_SERVER if error.address in session.name_servers else "broker"
    if not is_address(error.address):
        example = "10.0.0.1:9876, several with ; between them" if kind == NAME_SERVER else "10.0.0.1:10911"
        return f"{kind} {error.address!r} is not host:port: give an address such as {example}"
    told = f"{kind} {cause if error.address in str(cause) else error}"
    if isinstance(cause, RemotingTimeout):
        return f"{told}: it is busy, or no RocketMQ server listens there"
    if not isinstance(cause, RemotingConnectError):
        return f"{kind} {error.address}: {cause}: it was stopped, or no RocketMQ server listens there"
    if kind == NAME_SERVER:
        return f"name server {cause}: is it running there, and does a firewall let you through? (-n, NAMESRV_ADDR)"
    return f"broker {cause}{await about_broker(error.address, session)}"


def is_address(text: str) -> bool:
    """Whether it is host:port; a list with commas in it is not, though its last part makes it look so."""
    try:
        split_address(text)
    except ValueError:
        return False
    return "," not in text


async def about_broker(address: str, session: Session) -> str:
    """Which address the operator may have meant, by what the name server knows."""
    known = await known_addresses(session)
    host, _, port = address.rpartition(":")
    main = f"{host}:{int(port) + 2}" if port.isdigit() else ""
    if main and main in known:
        return f": {port} is the VIP port of {main}, give that"
    if address in known:
        return ": the name server has it registered, so it is down, or its brokerIP1 cannot be reached from here"
    return f": the name server knows {', '.join(sorted(known)[:NEAR])}" if known else ": is it running there?"


async def no_route(error: NoRoute, session: Session) -> str:
    """Why a topic has no route: no broker at all, or a name that is not the right one."""
    found = NO_ROUTE.fullmatch(str(error))
    if found is None:
        return str(error)
    topic = found[1]
    told = f"No route info of this topic, {topic}"
    with contextlib.suppress(RocketPyError):
        if not await known_addresses(session):
            return f"{told}: no broker is registered at {', '.join(session.name_servers)}"
        near = difflib.get_close_matches(topic, await known_topics(session), n=NEAR)
        if topic.startswith(RETRY_PREFIX):
            groups = meant(groups_in(near))
            return f"{told}: no client of that group was ever there{groups} (mqadmin consumerProgress shows all)"
        return f"{told}: no broker has it{meant(near)} (mqadmin topicList shows all, updateTopic creates one)"
    return told


def meant(near: list[str]) -> str:
    """Names that may have been meant."""
    return f"; there is {', '.join(near)}" if near else ""


async def known_addresses(session: Session) -> set[str]:
    """Every broker address that the name server gives."""
    with contextlib.suppress(ClientError, CommandFailed):
        info = await session.admin.cluster()
        return {address for data in info.broker_addr_table.values() for address in data.broker_addrs.values()}
    return set()


async def known_topics(session: Session) -> list[str]:
    """The topics of the name server; none when it does not say."""
    from rocketpy.client.admin_topics import all_topics

    with contextlib.suppress(RocketPyError):
        return await all_topics(session.admin)
    return []
