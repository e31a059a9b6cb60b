"""One examination: gather, check, and say how it is."""

from __future__ import annotations

from rocketpy.client.calls import Calls
from rocketpy.config.environment import Environment
from rocketpy.doctor import check_brokers, check_groups, check_reach, check_start, check_topics
from rocketpy.doctor.collect import collect
from rocketpy.doctor.facts import ClusterFacts, Limits
from rocketpy.doctor.finding import Finding, Severity, findings
from rocketpy.doctor.start_facts import StartFacts, broker_start, namesrv_start

CLUSTER_CHECKS = (*check_reach.CHECKS, *check_brokers.CHECKS, *check_topics.CHECKS, *check_groups.CHECKS)


async def examine_cluster(
    calls: Calls, name_servers: list[str], limits: Limits, topics: tuple[str, ...] = ()
) -> tuple[list[Finding], str]:
    """What is wrong with a running cluster, and what was looked at."""
    facts = await collect(calls, name_servers, limits, topics)
    return findings(CLUSTER_CHECKS, facts), looked_at(facts)


async def examine_start(
    path: str, *, is_broker: bool, namesrv_addr: str | None, environment: Environment, limits: Limits
) -> tuple[list[Finding], str]:
    """What will go wrong when a broker, or a name server, is started with a file."""
    facts: StartFacts
    if is_broker:
        facts = await broker_start(path, namesrv_addr, environment, limits)
    else:
        facts = namesrv_start(path, environment)
    return findings(check_start.CHECKS, facts), f"the start of a {'broker' if is_broker else 'name server'} with {path}"


def looked_at(facts: ClusterFacts) -> str:
    """`2 name servers, 4 brokers, 30 topics, 12 groups`."""
    topics = {topic for broker in facts.told for topic in broker.topics}
    groups = {group for broker in facts.told for group in broker.groups}
    counts = {
        "name server": len(facts.name_servers),
        "broker": len(facts.brokers),
        "topic": len(topics),
        "group": len(groups),
    }
    return ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for what, count in counts.items())


def summary(found: list[Finding], looked: str) -> str:
    """The last line."""
    count = {each: sum(finding.severity is each for finding in found) for each in Severity}
    if not count[Severity.ERROR] and not count[Severity.WARNING]:
        return f"nothing is wrong with {looked}"
    words = [(count[Severity.ERROR], "error"), (count[Severity.WARNING], "warning")]
    told = " and ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in words if n)
    return f"{told} in {looked}"


def text(finding: Finding) -> str:
    """A finding as two lines."""
    return f"{finding.severity.name:<7} {finding.subject}: {finding.what}\n        -> {finding.remedy}\n"
