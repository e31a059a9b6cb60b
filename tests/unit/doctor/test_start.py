"""Before a start: what the start would refuse, in its own words, and what it would not notice."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rocketpy import advertised_address
from rocketpy.advertised_address import Choice
from rocketpy.config.environment import Environment
from rocketpy.config.properties import Remark
from rocketpy.doctor import check_start
from rocketpy.doctor.doctor import examine_start
from rocketpy.doctor.facts import Limits, NameServerFacts
from rocketpy.doctor.finding import Finding, Severity, findings
from rocketpy.doctor.start_facts import Folder, StartFacts, file_system
from rocketpy.protocol.bodies import BrokerData, ClusterInfo
from tests.ports import free_broker_port, free_port


@pytest.fixture(autouse=True)
def own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with the address that the files here name."""
    monkeypatch.setattr(advertised_address, "ipv4_interfaces", lambda: [("eno9", "10.1.2.3")])


def write(folder: Path, **settings: object) -> Path:
    path = folder / "x.conf"
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return path


def broker(folder: Path, **settings: object) -> Path:
    values: dict[str, object] = {
        "listenPort": free_broker_port(),
        "brokerIP1": "10.1.2.3",
        "brokerName": "b",
        "namesrvAddr": f"127.0.0.1:{free_port()}",
        "storePathRootDir": folder / "store",
        "storePathCommitLog": folder / "store" / "commitlog",
        "mappedFileSizeCommitLog": 1 << 20,
    }
    return write(folder, **{**values, **settings})


def examine(path: Path, *, is_broker: bool = True, **variables: str) -> list[Finding]:
    environment = Environment(variables={"HOME": str(path.parent), **variables})
    limits = Limits(timeout_ms=500)
    asked = examine_start(str(path), is_broker=is_broker, namesrv_addr=None, environment=environment, limits=limits)
    found, _ = asyncio.run(asked)
    return [finding for finding in found if finding.check not in ("disk-full", "disk-nearly-full", "file-system",
            "open-files")]  # these are this machine's


def only(path: Path, **more: Any) -> Finding:
    """What there is beside the name server that nobody has started."""
    (finding,) = (each for each in examine(path, **more) if each.check != "namesrv-unreachable")
    return finding


def test_a_file_that_is_well_and_nothing_is_made(tmp_path: Path) -> None:
    (finding,) = examine(broker(tmp_path))
    assert finding.check == "namesrv-unreachable"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.conf"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"brokerId": 3}, "has brokerId 0"),
        ({"brokerRole": "SLAVE", "brokerId": 1}, "no replication"),
        ({"listenPort": 2}, "VIP port"),
        ({"brokerIP1": "no.such.host.invalid"}, "no IPv4 address"),
        ({"aclEnable": "true"}, "plain_acl.yml"),
        ({"aclStrictAdmin": "true"}, "is nothing without aclEnable=true"),
        ({"namesrvAddr": "nonsense"}, "illegal"),
        ({"storePathRootDir": "/etc/hostname/store"}, "/etc/hostname is a file"),
    ],
)
def test_what_the_start_refuses(settings: dict[str, object], words: str, tmp_path: Path) -> None:
    refusals = [each for each in examine(broker(tmp_path, **settings)) if each.check == "start-refused"]
    assert any(words in f"{each.what}: {each.remedy}" for each in refusals)
    assert all(each.severity is Severity.ERROR and each.remedy for each in refusals)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "does not exist" in only(tmp_path / "no.conf").what
    assert "does not exist" in only(tmp_path / "no.conf", is_broker=False).what


def test_an_address_that_this_host_has_not_is_told(tmp_path: Path) -> None:
    finding = only(broker(tmp_path, brokerIP1="10.1.2.4"))
    assert (finding.check, finding.severity) == ("broker-address", Severity.INFO)
    assert finding.what == f"brokerIP1 10.1.2.4 is no address of this host (brokerIP1 in {tmp_path}/x.conf:2)"


def test_all_refusals_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "checkpoint").mkdir()
    path = broker(tmp_path, brokerId=3, aclStrictAdmin="true")
    assert sum(each.check == "start-refused" for each in examine(path)) == 3


@pytest.mark.parametrize("step", [0, -2])
def test_a_port_that_is_taken(step: int, tmp_path: Path) -> None:
    port = free_broker_port()
    with socket.create_server(("127.0.0.1", port + step)):
        finding = only(broker(tmp_path, listenPort=port))
    assert f"port {port + step} is in use" in finding.what


def test_the_port_of_the_metrics_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for is_broker in (True, False):
            path = broker(tmp_path, metricsPort=port) if is_broker else write(
                tmp_path, listenPort=free_port(), metricsPort=port, kvConfigPath=tmp_path / "kv.json"
            )
            finding = only(path, is_broker=is_broker)
            assert f"port {port} is in use" in finding.what
            assert "metricsPort" in finding.remedy


def test_the_address_of_the_metrics_is_another_hosts(tmp_path: Path) -> None:
    finding = only(broker(tmp_path, metricsPort=free_port(), metricsBindAddress="192.0.2.1"))
    assert "address 192.0.2.1 is not one of this machine" in finding.what


def test_two_settings_name_one_port(tmp_path: Path) -> None:
    port = free_broker_port()
    assert f"port {port} is in use" in only(broker(tmp_path, listenPort=port, metricsPort=port)).what


def test_keys_and_values_that_are_not_in_force(tmp_path: Path) -> None:
    found = examine(broker(tmp_path, brokerNam="c", deleteWhen="04 # at four", maxMessageSize="4M"))
    told = {(each.check, each.subject.rpartition(":")[2]): each for each in found}
    assert told["not-in-force", "8"].remedy == "write brokerName, if that is meant"
    assert told["read-as-meant", "9"].severity is Severity.INFO
    assert told["not-in-force", "10"].severity is Severity.WARNING


def test_a_store_that_another_process_holds(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    lock = tmp_path / "store" / "lock"
    work = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX, 1); print(); input()"
    command = [sys.executable, "-c", work, str(lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdin
        holder.stdout.readline()
        finding = only(broker(tmp_path))
        holder.stdin.write(b"\n")
    assert (finding.check, finding.severity) == ("store-locked", Severity.ERROR)
    assert f"by process {holder.pid}" in finding.what
    assert len(examine(broker(tmp_path))) == 1


def test_a_store_whose_broker_was_killed(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "abort").touch()
    assert only(broker(tmp_path)).check == "was-killed"


def test_options_and_logs(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = examine(broker(tmp_path), JAVA_OPT="-Xmx4g", ROCKETMQ_LOG_ROOT=str(tmp_path / "file" / "logs"))
    assert {each.check for each in found} == {"java-options", "start-refused", "namesrv-unreachable"}


def test_no_name_server(tmp_path: Path) -> None:
    path = broker(tmp_path)
    path.write_text("".join(line for line in path.read_text().splitlines(True) if "namesrvAddr" not in line))
    assert only(path).check == "no-namesrv"
    path.write_text(path.read_text() + "fetchNamesrvAddrByAddressServer=true\n")
    assert examine(path) == []


def test_a_name_servers_file(tmp_path: Path) -> None:
    port = free_port()
    path = write(tmp_path, listenPort=port, kvConfigPath=tmp_path / "kv" / "kvConfig.json")
    assert examine(path, is_broker=False) == []
    with socket.create_server(("127.0.0.1", port)):
        assert f"port {port} is in use" in only(path, is_broker=False).what
    (tmp_path / "kv").touch()
    assert str(tmp_path / "kv") in only(path, is_broker=False).what


# ---- facts that this machine does not have


def judged(facts: StartFacts) -> list[tuple[str, Severity]]:
    return [(finding.check, finding.severity) for finding in findings(check_start.CHECKS, facts)]


def well() -> StartFacts:
    folder = Folder("storePathRootDir", "/data/store", free=1 << 40, used=0.2, file_system="ext4")
    return StartFacts(
        "b.conf",
        address=Choice("10.0.0.1", "brokerIP1"),
        folders=[folder],
        needed=2 << 30,
        open_files=1 << 20,
        max_map_count=65_530,
        name=("broker-a", 0),
        port=10911,
        name_servers=[NameServerFacts("10.0.0.9:9876")],
    )


def test_nothing_is_wrong_with_a_start_that_is_well() -> None:
    assert judged(well()) == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("used", 0.95, ("disk-full", Severity.ERROR)),
        ("used", 0.80, ("disk-nearly-full", Severity.WARNING)),
        ("used", 0.86, ("disk-full", Severity.ERROR)),
        ("free", 1 << 30, ("no-room", Severity.WARNING)),
        ("file_system", "nfs4", ("file-system", Severity.WARNING)),
        ("file_system", "tmpfs", ("file-system", Severity.WARNING)),
        ("file_system", "overlay", ("file-system", Severity.WARNING)),
    ],
)
def test_disks(name: str, value: object, expected: tuple[str, Severity]) -> None:
    facts = well()
    setattr(facts.folders[0], name, value)
    assert judged(facts) == [expected]


@pytest.mark.parametrize(("name", "value", "check"), [("open_files", 1024, "open-files"),
                                                      ("store_files", 40_000, "map-count")])
def test_limits_of_the_system(name: str, value: int, check: str) -> None:
    facts = well()
    setattr(facts, name, value)
    assert judged(facts) == [(check, Severity.WARNING)]


def test_a_name_that_another_broker_has() -> None:
    facts = well()
    assert facts.name_servers
    facts.name_servers[0].cluster = ClusterInfo({"broker-a": BrokerData("c", "broker-a", {0: "10.0.0.2:10911"})})
    assert judged(facts) == [("broker-clash", Severity.ERROR)]
    facts.name_servers[0].cluster.broker_addr_table["broker-a"].broker_addrs[0] = "10.0.0.1:10911"
    assert judged(facts) == []  # its own registration, of a minute ago


def test_a_remark_names_file_and_line() -> None:
    facts = well()
    facts.remarks = [Remark("b.conf", 3, "x=q is no number; 1 is in force", logging.WARNING)]
    (finding,) = findings(check_start.CHECKS, facts)
    assert (finding.subject, finding.what) == ("b.conf:3", "x=q is no number; 1 is in force")


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 0:5 / /data rw shared:1 - xfs /dev/b rw\n"
        "3 1 0:6 / /data\\040two rw - nfs4 host:/x rw\n"
    )
    for path, kind in (("/data/store", "xfs"), ("/data two/store", "nfs4"), ("/database", "ext4")):
        assert file_system(Path(path), table) == kind
    assert file_system(Path("/"), tmp_path / "none") == ""


def test_a_look_does_not_let_the_lock_go(tmp_path: Path) -> None:
    """fcntl locks go with any close of the file by their process."""
    from rocketpy.store.lock import StoreLock, who_holds

    lock = StoreLock(tmp_path / "lock")
    assert who_holds(lock.path) == ""
    lock.acquire()
    assert who_holds(lock.path) == f"by process {os.getpid()}"
    work = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB, 1)"
    assert subprocess.run([sys.executable, "-c", work, lock.path], capture_output=True, check=False).returncode == 1
    lock.release()
    assert fcntl and who_holds(lock.path) == ""
