"""Is each broker well: its clock, its disk, its load, what it may do, and its configuration?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rocketpy.config import BrokerConfig, MessageStoreConfig, NettyClientConfig, NettyServerConfig
from rocketpy.config.apply import nearest
from rocketpy.config.old_keys import DERIVED_PATHS, READ_AT_START, SPELLINGS, WITHOUT_EFFECT
from rocketpy.doctor.facts import BrokerFacts, ClusterFacts
from rocketpy.doctor.finding import Finding, error, warning
from rocketpy.protocol.mqversion import CURRENT_VERSION
from rocketpy.protocol.perm import READ, WRITE
from rocketpy.store.clean import DiskLevels

RUNTIME = re.compile(r"\[ ?(\d[\d,.]{,15}) days, (\d{1,2}) hours, (\d{1,2}) minutes, (\d{1,2}) seconds ?\]")
HEAD_WAIT = "sendThreadPoolQueueHeadWaitTimeMills"
FORCIBLY, REFUSED = DiskLevels.clean_forcibly, DiskLevels.warning     # the defaults: brokers do not tell theirs
DISPATCH_BEHIND_BYTES = 64 << 20
TABLES = (BrokerConfig, NettyServerConfig, NettyClientConfig, MessageStoreConfig)


def clocks_agree(facts: ClusterFacts) -> Iterator[Finding]:
    """Delayed messages, offsets by time and expiry go by the broker's clock, lags and traces by the clients'."""
    for broker in facts.told:
        skew_ms = clock_skew_ms(broker)
        if abs(skew_ms) > facts.limits.clock_skew_ms:
            way = "ahead of" if skew_ms > 0 else "behind"
            what = f"its clock is {abs(skew_ms) / 1000:.0f} s {way} this host's"
            yield warning("clock-skew", broker.subject, what, "set both by NTP (chrony, systemd-timesyncd)")


def clock_skew_ms(broker: BrokerFacts) -> int:
    """How far its clock is from ours at least; it tells its start and its whole seconds since."""
    found = RUNTIME.search(broker.runtime.get("runtime", ""))
    boot_ms = broker.number("bootTimestamp")
    if found is None or not boot_ms:
        return 0
    days, hours, minutes, seconds = (int(re.sub(r"\D", "", part)) for part in found.groups())
    earliest = int(boot_ms) + (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
    before_ms, after_ms = broker.asked_ms
    if earliest > after_ms:
        return earliest - after_ms
    return min(earliest + 1000 - before_ms, 0)


def disks_have_room(facts: ClusterFacts) -> Iterator[Finding]:
    """Beyond 85 % files go before their time, beyond 90 % sends are refused (`maybe disk full`)."""
    for broker in facts.told:
        allowed = broker.number("diskMaxUsedSpaceRatio", 75) / 100
        ratio, what = max((broker.number(key), key) for key in ("commitLogDiskRatio", "consumeQueueDiskRatio"))
        told = f"{what} {ratio:.3f}"
        remedy = "make room, add a disk, or lower fileReservedTime"
        if ratio >= REFUSED:
            yield error("disk-full", broker.subject, f"{told}: from {REFUSED} on sends are refused", remedy)
        elif ratio >= FORCIBLY:
            what = f"{told}: from {FORCIBLY} on files are removed before fileReservedTime, consumed or not"
            yield error("disk-full", broker.subject, what, remedy)
        elif ratio >= allowed:
            what = f"{told}: beyond diskMaxUsedSpaceRatio={allowed * 100:.0f} expired files go at every hour"
            yield warning("disk-nearly-full", broker.subject, what, remedy)
        if broker.number("commitLogDiskRatio") < 0 < broker.number("commitLogMaxOffset"):  # else it has no file yet
            remedy = "make storePathRootDir and storePathCommitLog readable for it"
            yield error("disk-unknown", broker.subject, "cannot look at the disk of its store", remedy)


def brokers_keep_up(facts: ClusterFacts) -> Iterator[Finding]:
    """What precedes `broker busy` and `system busy`."""
    for broker in facts.told:
        waited, allowed = broker.number(HEAD_WAIT), broker.number("waitTimeMillsInSendQueue", 200)
        if waited >= allowed:
            what = f"a send has waited {waited:.0f} ms; from waitTimeMillsInSendQueue={allowed:.0f} on they are refused"
            yield warning("busy", broker.subject, what, "look at its disk, or spread topics over more brokers")
        locked, most = broker.number("pageCacheLockTimeMills"), broker.number("osPageCacheBusyTimeOutMills", 1000)
        if locked >= most:
            what = f"a put has held the commit log for {locked:.0f} ms"
            yield warning("busy", broker.subject, what, "look at its disk's latency and its free memory")
        behind = broker.number("dispatchBehindBytes")
        if behind > DISPATCH_BEHIND_BYTES:
            what = f"{behind:.0f} stored bytes are not dispatched: consumers do not see them yet"
            yield warning("dispatch-behind", broker.subject, what, "wait after a recovery; else look at its disk")


def brokers_may_serve(facts: ClusterFacts) -> Iterator[Finding]:
    """What an operator has switched off and may have forgotten."""
    for broker in facts.told:
        perm = int(broker.number("brokerPermission", READ | WRITE))
        lacks = [name for name, bit in (("reads", READ), ("writes", WRITE)) if not perm & bit]
        if lacks:
            what = f"brokerPermission={perm}: {' and '.join(lacks)} are refused"
            remedy = f"mqadmin updateBrokerConfig -b {broker.address} -k brokerPermission -v {READ | WRITE}"
            yield warning("permission", broker.subject, what, remedy)
        from_ms = broker.number("startAcceptSendRequestTimeStamp")
        if from_ms > facts.now_ms:
            what = f"sends are refused for another {(from_ms - facts.now_ms) / 1000:.0f} s"
            remedy = "set startAcceptSendRequestTimeStamp=0, and start it anew"
            yield warning("not-yet", broker.subject, what, remedy)


def keys_are_known(facts: ClusterFacts) -> Iterator[Finding]:
    """Keys of its file that no setting has: they are kept, and do nothing. Later releases have keys of theirs."""
    known = {name for table in TABLES for name in table.rows}
    meant = {*known, *SPELLINGS, *DERIVED_PATHS, *WITHOUT_EFFECT, *READ_AT_START}
    for broker in facts.told:
        if broker.version > CURRENT_VERSION:
            continue
        for key in sorted(broker.config.keys() - meant):
            near = nearest(key, known)
            what = f"{key}={broker.config[key]:.80} is no property of a broker, and has no effect"
            remedy = f"write {near} if that is meant" if near else "take it out of its properties file"
            yield warning("unknown-key", broker.subject, what, remedy)


CHECKS = (clocks_agree, disks_have_room, brokers_keep_up, brokers_may_serve, keys_are_known)
