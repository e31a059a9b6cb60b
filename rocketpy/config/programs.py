"""The settings of each program together: defaults of the program, then the file, then the command line."""

from dataclasses import dataclass

from rocketpy.advertised_address import Choice, choose_address, judge_address
from rocketpy.config.apply import apply_file
from rocketpy.config.broker import BrokerConfig, without_blanks
from rocketpy.config.environment import Environment
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.config.netty import BROKER_BUFFER_SIZE, NettyClientConfig, NettyServerConfig
from rocketpy.config.properties import PropertiesFile, load_properties
from rocketpy.config.setting import DEFAULT, Settings
from rocketpy.config.store import BrokerRole, MessageStoreConfig

NAMESRV_PORT = 9876
BROKER_PORT = 10911


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
    def kept_in(self) -> str:
        """The file that updates by request are kept in: that of -c, else upstream's place, which no start reads."""
        return self.file.path if self.file else f"{self.broker.environment.home}/store/config/broker.properties"

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
    loaded = load_properties(file) if file is not None else None
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
        load_properties(file) if file is not None else None,
    )
    if program.file:
        apply_file(program.file, program.settings)
    if namesrv_addr is not None:
        program.broker.namesrv_addr = without_blanks(namesrv_addr)  # an empty one is for the checks to refuse
    _follow_listen_port(program)
    _tell_role(program)
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


def _tell_role(program: BrokerProgram) -> None:
    entry = program.file.in_force().get("brokerRole") if program.file else None
    if program.file and entry and program.store.broker_role is BrokerRole.SYNC_MASTER:
        told = "brokerRole=SYNC_MASTER is not acted on in this release (master/slave replication): "
        program.file.remark(entry.line, told + "messages are stored, and senders hear SLAVE_NOT_AVAILABLE")
