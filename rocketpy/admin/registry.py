"""All subcommands by name, in the order in which upstream lists them, and the module each is in.

Modules are imported when their command is called: the list and a usage text cost no more than they show. A module's
COMMANDS are its Command objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module

from rocketpy.admin.command import Command

LIKENESS = 0.6  # of 1: a command that is meant may be far from what was typed


@dataclass(frozen=True)
class Entry:
    """A line of the list. One without a module is not served."""

    name: str
    description: str
    module: str = ""

    def load(self) -> Command:
        """The command itself."""
        commands: tuple[Command, ...] = import_module(f"rocketpy.admin.{self.module}").COMMANDS
        return next(command for command in commands if command.name == self.name)


UPSTREAM = (
    Entry("updateTopic", "Update or create topic", "topics_changed"),
    Entry("deleteTopic", "Delete topic from broker and NameServer.", "topics_changed"),
    Entry("updateSubGroup", "Update or create subscription group", "groups"),
    Entry("deleteSubGroup", "Delete subscription group from broker.", "groups"),
    Entry("updateBrokerConfig", "Update broker's config", "broker_config"),
    Entry("updateTopicPerm", "Update topic perm", "topics_changed"),
    Entry("topicRoute", "Examine topic route info", "topics"),
    Entry("topicStatus", "Examine topic Status info", "topics"),
    Entry("topicClusterList", "get cluster info for topic", "topics"),
    Entry("brokerStatus", "Fetch broker runtime status data", "brokers"),
    Entry("queryMsgById", "Query Message by Id", "message_queries"),
    Entry("queryMsgByKey", "Query Message by Key", "message_queries"),
    Entry("queryMsgByUniqueKey", "Query Message by Unique key", "message_queries"),
    Entry("queryMsgByOffset", "Query Message by offset", "message_queries"),
    Entry("printMsg", "Print Message Detail", "message_print"),
    Entry("printMsgByQueue", "Print Message Detail", "message_print"),
    Entry("sendMsgStatus", "send msg to broker.", "send_times"),
    Entry("brokerConsumeStats", "Fetch broker consume stats data", "brokers"),
    Entry("producerConnection", "Query producer's socket connection and client version", "connections"),
    Entry("consumerConnection", "Query consumer's socket connection, client version and subscription", "connections"),
    Entry("consumerProgress", "Query consumers's progress, speed", "consumers"),
    Entry("consumerStatus", "Query consumer's internal data structure", "connections"),
    Entry("cloneGroupOffset", "clone offset from other group.", "offsets"),
    Entry("clusterList", "List all of clusters", "clusters"),
    Entry("topicList", "Fetch all topic list from name server", "topics"),
    Entry("updateKvConfig", "Create or update KV config.", "name_servers"),
    Entry("deleteKvConfig", "Delete KV config.", "name_servers"),
    Entry("wipeWritePerm", "Wipe write perm of broker in all name server", "name_servers"),
    Entry("resetOffsetByTime", "Reset consumer offset by timestamp(without client restart).", "offsets"),
    Entry("updateOrderConf", "Create or update or delete order conf", "order_conf"),
    Entry("cleanExpiredCQ", "Clean expired ConsumeQueue on broker.", "cleaning"),
    Entry("cleanUnusedTopic", "Clean unused topic on broker.", "cleaning"),
    Entry("startMonitoring", "Start Monitoring", "monitoring"),
    Entry("statsAll", "Topic and Consumer tps stats", "stats_all"),
    Entry("allocateMQ", "Allocate MQ", "allocation"),
    Entry("checkMsgSendRT", "check message send response time", "message_sends"),
    Entry("clusterRT", "List All clusters Message Send RT", "send_times"),
    Entry("getNamesrvConfig", "Get configs of name server.", "name_servers"),
    Entry("updateNamesrvConfig", "Update configs of name server.", "name_servers"),
    Entry("getBrokerConfig", "Get broker config by cluster or special broker!", "broker_config"),
    Entry("queryCq", "Query cq command.", "consume_queues"),
    Entry("sendMessage", "Send a message", "message_sends"),
    Entry("consumeMessage", "Consume message", "message_consume"),
    Entry("updateAclConfig", "Update acl config yaml file in broker", "access"),
    Entry("deleteAccessConfig", "Delete Acl Config Account in broker", "access"),
    Entry("clusterAclConfigVersion", "List all of acl config version information in cluster", "access"),
    Entry("updateGlobalWhiteAddr", "Update global white address for acl Config File in broker", "access"),
)
OWN: tuple[Entry, ...] = (  # what upstream has not; listed after the others
    Entry("doctor", "Say what will go wrong with a cluster, or with a server before its start", "doctor_command"),
)


def entries() -> dict[str, Entry]:
    """What is served, by lower-case name: names are taken in any case."""
    return {entry.name.lower(): entry for entry in (*UPSTREAM, *OWN) if entry.module}


def find(name: str) -> Entry | None:
    """The entry of a name in any case."""
    return entries().get(name.lower())


def nearest(name: str) -> str:
    """The command that is most like a name that none has; empty when there is none."""
    from rocketpy.config.apply import nearest as nearest_of  # only a wrong name pays for it

    return nearest_of(name, {entry.name for entry in entries().values()}, LIKENESS)


def listing() -> str:
    """What `mqadmin` alone prints."""
    lines = ["The most commonly used mqadmin commands are:"]
    lines += [f"   {entry.name:<20} {entry.description}" for entry in UPSTREAM if entry.module]
    if OWN:
        lines += ["", "Not in RocketMQ's mqadmin:", *(f"   {entry.name:<20} {entry.description}" for entry in OWN)]
    return "\n".join((*lines, "", "See 'mqadmin help <command>' for more information on a specific command.", ""))
