"""Can servers be reached, and are they who the name servers say they are?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from rocketpy.doctor.facts import BrokerFacts, ClusterFacts
from rocketpy.doctor.finding import Finding, error, info, warning

LOOPBACK = ("127.", "localhost:", "[::1]:")
FIREWALL = "start it (anew), correct the address, or open the port in the firewall"


def name_servers_answer(facts: ClusterFacts) -> Iterator[Finding]:
    """Each name server of the list is one that clients will try."""
    for server in facts.name_servers:
        if server.fault:
            remedy = "start it, or correct or shorten the list of name servers"
            yield error("namesrv-unreachable", f"name server {server.address}", server.fault, remedy)


def brokers_are_known(facts: ClusterFacts) -> Iterator[Finding]:
    """A name server without brokers answers every client `No route info of this topic`."""
    for server in facts.answering:
        if not server.cluster.broker_addr_table:
            remedy = f"start a broker with namesrvAddr={server.address}, and look into its log for `register broker`"
            yield error("no-broker", f"name server {server.address}", "no broker is registered with it", remedy)


def brokers_are_known_everywhere(facts: ClusterFacts) -> Iterator[Finding]:
    """Clients keep to one name server: what that one does not know is not there for them."""
    servers = [server for server in facts.answering if server.cluster.broker_addr_table]
    for broker in facts.brokers:
        missing = [each.address for each in servers if broker.name not in each.cluster.broker_addr_table]
        if missing:
            what = f"is not registered with name server {', '.join(missing)}"
            remedy = "put every name server into its namesrvAddr, and see that it reaches them"
            yield warning("registered-with-some", broker.subject, what, remedy)


def ids_are_unique(facts: ClusterFacts) -> Iterator[Finding]:
    """Two brokers with one name and id take turns in the routes; half of what is sent seems to vanish."""
    addresses: dict[tuple[str, int], list[str]] = defaultdict(list)
    for broker in facts.brokers:
        addresses[broker.name, broker.broker_id].append(broker.address)
    for (name, broker_id), found in addresses.items():
        if len(found) > 1:
            what = f"is registered at {' and '.join(sorted(found))}"
            remedy = "give each master a brokerName of its own, and each slave a brokerId of its own"
            yield error("broker-clash", f"broker {name}:{broker_id}", what, remedy)


def addresses_are_unique(facts: ClusterFacts) -> Iterator[Finding]:
    """Two names at one address: containers, or hosts, that advertise what only they themselves can reach."""
    names: dict[str, set[str]] = defaultdict(set)
    for broker in facts.brokers:
        names[broker.address].add(f"{broker.name}:{broker.broker_id}")
    for address, found in names.items():
        if len(found) > 1:
            what = f"is advertised by {' and '.join(sorted(found))}"
            remedy = "set brokerIP1 of each to the address that clients reach it at"
            yield error("address-clash", f"address {address}", what, remedy)


def brokers_are_who_they_should_be(facts: ClusterFacts) -> Iterator[Finding]:
    """Who answers at a registered address may be another broker."""
    for broker in facts.told:
        name = broker.config.get("brokerName", broker.name)
        broker_id = broker.config.get("brokerId", str(broker.broker_id))
        if (name, broker_id) != (broker.name, str(broker.broker_id)):
            what = f"the broker that answers there is {name}:{broker_id}"
            remedy = "set brokerIP1 of both to addresses of their own, and start the one anew that is missing"
            yield error("another-broker", broker.subject, what, remedy)


def brokers_answer(facts: ClusterFacts) -> Iterator[Finding]:
    """An address that the name servers give to clients, and nobody answers."""
    for broker in facts.brokers:
        if broker.fault:
            what = f"{broker.fault} ({broker.doubt})" if broker.doubt else broker.fault
            remedy = f"set brokerIP1 to an address that clients reach; else {FIREWALL}" if broker.doubt else FIREWALL
            yield error("broker-unreachable", broker.subject, what, remedy)


def addresses_are_for_all(facts: ClusterFacts) -> Iterator[Finding]:
    """It answers here, which says little when it is this host's own address; a trial on one host means it so."""
    is_trial = all(server.address.startswith(LOOPBACK) for server in facts.name_servers)
    for broker in facts.told:
        if broker.doubt:
            remedy = "set brokerIP1 in its properties file to an address that clients reach"
            is_meant = is_trial and broker.address.startswith(LOOPBACK)
            yield (info if is_meant else warning)("broker-address", broker.subject, broker.doubt, remedy)


def side_ports_are_open(facts: ClusterFacts) -> Iterator[Finding]:
    """The VIP port is for sends of clients before 4.5.1, the HA port for slaves."""
    for broker in facts.told:
        vip, ha = broker.closed_ports.get("VIP"), broker.closed_ports.get("HA")
        if vip:
            remedy = "open it, or set com.rocketmq.sendMessageWithVIPChannel=false in clients before 4.5.1"
            yield warning("vip-port", broker.subject, f"VIP {vip}", remedy)
        if ha and broker.is_master and has_slaves(facts, broker):
            yield error("ha-port", broker.subject, f"HA {ha}: its slaves get no messages", FIREWALL)


def has_slaves(facts: ClusterFacts, master: BrokerFacts) -> bool:
    """Whether slaves are registered under its name."""
    return any(broker.name == master.name and not broker.is_master for broker in facts.brokers)


def sets_have_masters(facts: ClusterFacts) -> Iterator[Finding]:
    """Slaves serve reads only."""
    masters = {broker.name for broker in facts.brokers if broker.is_master}
    for name in sorted({broker.name for broker in facts.brokers} - masters):
        remedy = "start its master (brokerId=0)"
        yield error("no-master", f"broker {name}", "only slaves are registered: nothing can be sent to it", remedy)


def synchronous_masters_have_slaves(facts: ClusterFacts) -> Iterator[Finding]:
    """A SYNC_MASTER alone answers each send SLAVE_NOT_AVAILABLE."""
    for broker in facts.masters:
        if broker.config.get("brokerRole") == "SYNC_MASTER" and not has_slaves(facts, broker):
            what = "is a SYNC_MASTER without a slave: sends are stored and answered SLAVE_NOT_AVAILABLE"
            yield warning("no-slave", broker.subject, what, "start its slave, or set brokerRole=ASYNC_MASTER")


def everything_was_asked(facts: ClusterFacts) -> Iterator[Finding]:
    """What a finding could be missing for."""
    for broker in facts.told:
        for what, why in sorted(broker.untold.items()):
            denied = "code 1:" in why and ("ccess" in why or "ermission" in why)
            remedy = "give an admin's accessKey and secretKey in conf/tools.yml" if denied else "ask it again later"
            yield warning("untold", broker.subject, f"{what}: {why}", remedy)
    for line in facts.left_out:
        yield info("left-out", "the whole", line, "look at them with consumerProgress and topicStatus")


CHECKS = (
    name_servers_answer,
    brokers_are_known,
    brokers_are_known_everywhere,
    ids_are_unique,
    addresses_are_unique,
    brokers_are_who_they_should_be,
    brokers_answer,
    addresses_are_for_all,
    side_ports_are_open,
    sets_have_masters,
    synchronous_masters_have_slaves,
    everything_was_asked,
)
