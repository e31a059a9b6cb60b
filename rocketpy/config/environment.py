"""What defaults depend on besides the table: environment variables, system properties, cores, home and host name.

It is read once at start; a test gives its own.
"""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rocketpy.advertised_address import choose_address
from rocketpy.errors import StartRefused

OPTION_VARIABLES = ("JAVA_OPT", "JAVA_OPT_EXT")
ACTING_PROPERTIES = {  # system properties that something here reads
    "user.home": "base of `~/store`, `~/namesrv` and `~/logs`",
    "rocketmq.home.dir": "as `ROCKETMQ_HOME`, and before it",
    "rocketmq.namesrv.addr": "as `NAMESRV_ADDR`, and before it",
    "rocketmq.namesrv.domain": "the address server's host, jmenv.tbsite.net; without a port, that is 8080",
    "rocketmq.namesrv.domain.subgroup": "the list asked of the address server, nsaddr",
    "rocketmq.serialize.type": "as `ROCKETMQ_SERIALIZE_TYPE`, and before it",
    "rocketmq.log.root": "as `ROCKETMQ_LOG_ROOT`, and before it",
    "rocketmq.log.stdout": "as `ROCKETMQ_LOG_STDOUT`, and before it: `true` logs to stdout and makes no files",
    "rocketmq.log.level": "as `ROCKETMQ_LOG_LEVEL`, and before it: DEBUG, INFO, WARN or ERROR; INFO",
    "com.rocketmq.remoting.frameMaxLength": "the longest frame taken, bytes; 16777216",
    "rocketmq.broker.diskSpaceWarningLevelRatio": "used part of the disk at which sends are refused, 0.90; "
    "also `ROCKETMQ_BROKER_DISK_SPACE_WARNING_LEVEL_RATIO`",
    "rocketmq.broker.diskSpaceCleanForciblyRatio": "used part of the disk at which files go before their time, 0.85; "
    "also `ROCKETMQ_BROKER_DISK_SPACE_CLEAN_FORCIBLY_RATIO`",
    "rocketmq.acl.plain.file": "the rules of access control, a path below `ROCKETMQ_HOME`; /conf/plain_acl.yml",
    "tls.enable": "whether a broker speaks TLS to its name servers; all other `tls.` settings: docs/tls.md",
    "rocketmq.broker.rebalance.lockMaxLiveTime": "ms after which a silent orderly consumer loses its queues, 60000",
}


@dataclass(frozen=True)
class Environment:
    """The process's surroundings as settings see them."""

    variables: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    cores: int = field(default_factory=lambda: _cores())

    @property
    def system_properties(self) -> dict[str, str]:
        """The `-Dname=value` pairs of JAVA_OPT and JAVA_OPT_EXT: what upstream's scripts hand to the JVM."""
        found: dict[str, str] = {}
        for word in self.java_options:
            if word.startswith("-D") and len(word) > 2:
                name, _, value = word[2:].partition("=")
                found[name] = value
        return found

    @property
    def java_options(self) -> list[str]:
        """The words of JAVA_OPT and JAVA_OPT_EXT."""
        return [word for name in OPTION_VARIABLES for word in _words(self.variables.get(name, ""))]

    @property
    def idle_options(self) -> list[str]:
        """Words of JAVA_OPT and JAVA_OPT_EXT that nothing here reads."""
        return [
            word
            for word in self.java_options
            if word[:2] != "-D" or not _acts(word[2:].partition("=")[0])
        ]

    def lookup(self, system_property: str, variable: str) -> str | None:
        """A system property, else an environment variable, else None; an empty variable counts as unset."""
        return self.system_properties.get(system_property) or self.variables.get(variable) or None

    def number(self, system_property: str, default: int) -> int:
        """A system property as a number; the default where it is absent or no number."""
        try:
            return int(self.system_properties[system_property])
        except (KeyError, ValueError):
            return default

    @property
    def namesrv_addr(self) -> str | None:
        """The name servers that the surroundings name."""
        return self.lookup("rocketmq.namesrv.addr", "NAMESRV_ADDR")

    @property
    def serialize_type(self) -> str:
        """What this process sends headers in: JSON, or ROCKETMQ when asked for."""
        asked = self.lookup("rocketmq.serialize.type", "ROCKETMQ_SERIALIZE_TYPE")
        return "ROCKETMQ" if asked == "ROCKETMQ" else "JSON"

    @property
    def tls_enable(self) -> bool | None:
        """Whether this process's own connections speak TLS, where the surroundings say so."""
        asked = self.system_properties.get("tls.enable")
        return None if asked is None else asked.lower() == "true"

    @property
    def home(self) -> str:
        """Java's `user.home`: the base of ~/store, ~/namesrv and ~/logs. StartRefused where there is none."""
        given = self.system_properties.get("user.home") or self.variables.get("HOME")
        if given:
            return given
        try:
            return str(Path.home())
        except RuntimeError:  # a container's user that is a mere number
            remedy = "set HOME, or -Duser.home in JAVA_OPT_EXT; logs and store go there"
            raise StartRefused(f"uid {os.getuid()} has no home folder: {remedy}") from None

    @property
    def host_name(self) -> str:
        return socket.gethostname() or "DEFAULT_BROKER"

    @property
    def address(self) -> str:
        """The address advertised when the file gives none."""
        return choose_address().address


def _acts(name: str) -> bool:
    return name in ACTING_PROPERTIES or name.startswith("tls.")  # an unknown one of those is told by config/tls.py


def _words(text: str) -> list[str]:
    if not ("'" in text or '"' in text or "\\" in text):
        return text.split()
    import shlex  # only quotes need it

    try:
        return shlex.split(text)
    except ValueError:  # an unpaired quote: the JVM would see the words as the shell splits them
        return text.split()


def _cores() -> int:
    return len(os.sched_getaffinity(0))
