"""The broker: its parts, what each is given, and the order in which they start and stop.

Invariant: nothing of a store is changed before its lock is held and the ports are bound, and nothing is served before
the store is recovered; a start that fails gives back what it had taken.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import socket

from rocketpy._core.holds import Hold
from rocketpy.broker.access_control import access_of, load_rules
from rocketpy.broker.client_calls import ClientCalls
from rocketpy.broker.consumer_filters import ConsumerFilters
from rocketpy.broker.consumer_offsets import ConsumerOffsets
from rocketpy.broker.consumers import Consumers
from rocketpy.broker.fast_lane import FastLane
from rocketpy.broker.namesrv_link import NamesrvLink
from rocketpy.broker.overload import Overload
from rocketpy.broker.periodic import Periodic
from rocketpy.broker.producers import Producers
from rocketpy.broker.pull_hold import PullHold
from rocketpy.broker.rebalance_lock import RebalanceLock, lock_max_live_ms
from rocketpy.broker.request_table import bind as bind_requests
from rocketpy.broker.settings_in_force import SettingsInForce
from rocketpy.broker.slow_readers import PROTECT_MS, SlowReaders
from rocketpy.broker.store_doors import CleanDoor, DelayDoor
from rocketpy.broker.subscription_groups import SubscriptionGroups
from rocketpy.broker.topic_bitmaps import TopicBitmaps
from rocketpy.broker.topics import Topics
from rocketpy.broker.transaction.check import TransactionCheck
from rocketpy.clock import Clock
from rocketpy.config import (
    BrokerConfig,
    BrokerRole,
    FlushDiskType,
    MessageStoreConfig,
    NettyClientConfig,
    NettyServerConfig,
)
from rocketpy.config.checks import check_broker_settings, check_can_serve, store_address
from rocketpy.config.environment import Environment
from rocketpy.config.old_keys import ADDRESS_SERVER_DOMAIN, ADDRESS_SERVER_SUB_GROUP
from rocketpy.errors import StoreError
from rocketpy.protocol.codes import RequestCode
from rocketpy.remoting.address_server import NameServerWatch, address_server_url
from rocketpy.remoting.client import RemotingClient
from rocketpy.remoting.connection import Connection
from rocketpy.remoting.listen import bind as bind_port
from rocketpy.remoting.loop_watch import LoopWatch
from rocketpy.remoting.server import RemotingServer
from rocketpy.remoting.tls import Tls
from rocketpy.settings_file import SettingsFile
from rocketpy.settings_update import SettingsUpdate
from rocketpy.stats import SAMPLE_MS, TICK_MS, Distribution, Rates, Stats, StatsLog, distribution
from rocketpy.store.clean import Cleaner
from rocketpy.store.message_store import MessageStore
from rocketpy.store.paths import StorePaths
from rocketpy.store.results import PutMessageStatus
from rocketpy.store.schedule import DelayLevels, Schedule

log = logging.getLogger("RocketmqBroker")

EVERY_ADDRESS = "0.0.0.0"
VIP_PORT_STEP = 2  # the VIP port is the listening port minus this
EXPIRE_CLIENTS_MS = 10_000
UNMAP_MS = 10_000
FIRST_OFFSETS_MS = 10_000
FILTERS_MS = 10_000
ADDRESS_SERVER_WAIT_S = 1.0  # a start does not wait longer for an address server that does not answer


class Broker:
    """One master; processors get it whole and use its parts."""

    def __init__(
        self,
        config: BrokerConfig,
        server_config: NettyServerConfig,
        client_config: NettyClientConfig,
        store_config: MessageStoreConfig,
        clock: Clock | None = None,
        tls: Tls | None = None,
        settings_file: SettingsFile | None = None,
    ) -> None:
        self.config, self.server_config = config, server_config
        self.client_config, self.store_config = client_config, store_config
        self.clock = clock = clock or Clock()
        paths = StorePaths.of(store_config)
        self.stats = Stats(clock, config.broker_cluster_name)
        self.access = access_of(config, clock)
        self.topics = Topics(config, paths.config_file("topics"), clock)
        self.groups = SubscriptionGroups(config, paths.config_file("subscriptionGroup"), clock)
        self.offsets = ConsumerOffsets(paths.config_file("consumerOffset"))
        self.filters = ConsumerFilters(config, paths.config_file("consumerFilter"), clock)
        store_config.bit_map_length_consume_queue_ext = self.filters.bloom.bit_num
        self.producers, self.consumers = Producers(clock), Consumers(config, clock)
        self.client_calls = ClientCalls()
        self.slow_readers = SlowReaders(config, store_config, self.groups.disable_consume)
        self.consumers.on_gone.append(self.filters.unregister)
        self.locks = RebalanceLock(clock, lock_max_live_ms(Environment()))
        self.store_host = (store_address(config), server_config.listen_port)
        self.store = MessageStore(store_config, clock, self.store_host)
        self.rates = Rates(lambda: self.store.counts, clock)
        self.stats_log = StatsLog(self.stats, self.rates, clock, with_falls=store_config.disk_fall_recorded)
        levels, flush_ms = DelayLevels(store_config.message_delay_level), store_config.flush_delay_offset_interval
        self.schedule = Schedule(DelayDoor(self.store), levels, paths.config_file("delayOffset"), clock, flush_ms)
        self.transactions = TransactionCheck(self)
        self.cleaner = Cleaner(store_config, CleanDoor(self.store), clock)
        self.tls = tls or Tls.of(server_config.environment)
        outgoing = self.tls.client_context() if client_config.use_tls else None
        self.remoting_client = RemotingClient(connect_timeout_ms=client_config.connect_timeout_millis, tls=outgoing)
        self.namesrv = NamesrvLink(config, server_config, self.topics, self.remoting_client)
        self.address_server = self._address_server()
        settings = (config, server_config, client_config, store_config)
        self.settings_update = SettingsUpdate(settings, settings_file, clock, log, "updateBrokerConfig")
        self.settings_in_force = SettingsInForce(self)
        self.loop_watch = LoopWatch(config.wait_time_mills_in_send_queue, clock)
        self.overload = Overload(config, store_config, self.loop_watch, clock)
        self.settles_later = store_config.flush_disk_type is FlushDiskType.SYNC_FLUSH
        self._wants_slave = store_config.broker_role is BrokerRole.SYNC_MASTER
        self.started_ms = clock.now_ms()
        self.served: dict[RequestCode, int] = {}  # by the request table; the fast lane's are not among them
        self._held: dict[Connection, set[Hold]] = {}
        self._periodic = Periodic()
        self._server: RemotingServer | None = None

    def _address_server(self) -> NameServerWatch | None:
        """Who says where the name servers are, when nobody else does."""
        if self.config.namesrv_addr or not self.config.fetch_namesrv_addr_by_address_server:
            return None
        domain, subgroup = map(self.config.extra.get, (ADDRESS_SERVER_DOMAIN, ADDRESS_SERVER_SUB_GROUP))
        url = address_server_url(self.config.system_properties, domain=domain, subgroup=subgroup)
        return NameServerWatch(url, self.namesrv.use, log)

    @property
    def address(self) -> str:
        """Where clients reach this broker: `brokerIP1:listenPort`."""
        return f"{self.config.broker_ip1}:{self.server_config.listen_port}"

    @property
    def connection_count(self) -> int:
        """Open connections to the broker's ports."""
        return 0 if self._server is None else self._server.connection_count

    @property
    def region_ext(self) -> dict[str, str]:
        """The ext fields of every answer to a send."""
        return {"TRACE_ON": "true" if self.config.trace_on else "false", "MSG_REGION": self.config.region_id}

    def replicated(self, status: PutMessageStatus) -> PutMessageStatus:
        """What a sender that waits for a slave hears: on a SYNC_MASTER, that there is none yet."""
        return PutMessageStatus.SLAVE_NOT_AVAILABLE if self._wants_slave else status

    # -- start and stop

    async def start(self) -> None:
        """Check, lock, bind, load, serve, register; StartRefused leaves nothing behind."""
        check_broker_settings(self.config, self.store_config)
        check_can_serve(self.server_config, self.store_config)
        load_rules(self.config, self.access)
        self.tls.load()
        self.store.lock()
        sockets: list[socket.socket] = []
        try:
            for port in (self.server_config.listen_port, self.server_config.listen_port - VIP_PORT_STEP):
                sockets.append(bind_port(EVERY_ADDRESS, port))
            self.load()
            await self._serve(sockets)
        except BaseException:
            await self._abandon(sockets)
            raise
        self._schedule()
        if self.address_server is not None:
            await self.address_server.start(ADDRESS_SERVER_WAIT_S)
        await self.namesrv.start()

    async def _abandon(self, sockets: list[socket.socket]) -> None:
        """A start failed: give back what it took. Offsets were not changed yet, so they are not written."""
        if self._server is not None:
            await self._server.stop()
        for sock in sockets:
            sock.close()
        self.cleaner.shutdown()
        self.store.shutdown()

    def load(self) -> None:
        """Read what the store's folder holds; its lock is held."""
        if self.config.enable_calc_filter_bit_map and self.store_config.enable_consume_queue_ext:
            TopicBitmaps(self.filters, self.store)
        self.filters.load(was_clean=not self.store.paths.abort.exists())
        for part in (self.topics, self.offsets, self.groups, self.schedule, self.store):
            part.load()
        self.topics.restore(self.store.queues())
        self.store.on_delayed = self.schedule.arrived
        self.holds = PullHold(self.store.writer, self.clock)
        self.store.on_arrival = self.holds.wake_arrivals
        self.lane = FastLane(self)

    async def _serve(self, sockets: list[socket.socket]) -> None:
        loop = asyncio.get_running_loop()
        for part in (self.store, self.schedule, self.cleaner):
            part.start(loop)
        self._server = RemotingServer(
            bind_requests(self),
            name="broker",
            lane=self.lane.core,
            idle_ms=self.server_config.server_channel_max_idle_time_seconds * 1000,
            clock=self.clock,
            tls=self.tls,
            on_close=self.connection_closed,
            watch=self.loop_watch,
        )
        await self._server.start(sockets)

    def _schedule(self) -> None:
        every = self._periodic.every
        every(self.config.flush_consumer_offset_interval, self.offsets.persist_changes, first_ms=FIRST_OFFSETS_MS)
        every(FILTERS_MS, self.filters.persist_changes)
        every(EXPIRE_CLIENTS_MS, self._expire_clients)
        every(PROTECT_MS, self.slow_readers.protect)
        every(self.config.transaction_check_interval, self.transactions.round)
        for span, period_ms in SAMPLE_MS.items():
            every(period_ms, functools.partial(self.stats.sample, span), first_ms=0)
        every(TICK_MS, self.stats_log.tick)
        every(UNMAP_MS, self.store.unmap_idle_queues)
        if self.access is not None:
            every(self.access.watch_ms, self.access.poll)

    async def stop(self) -> None:
        """Stop accepting, say good-bye to the name servers, put everything on disk; StoreError when it refuses."""
        if self._server is not None:
            await self._server.stop()
        await self._periodic.stop()
        if self.address_server is not None:
            await self.address_server.stop()
        await self.settings_in_force.stop()
        await self.namesrv.stop()
        await self.remoting_client.close()
        for part in (self.holds, self.cleaner, self.schedule, self.store, self.lane):
            part.shutdown()
        self.offsets.persist()
        self.filters.persist_changes()
        await self.filters.file.shutdown()
        await self.topics.file.shutdown()
        await self.groups.file.shutdown()
        if self.store.flusher.refusal:
            why = f"{self.store.flusher.refusal}: not all is on disk"
            raise StoreError(f"{why}, {self.store.paths.abort} stays for the next start to recover")

    @property
    def configs_saved(self) -> bool:
        """Whether topics and groups are on disk as they are."""
        return self.topics.file.is_saved and self.groups.file.is_saved

    async def save_configs(self) -> None:
        """Wait until the topics and groups of now are on disk."""
        await self.topics.file.saved()
        await self.groups.file.saved()

    # -- clients

    def connection_closed(self, connection: Connection) -> None:
        """Forget what a connection was and what it waited for."""
        for hold in self._held.pop(connection, ()):
            self.holds.release(hold)
        self.producers.connection_closed(connection)
        self.consumers.connection_closed(connection)

    def keep_hold(self, connection: Connection, hold: Hold) -> None:
        """A pull of this connection waits."""
        self._held.setdefault(connection, set()).add(hold)

    def forget_hold(self, connection: Connection, hold: Hold) -> None:
        """It waits no longer."""
        held = self._held.get(connection, set())
        held.discard(hold)
        if not held:
            self._held.pop(connection, None)

    def _expire_clients(self) -> None:
        self.producers.expire()
        self.consumers.expire()
        self.locks.expire()

    # -- what processors say about the whole

    def schedule_offsets(self) -> dict[str, str]:
        """`delivered,stored` of each delay level, under the keys of code 28."""
        queues = DelayDoor(self.store).delay_queues()
        return {
            f"scheduleMessageOffset_{level}": f"{offset},{queues[level - 1].max_offset if level - 1 in queues else 0}"
            for level, offset in sorted(self.schedule.offsets.items())
        }

    def waiting_requests(self) -> list[tuple[int, int]]:
        """(code, milliseconds it has waited) of requests that were read and not served yet."""
        now_ms = self.clock.monotonic_ms()
        backlogs = [connection.backlog for connection in self._server.connections] if self._server else []
        return [(code, max(0, now_ms - since_ms)) for codes, since_ms in backlogs for code in codes]

    def latencies(self) -> dict[str, Distribution]:
        """How long sends, pulls and flushes took since the start (what that means: rocketpy/stats/latency.py)."""
        times = {"send": self.stats.send_times, "pull": self.stats.pull_times, "flush": self.store.flusher.times}
        return {name: distribution(histogram) for name, histogram in times.items()}

    def config_text(self) -> str:
        """Every setting, as code 26 answers it."""
        parts = (self.config, self.server_config, self.client_config, self.store_config)
        extra = (f"{key}={value}\n" for key, value in self.config.extra.items())
        return "".join([*(part.properties_text() for part in parts), *extra])
