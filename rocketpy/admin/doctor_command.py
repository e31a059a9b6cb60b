"""doctor: what will go wrong with a running cluster, or with a server that is yet to be started.

Its exit code is what it found: 0 nothing, 1 warnings, 2 errors.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from rocketpy.admin.command import Command, CommandFailed, Given, Option, UsageMistake
from rocketpy.admin.items import Ends, Item, Said
from rocketpy.admin.session import NO_NAME_SERVER, Session
from rocketpy.doctor.doctor import examine_cluster, examine_start, summary, text
from rocketpy.doctor.facts import Limits
from rocketpy.doctor.finding import exit_code

LIMITS = {  # letter -> attribute of Limits, and the factor of its unit
    "l": ("lag", 1),
    "d": ("dead_letters", 1),
    "f": ("half_messages", 1),
    "m": ("clients", 1),
    "k": ("clock_skew_ms", 1000),
    "w": ("watch_ms", 1000),
    "o": ("timeout_ms", 1),
}
OPTIONS = (
    Option(
        "c",
        "configFile",
        "Examine the start of a broker with this properties file, not a running cluster",
        is_path=True,
    ),
    Option("s", "namesrvConfigFile", "Examine the start of a name server with this properties file", is_path=True),
    Option("t", "topic", "Topics that must have a route, eg: TopicA,TopicB", completes="topic"),
    Option("l", "lag", "Messages a group may be behind in a topic (10000)"),
    Option("d", "deadLetters", "Messages in a %DLQ% topic from which on it is told (1)"),
    Option("f", "halfMessages", "Half messages that may wait on a broker (1000)"),
    Option("m", "clients", "Consumers that one broker may hold (5000)"),
    Option("k", "clockSkew", "Seconds a broker's clock may be off (5)"),
    Option("w", "watch", "Seconds between two looks at groups that are behind, 0: look once (6)"),
    Option("o", "timeoutMillis", "Milliseconds each call may take (3000)"),
)


async def doctor(session: Session, given: Given) -> AsyncIterator[Item]:
    """Every finding with its remedy, the worst first, and one line about all."""
    if "c" in given and "s" in given:
        raise UsageMistake("-c examines a broker's start, -s a name server's: give one of them", show_usage=False)
    limits = limits_of(given)
    if "c" in given or "s" in given:
        found, looked = await examine_start(
            given.text("c" if "c" in given else "s"),
            is_broker="c" in given,
            namesrv_addr=given.maybe("n"),
            environment=session.environment,
            limits=limits,
        )
    else:
        if not session.name_servers:
            raise CommandFailed(NO_NAME_SERVER)
        found, looked = await examine_cluster(session.admin, session.name_servers, limits, tuple(given.words("t")))
    for finding in found:
        yield Said(text(finding), finding.as_json())
    yield Said(summary(found, looked) + "\n")
    yield Ends(exit_code(found))


def limits_of(given: Given) -> Limits:
    """The limits that were asked for."""
    limits = Limits()
    for letter, (name, factor) in LIMITS.items():
        if letter in given:
            setattr(limits, name, given.number(letter, least=0 if letter in "wk" else 1, most=2**31) * factor)
    return limits


COMMANDS = (Command("doctor", doctor, OPTIONS),)
