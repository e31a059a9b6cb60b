"""What will go wrong when a server is started with its properties file."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from rocketpy.doctor.finding import Finding, error, info, warning
from rocketpy.doctor.start_facts import Folder, StartFacts

OPEN_FILES = 65_535         # what upstream's os.sh asks for is 655350
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "9p", "afs", "ceph", "glusterfs")


def the_start_is_not_refused(facts: StartFacts) -> Iterator[Finding]:
    """The start's own checks, in their own words."""
    for refusal in dict.fromkeys(facts.refusals):
        what, remedy = parted(refusal)
        yield error("start-refused", facts.path, what, remedy)


def parted(line: str) -> tuple[str, str]:
    """What and remedy of a refusal, which has them in one line."""
    for mark in ("; ", ": "):
        what, found, remedy = line.rpartition(mark)
        if found:
            return what, remedy
    return line, "correct the file"


def the_file_is_in_force(facts: StartFacts) -> Iterator[Finding]:
    """Keys that are none, values that are not what is in force."""
    for remark in facts.remarks:
        what, found, near = remark.text.partition("; the nearest one is ")
        subject = f"{remark.file}:{remark.line}"
        if remark.quiet or remark.level < logging.WARNING:
            yield info("read-as-meant", subject, what, "nothing, or write what is in force")
        else:
            remedy = f"write {near}, if that is meant" if found else "correct the line, or take it out"
            yield warning("not-in-force", subject, what, remedy)


def options_act(facts: StartFacts) -> Iterator[Finding]:
    """Heap and GC options of JAVA_OPT."""
    if facts.idle_options:
        what = f"no JVM runs here: {' '.join(facts.idle_options)} of JAVA_OPT have no effect"
        yield info("java-options", "environment", what, "take them out")


def the_address_is_for_all(facts: StartFacts) -> Iterator[Finding]:
    """What the name servers will give to clients."""
    if facts.address is None:
        return
    reason = f" ({facts.address.reason})" if facts.address.reason else ""
    if facts.address.warning:
        what, _, remedy = facts.address.warning.partition("; ")
        yield warning("broker-address", facts.path, what + reason, remedy)
    elif facts.address.is_foreign:
        what = f"brokerIP1 {facts.address.address} is no address of this host{reason}"
        remedy = "nothing where it is translated to this host, as with a container's published ports; else correct it"
        yield info("broker-address", facts.path, what, remedy)


def the_store_is_free(facts: StartFacts) -> Iterator[Finding]:
    """One broker a store."""
    if facts.lock_holder:
        what = f"its store is in use {facts.lock_holder}"
        remedy = "stop that broker (mqshutdown broker), or set storePathRootDir and storePathCommitLog to others"
        yield error("store-locked", facts.path, what, remedy)
    elif facts.was_killed:
        what = "the last broker on this store did not stop cleanly"
        yield info("was-killed", facts.path, what, "nothing: the start recovers it, which takes longer")


def disks_are_fit(facts: StartFacts) -> Iterator[Finding]:
    """Room, and what kind of disk it is."""
    for folder in facts.folders:
        yield from _room(facts, folder)
        yield from _kind(folder)


def _room(facts: StartFacts, folder: Folder) -> Iterator[Finding]:
    subject = f"{folder.setting} {folder.path}"
    levels = facts.disk_levels
    if folder.used >= levels.warning:
        what = f"its disk is {folder.used:.0%} full: from {levels.warning:.0%} on sends are refused"
        yield error("disk-full", subject, what, "make room, or set another path")
    elif folder.used >= levels.clean_forcibly and facts.is_broker:
        what = f"its disk is {folder.used:.0%} full: from {levels.clean_forcibly:.0%} on files go before their time"
        yield error("disk-full", subject, what, "make room, or set another path")
    elif folder.used >= facts.disk_max_used and facts.is_broker:
        what = f"its disk is {folder.used:.0%} full: beyond diskMaxUsedSpaceRatio={facts.disk_max_used * 100:.0f} "
        yield warning("disk-nearly-full", subject, what + "expired files go at every hour", "make room")
    if folder.free < facts.needed:
        what = f"its disk has {folder.free >> 20} MiB free, the commit log's next files take {facts.needed >> 20} MiB"
        yield warning("no-room", subject, what, "make room, or set mappedFileSizeCommitLog lower for a new store")


def _kind(folder: Folder) -> Iterator[Finding]:
    subject, kind = f"{folder.setting} {folder.path}", folder.file_system
    if kind in REMOTE or kind.startswith("fuse"):
        what = f"is on {kind}, a disk of another host: its lock and its mapped files are not what a store needs"
        yield warning("file-system", subject, what, "use a local disk")
    elif kind in ("tmpfs", "ramfs"):
        what = f"is on {kind}, in memory: messages are gone with the host"
        yield warning("file-system", subject, what, "use a disk, unless this is a test")
    elif kind == "overlay":
        what = "is in a container's own layer: messages are gone with the container"
        yield warning("file-system", subject, what, "mount a volume there")


def the_system_allows_enough(facts: StartFacts) -> Iterator[Finding]:
    """A broker holds a file a queue and a socket a client, and a map a file."""
    if 0 < facts.open_files < OPEN_FILES:
        what = f"at most {facts.open_files} open files are allowed to this user"
        remedy = f"raise it to {OPEN_FILES} or more: LimitNOFILE of the unit, or nofile in /etc/security/limits.conf"
        yield warning("open-files", "ulimit -n", what, remedy)
    if facts.max_map_count and facts.store_files * 2 > facts.max_map_count:
        what = f"{facts.max_map_count} maps are allowed to a process, and the store has {facts.store_files} files"
        yield warning("map-count", "vm.max_map_count", what, "sysctl -w vm.max_map_count=655360")


def name_servers_answer(facts: StartFacts) -> Iterator[Finding]:
    """Where the broker will register."""
    if facts.address is None:  # no broker, or a file that cannot be read
        return
    if facts.name_servers is None:
        what = "no name server is given (namesrvAddr, -n, NAMESRV_ADDR): clients will not find this broker"
        yield warning("no-namesrv", facts.path, what, "set namesrvAddr=host:9876;host:9876")
    for server in facts.name_servers or ():
        if server.fault:
            remedy = "start it, or correct namesrvAddr"
            yield warning("namesrv-unreachable", f"name server {server.address}", server.fault, remedy)


def the_name_is_free(facts: StartFacts) -> Iterator[Finding]:
    """A broker of this name and id that is registered already, elsewhere."""
    if facts.address is None or facts.lock_holder:
        return
    name, broker_id = facts.name
    here = f"{facts.address.address}:{facts.port}"
    for server in facts.name_servers or ():
        data = server.cluster.broker_addr_table.get(name)
        there = data.broker_addrs.get(broker_id, here) if data else here
        if there != here:
            what = f"{name}:{broker_id} is registered with name server {server.address} already, at {there}"
            remedy = "give this one another brokerName; or nothing, if it takes the other's place"
            yield error("broker-clash", facts.path, what, remedy)


CHECKS = (
    the_start_is_not_refused,
    the_file_is_in_force,
    options_act,
    the_address_is_for_all,
    the_store_is_free,
    disks_are_fit,
    the_system_allows_enough,
    name_servers_answer,
    the_name_is_free,
)
