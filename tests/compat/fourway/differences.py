"""What may differ from upstream's tool on upstream's server: where, in which lines, and why; an unused row fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from oracle.transcript import OWN_SETTINGS

from fourway.cases import Case


def side(tool: str, server: str) -> str:
    """A side's name."""
    return " on ".join(("upstream's tool" if tool == "upstream" else "RocketPy's tool",
                        "upstream" if server == "upstream" else "RocketPy"))


BASELINE = side("upstream", "upstream")
OTHERS = (side("upstream", "rocketpy"), side("rocketpy", "rocketpy"), side("rocketpy", "upstream"))
SERVER, TOOL = OTHERS[:2], OTHERS[1:]


@dataclass(frozen=True)
class Differs:
    """`cases` is a pattern of command lines, `lines` one of every line that is more (+) or less (-) there."""

    why: str
    cases: str
    sides: tuple[str, ...]
    lines: str

    def explains(self, case: Case, where: str, difference: list[str]) -> bool:
        return (where in self.sides and re.match(self.cases, case.line) is not None
                and all(re.match(self.lines, line) for line in difference))


DID_NOT_FAIL = "~ did not fail"
SUCCESS = "- (update (broker|name server) config success|(clusterTest|kvConfigPath) : )"
REFUSED = "[+] ! (?!.*CODE: )|[+] ! .*CODE: "
ROWS = [
    Differs("what fails is told in one line with the remedy; upstream's is an exception", "", TOOL, "[-+] ! "),
    Differs("settings that upstream does not have", "get(Broker|Namesrv)Config", SERVER,
            rf"\+ ({'|'.join(sorted(OWN_SETTINGS))}) +="),
    Differs("the time of the first message is told from the first message on; upstream reads twice maxMessageSize "
            "(8 MiB) from there, and -1 until the log has them", "brokerStatus", SERVER,
            "[-+] (<[ab]> +)?earliestMessageTimeStamp "),
    Differs("the tool asks a name server in place of a broker, which has no such code: refused at once, where upstream "
            "leaves the tool waiting", "cleanUnusedTopic -n", SERVER, "[-+] ! "),
    Differs("a name that is no setting is refused with code 1; upstream drops it without a word",
            "update(Broker|Namesrv)Config .*-k noSuchKey", SERVER, "[-+~] "),
    Differs("a value that is none is refused by its name with code 1; upstream answers with success and drops it, or "
            "takes any word for false",
            "update(Broker|Namesrv)Config .*-v (many|read|maybe)|getBrokerConfig -n {ns} -b {b}", SERVER,
            rf"{SUCCESS}|{REFUSED}1  DESC: (maxTransferCountOnMessageInMemory: many is not a number|brokerPermission: "
            "read is not a number|(traceOn|clusterTest): maybe is neither true nor false)$|[-+] traceOn +="),
    Differs("a path cannot be changed from afar: refused with code 16; upstream writes there from then on",
            "update(Broker|Namesrv)Config .*-v {elsewhere}|getBrokerConfig -n {ns} -b {a}", SERVER,
            rf"{SUCCESS}|{REFUSED}16  DESC: (storePathRootDir|kvConfigPath) can not be updated from afar, it is a path"
            "|[-+] storePathRootDir +="),
    Differs("the entries of a consume queue are answered; upstream encodes the answer before it has read them",
            "queryCq", SERVER, "[-+] (max: |[^!])"),
    Differs("an account without a secret key is refused; upstream writes it, and cannot read its file any more",
            "updateAclConfig -b {a} -a new_{w}", SERVER, "[-+] "),
    Differs("no secret stands in an answer", "updateAclConfig -b {a} -a tiny_{w}", SERVER,
            r".*The secretKey=(tiny|\*+) "),
    Differs("a command of its own", r"\(nothing\)", TOOL, r"\+ (Not in RocketMQ's|   doctor |$)"),
    Differs("a cluster that is not there ends the command; upstream's tool goes on as if it were, and deletes from the "
            "name server", ".* -c NoCluster", TOOL, "[-+] "),
    Differs("a topic's permission is not compared when no broker is named",
            "updateTopicPerm -t Made_{w} -p 6", TOOL, "[-+] "),
    Differs("an order that is not there yet is no failure", "updateTopic .*-o true", TOOL, DID_NOT_FAIL),
    Differs("the cluster's brokers are cleaned; upstream's tool takes the name of a cluster for an address",
            "cleanUnusedTopic -[cn]", TOOL, rf"\+ success|{DID_NOT_FAIL}"),
    Differs("an account is printed, without its secret key; upstream's tool prints an object's address",
            "updateAclConfig", TOOL, "[-+] (org.apache.rocketmq.common.PlainAccessConfig@|PlainAccessConfig )"),
]


def unexplained(case: Case, where: str, difference: list[str], used: set[Differs]) -> list[str]:
    """The lines that no row explains; the rows that do are noted in `used`."""
    for row in ROWS:
        mine = [line for line in difference if row.explains(case, where, [line])]
        if mine:
            used.add(row)
            difference = [line for line in difference if line not in mine]
    return difference


@dataclass(frozen=True)
class CallDiffers:
    """A method of DefaultMQAdminExt that comes to something else: `holds` for both outcomes, and nothing more."""

    why: str
    method: str
    holds: Callable[[Any, Any], bool]

    def explains(self, method: str, arguments: list[Any], theirs: Any, ours: Any) -> bool:
        return method.startswith(self.method) and theirs != ours and self.holds(theirs, ours)


CALL_ROWS = [
    CallDiffers("names with characters that no official client lets pass are refused", "createTopic(",
                lambda theirs, ours: theirs["code"] == 0 and ours["error"].startswith("create new topic failed")),
    CallDiffers("nobody is online: said so, where upstream has a null pointer", "getConsumeStatus(",
                lambda theirs, ours: "NullPointer" in theirs["error"] and "No Any Consumer online" in ours["error"]),
    CallDiffers("the entries of a consume queue are answered; upstream encodes the answer before it has read them",
                "queryConsumeQueue(", lambda theirs, ours: theirs["result"] == {"maxQueueIndex": 0, "minQueueIndex": 0}
                and len(ours["result"]["queueData"]) == 2),
    CallDiffers("only half messages are resumed", "resumeCheckHalfMessage(",
                lambda theirs, ours: (theirs["result"], ours["result"]) == (True, False)),
]
