"""The command lines (cases.txt): every subcommand with its options, and what operators get wrong.

`{names}` are a world's (world.py), `{w}` a word of the tool's own for what it makes. What stands behind `=>` is a
pattern that upstream's tool on upstream's server must print: a case that shows nothing would prove nothing. Lines run
from top to bottom, each with all tools and servers before the next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

LINES = (Path(__file__).parent / "cases.txt").read_text()

LIMIT_S = 40
NOTHING = "(nothing)"
# Commands whose rows stand in an order of Java's hashes.
IN_ANY_ORDER = {
    "topiclist", "brokerstatus", "getbrokerconfig", "getnamesrvconfig", "consumerprogress", "statsall",
    "topicroute", "brokerconsumestats", "resetoffsetbytime", "printmsg", "consumemessage", "updatetopic",
    "updatesubgroup", "deletesubgroup", "allocatemq", "updatebrokerconfig", "clusteraclconfigversion",
    "updatetopicperm", "updateaclconfig", "deleteaccessconfig", "updateglobalwhiteaddr", "consumerstatus",
    "clusterlist", "clusterrt",
}
# Those that change nothing: asked again until a change before them is everywhere.
READS = {
    "topiclist", "topicroute", "topicstatus", "topicclusterlist", "clusterlist", "brokerstatus", "brokerconsumestats",
    "getbrokerconfig", "consumerprogress", "consumerconnection", "producerconnection", "consumerstatus",
    "statsall", "querymsgbykey", "querymsgbyuniquekey", "querymsgbyoffset", "printmsg", "printmsgbyqueue", "querycq",
    "consumemessage", "clusteraclconfigversion", "getnamesrvconfig",
}
# Those that go on until they are stopped, and what they print before.
ENDLESS = {
    "clusterList -i": r"(?s)(broker-b[^\n]*\n.*){2}",
    "clusterRT -a 3 -s 16 -i 1 -c NoCluster": "not exist",
    "clusterRT -a": r"(?s)(broker-a.*broker-b|broker-b.*broker-a)[^\n]*\n",
    "startMonitoring": "^",
}
# Figures of speed and size, and what is left to chance: the groups of these patterns are masked.
RATE = r"(\d+\.\d+)"
FIGURES = {
    "clusterlist": rf"^CompatCluster .*?{RATE}\(0,0ms\) +{RATE}\(0,0ms\) +(\d+) +{RATE} {RATE}",
    "brokerstatus": r"(?:Tps|Ratio|EntireTimeMax|DistributeTime|Capacity|AverageSize"
                    r"|runtime) *:( .*)",
    "getbrokerconfig": r"istenPort *=( .*)",
    "getnamesrvconfig": r"listenPort *=( .*)",
    "sendmsgstatus": r"rt:(\d+)ms|brokerName=(\S+), queueId=(\d+)|queueOffset=(\d+)",
    "clusterrt": r"^CompatCluster +broker-\w +(\d+\.\d+ +)|broker-\w\|(\d+)$",
    "checkmsgsendrt": rf"^broker-(\S) .*true +(\d+)$|^Avg RT: {RATE}",
    "consumerprogress": rf"^Consume TPS: {RATE}|(?:CLUSTERING|BROADCASTING) +(\d+) ",
    "statsall": rf" {RATE}(?: +{RATE} +(\d+) +(\d+)$| +(\d+) +NO_CONSUMER$)",
    "querymsgbyid": r"spentTimeMills=(\d+)|brokerName=(\S+), queueId=(\d+)|queueOffset=(\d+)",
    "querymsgbyuniquekey": r"spentTimeMills=(\d+)",
    "cleanunusedtopic": r"timeout, (\d+)\(ms\)",
    "consumemessage": r"commitLogOffset=(\d+)",
    "clusteraclconfigversion": r"^CompatCluster +broker-\S +<[ab]> +(\d+)",
    "wipewriteperm": r"OK, ([1-9]\d*)",
    "consumerstatus": r"(?:RT|TPS|Count).*?(\d+\.\d+)",
}
# Of some command lines more is left to chance: which queue is sent to, which rows there are.
CHANCE = {
    "statsAll -a -n {ns}": r"^(?!#)(.*)$",
    "resetOffsetByTime -g CG_lagging -t Lagged -s 0 -n {ns}": r"^broker-\S +\d +\d +(\d)",
    "sendMessage -t Sorted_{w} -p hello -k key -c Tag -n {ns}": r"^broker-(\S) +(\d)",
}


@dataclass(frozen=True)
class Case:
    line: str
    shows: str

    @property
    def command(self) -> str:
        """The subcommand's name in small letters: mqadmin takes any."""
        return self.line.split()[0].lower()

    @property
    def is_read(self) -> bool:
        return self.command in READS

    @property
    def figures(self) -> str:
        return CHANCE.get(self.line) or FIGURES.get(self.command, "")

    @property
    def enough(self) -> str:
        """A pattern of the output at which a command that does not end is stopped."""
        return next((enough for begin, enough in ENDLESS.items() if self.line.startswith(begin)), "")

    @property
    def rounds(self) -> bool:
        """Whether it prints the same again and again, or rows of chance."""
        return bool(self.enough) or self.line in CHANCE

    @property
    def in_any_order(self) -> bool:
        return self.command in IN_ANY_ORDER

    def words(self, names: dict[str, str], tool: str) -> list[str]:
        """One argument each."""
        if self.line == NOTHING:
            return []
        return [word.format(**names, w=tool) for word in self.line.split()]

    def is_shown(self, lines: list[str]) -> bool:
        return bool(re.search(self.shows, "\n".join(lines), re.MULTILINE))


CASES = [Case(*(part.strip() for part in line.split("=>", 1))) for line in LINES.strip().splitlines()]
