"""The settings of each program together: defaults of the program, then the file, then the command line; and the checks.

The checks find contradictions before anything is opened, so that what is refused has touched nothing.
"""

from dataclasses import dataclass

from rocketpy.advertised_address import Choice, choose_address, judge_address
from rocketpy.config.apply import apply_file
from rocketpy.config.broker import BrokerConfig
from rocketpy.config.environment import Environment
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.netty import BROKER_BUFFER_SIZE, NettyClientConfig, NettyServerConfig
from rocketpy.config.properties import PropertiesFile, load_properties
from rocketpy.config.setting import DEFAULT, Settings
from rocketpy.config.store import BrokerRole, MessageStoreConfig
from rocketpy.errors import StartRefused

NAMESRV_PORT = 9876
BROKER_PORT = 10911
ADDRESS_ILLEGAL = 'The Name Server Address[{}] illegal, please set it as follows, "127.0.0.1:9876;192.168.0.1:9876"'
HOME_UNSET = (
    "Please set the ROCKETMQ_HOME variable in your environment to match the location of the RocketMQ installation"
)
EXIT_BAD_HOME = 254
EXIT_BAD_SETTING = 253


@dataclass
class NamesrvProgram:
    """What a name server starts with."""

    namesrv: NamesrvConfig
    server: NettyServerConfig
    file: PropertiesFile | None

    @property
    def settings(self) -> tuple[Settings, ...]:
        return (self.namesrv, self.server)


@dataclass
class BrokerProgram:
    """What a broker starts with."""

    broker: BrokerConfig
    server: NettyServerConfig
    client: NettyClientConfig
    store: MessageStoreConfig
    file: PropertiesFile | None

    @property
    def settings(self) -> tuple[Settings, ...]:
        """In upstream's order, which is the order of printing."""
        return (self.broker, self.server, self.client, self.store)

    @property
    def advertised(self) -> Choice:
        """The address clients are given, and why it is that one."""
        origin = self.broker.origin("brokerIP1")
        if origin == DEFAULT:
            return choose_address()
        return judge_address(self.broker.broker_ip1, f"brokerIP1 in {origin}")


def namesrv_program(environment: Environment, file: str | None) -> NamesrvProgram:
    """A name server's settings; the file also becomes the one that a remote update writes."""
    namesrv = NamesrvConfig(environment)
    server = NettyServerConfig(environment, listen_port=NAMESRV_PORT)
    loaded = load_properties(file) if file else None
    if loaded:
        apply_file(loaded, (namesrv, server))
        namesrv.config_store_path = loaded.path
    return NamesrvProgram(namesrv, server, loaded)


def broker_program(environment: Environment, file: str | None, namesrv_addr: str | None) -> BrokerProgram:
    """A broker's settings; `namesrv_addr` is the option -n, which overrules the file."""
    sizes = _broker_buffers(environment)
    program = BrokerProgram(
        BrokerConfig(environment),
        NettyServerConfig(environment, listen_port=BROKER_PORT, **sizes["server"]),
        NettyClientConfig(environment, **sizes["client"]),
        MessageStoreConfig(environment),
        load_properties(file) if file else None,
    )
    if program.file:
        apply_file(program.file, program.settings)
    if namesrv_addr is not None:
        program.broker.set("namesrvAddr", namesrv_addr, "option -n")
    _follow_listen_port(program)
    return program


def _broker_buffers(environment: Environment) -> dict[str, dict[str, int]]:
    """A broker's sockets have larger buffers, unless a system property says otherwise."""
    properties = environment.system_properties
    sizes: dict[str, dict[str, int]] = {"server": {}, "client": {}}
    for way in ("snd", "rcv"):
        if f"com.rocketmq.remoting.socket.{way}buf.size" not in properties:
            sizes["server"][f"server_socket_{way}_buf_size"] = BROKER_BUFFER_SIZE
            sizes["client"][f"client_socket_{way}_buf_size"] = BROKER_BUFFER_SIZE
    return sizes


def _follow_listen_port(program: BrokerProgram) -> None:
    port = program.server.listen_port + 1
    entry = program.file.in_force().get("haListenPort") if program.file else None
    if program.file and entry and program.store.ha_listen_port != port:
        told = f"haListenPort={entry.value} is not used: {port} is in force, always listenPort+1"
        program.file.remark(entry.line, told)
    program.store.ha_listen_port = port


def check_broker(program: BrokerProgram) -> None:
    """StartRefused when settings contradict each other or cannot work."""
    _check_home(program.broker.rocketmq_home)
    addresses = program.broker.namesrv_addr
    if addresses is not None and not all(map(_is_address, addresses.split(";"))):
        raise StartRefused(ADDRESS_ILLEGAL.format(addresses), EXIT_BAD_SETTING)
    _check_role(program.store.broker_role, program.broker)


def check_broker_can_serve(program: BrokerProgram) -> None:
    """StartRefused for what would harm in this release; printing such settings is still allowed."""
    if program.store.broker_role is BrokerRole.SLAVE:
        raise _refused(
            program.store, "brokerRole", "this release has no replication: consumers would find nothing here"
        )
    if program.store.enable_d_leger_commit_log:
        raise _refused(program.store, "enableDLegerCommitLog", "this release has no DLedger: its store is another one")
    if not 3 <= program.server.listen_port < 65535:
        why = "the VIP port is two below it and the HA port one above: give one of 3..65534"
        raise _refused(program.server, "listenPort", why)


def check_namesrv(program: NamesrvProgram) -> None:
    """StartRefused when ROCKETMQ_HOME is unset, as upstream's."""
    _check_home(program.namesrv.rocketmq_home)


def _check_home(home: str | None) -> None:
    if home is None:
        raise StartRefused(HOME_UNSET, EXIT_BAD_HOME)


def _check_role(role: BrokerRole, broker: BrokerConfig) -> None:
    if role is BrokerRole.SLAVE:
        if broker.broker_id <= 0:
            raise StartRefused("Slave's brokerId must be > 0", EXIT_BAD_SETTING)
    elif broker.broker_id != 0:
        why = f"a {role.value} has brokerId 0: set brokerId=0, or brokerRole=SLAVE"
        raise _refused(broker, "brokerId", why)


def _refused(config: Settings, name: str, why: str) -> StartRefused:
    return StartRefused(f"{name}={config.text(name)} ({config.origin(name)}): {why}", EXIT_BAD_SETTING)


def _is_address(address: str) -> bool:
    """`host:port` with a numeric port; as upstream, what follows a second colon does not count."""
    host, colon, port = address.partition(":")
    number = port.partition(":")[0]
    return bool(host and colon and number.isascii() and number.isdigit() and 0 < int(number) < 65536)
