"""What a server would find if it were started now with a properties file; nothing is made or changed.

The server's own checks are called, in its order, so that what they refuse here is what the start would say.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rocketpy.access import Access, acl_file
from rocketpy.advertised_address import Choice
from rocketpy.client.calls import Calls, addresses_of
from rocketpy.clock import Clock
from rocketpy.config import BrokerConfig, NamesrvConfig
from rocketpy.config.checks import check_acl_settings, check_broker_settings, check_can_serve, store_address
from rocketpy.config.environment import Environment
from rocketpy.config.programs import BrokerProgram, NamesrvProgram, broker_program, namesrv_program
from rocketpy.config.properties import Remark
from rocketpy.config.tls import uses_tls
from rocketpy.doctor.asker import Asker
from rocketpy.doctor.collect import name_server
from rocketpy.doctor.facts import Limits, NameServerFacts
from rocketpy.errors import StartRefused
from rocketpy.logs import log_folder, log_level, to_stdout
from rocketpy.remoting.listen import bind
from rocketpy.remoting.tls import Tls
from rocketpy.store.clean import DiskLevels
from rocketpy.store.lock import who_holds
from rocketpy.store.paths import StorePaths, check_can_be_made, check_file, check_folder

EVERY_ADDRESS = "0.0.0.0"
VIP_STEP = 2
silent = logging.getLogger("doctor")
silent.addHandler(logging.NullHandler())
silent.propagate = False


@dataclass
class Folder:
    """A folder that will be written, with its disk. Sizes are bytes, `used` is 0..1."""

    setting: str
    path: str
    free: int
    used: float
    file_system: str
    is_read_only: bool = False


@dataclass
class StartFacts:
    """What there is to know before a start."""

    path: str
    remarks: list[Remark] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)       # in the start's own words, with the remedy
    idle_options: list[str] = field(default_factory=list)
    address: Choice | None = None
    lock_holder: str = ""
    was_killed: bool = False
    folders: list[Folder] = field(default_factory=list)
    needed: int = 0                                         # bytes of the commit log's next files
    disk_max_used: float = 0.75
    disk_levels: DiskLevels = field(default_factory=DiskLevels)
    open_files: int = 0                                     # the hard limit, which a start takes
    max_map_count: int = 0
    store_files: int = 0
    name: tuple[str, int] = ("", 0)                         # brokerName and brokerId
    port: int = 0
    is_broker: bool = True
    name_servers: list[NameServerFacts] | None = None       # None: none is given


async def broker_start(path: str, namesrv_addr: str | None, environment: Environment, limits: Limits) -> StartFacts:
    """A broker's start with this file, and the option -n where that is given."""
    facts = StartFacts(path)
    with refused(facts):
        program = broker_program(environment, path, namesrv_addr)
        await _broker(facts, program, environment, limits)
    return facts


def namesrv_start(path: str, environment: Environment) -> StartFacts:
    """A name server's start with this file."""
    facts = StartFacts(path, is_broker=False)
    with refused(facts):
        _namesrv(facts, namesrv_program(environment, path), environment)
    return facts


@contextlib.contextmanager
def refused(facts: StartFacts) -> Iterator[None]:
    """What a check of the start refuses."""
    try:
        yield
    except StartRefused as refusal:
        facts.refusals.append(str(refusal))


def checked(facts: StartFacts, *checks: Callable[[], object]) -> None:
    """All of them: a start would stop at the first, and the operator come back for each."""
    for check in checks:
        with refused(facts):
            check()


async def _broker(facts: StartFacts, program: BrokerProgram, environment: Environment, limits: Limits) -> None:
    broker, store = program.broker, program.store
    paths = StorePaths.of(store)
    facts.remarks = program.file.remarks if program.file else []
    facts.address = program.advertised
    facts.name, facts.port = (broker.broker_name, broker.broker_id), program.server.listen_port
    facts.lock_holder, facts.was_killed = who_holds(paths.lock), paths.abort.exists()
    facts.needed = (1 if any(paths.log_files()) else 2) * store.mapped_file_size_commit_log
    facts.disk_levels = DiskLevels.of(environment)
    facts.disk_max_used = store.disk_max_used_space_ratio / 100
    facts.store_files = sum(len(files) for _, _, files in os.walk(paths.root))
    checked(
        facts,
        lambda: check_broker_settings(broker, store),
        lambda: check_can_serve(program.server, store),
        lambda: check_acl_settings(broker),
        lambda: store_address(broker),
        paths.check,
    )
    if broker.acl_enable:
        checked(facts, lambda: rules(environment, f"aclEnable=true ({broker.origin('aclEnable')})"))
    _common(facts, environment)
    if not facts.lock_holder:  # else the broker that has the store has its ports too
        _ports(facts, broker, facts.port, facts.port - VIP_STEP)
    for setting, folder in (("storePathRootDir", paths.root), ("storePathCommitLog", paths.commit_log)):
        facts.folders.append(folder_facts(setting, folder))
    if broker.fetch_namesrv_addr_by_address_server:
        facts.name_servers = []  # the address server says which
    if broker.namesrv_addr:
        facts.name_servers = await asked(addresses_of(broker.namesrv_addr), environment, limits)


def _namesrv(facts: StartFacts, program: NamesrvProgram, environment: Environment) -> None:
    config = program.namesrv
    kv_file = Path(config.kv_config_path)
    facts.remarks = program.file.remarks if program.file else []
    facts.port = program.server.listen_port
    checked(facts, lambda: check_folder(kv_file.parent), lambda: check_file(kv_file))
    if config.acl_strict_admin:
        checked(facts, lambda: rules(environment, f"aclStrictAdmin=true ({config.origin('aclStrictAdmin')})"))
    _common(facts, environment)
    _ports(facts, config, facts.port)
    facts.folders.append(folder_facts("kvConfigPath", kv_file.parent))


def _common(facts: StartFacts, environment: Environment) -> None:
    facts.idle_options = environment.idle_options
    facts.open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(OSError, ValueError):
        facts.max_map_count = int(Path("/proc/sys/vm/max_map_count").read_text())
    checked(facts, lambda: Tls.of(environment).load(), lambda: log_level(environment), lambda: logs(environment))


def rules(environment: Environment, setting: str) -> None:
    """The file of access control can be read and understood."""
    Access(acl_file(environment), Clock(), silent).load(setting)


def logs(environment: Environment) -> None:
    """The folder of the logs can be made and written."""
    if not to_stdout(environment):
        folder = log_folder(environment)
        check_folder(folder) if folder.exists() else check_can_be_made(folder)


def _ports(facts: StartFacts, config: BrokerConfig | NamesrvConfig, *ports: int) -> None:
    """All at the same time, in the start's order: two settings may name the same port."""
    wanted = [(config.metrics_bind_address, config.metrics_port, "metricsPort")] if config.metrics_port else []
    wanted += [(EVERY_ADDRESS, port, "listenPort") for port in ports if 0 < port < 65536]
    with contextlib.ExitStack() as held:
        for host, port, setting in wanted:
            with refused(facts):
                held.enter_context(bind(host, port, setting))


def folder_facts(setting: str, path: Path) -> Folder:
    """The disk below a folder, which need not be there yet."""
    there = next(each for each in (path, *path.absolute().parents) if each.exists())
    disk = shutil.disk_usage(there)
    read_only = bool(os.statvfs(there).f_flag & os.ST_RDONLY)
    return Folder(setting, str(path), disk.free, disk.used / (disk.total or 1), file_system(there), read_only)


def file_system(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """The type of the file system that holds a path: `ext4`, `nfs4`; empty when the system does not say."""
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return ""
    best, found = "", ""
    for line in lines:
        before, _, after = line.partition(" - ")
        mount = before.split(" ")[4].replace("\\040", " ")
        if path.resolve().is_relative_to(mount) and len(mount) >= len(best):
            best, found = mount, after.split(" ")[0]
    return found


async def asked(addresses: list[str], environment: Environment, limits: Limits) -> list[NameServerFacts]:
    """What the name servers of the file know, asked as the broker would."""
    tls = Tls.of(environment).client_context() if uses_tls(environment) else None
    async with Calls(";".join(addresses), tls=tls) as calls:
        asker = Asker(calls, limits.timeout_ms, limits.budget_ms)
        return list(await asyncio.gather(*(name_server(asker, address) for address in addresses)))
