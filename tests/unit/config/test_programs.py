"""Defaults of the programs, and precedence of the command line."""

from pathlib import Path

from rocketpy.config import Environment
from rocketpy.config.programs import BrokerProgram, broker_program, namesrv_program

HOME = {"HOME": "/home/op", "ROCKETMQ_HOME": "/opt/mq"}


def started(text: str = "", option: str | None = None, tmp_path: Path | None = None, **variables: str) -> BrokerProgram:
    file = None
    if tmp_path:
        (tmp_path / "broker.conf").write_text(text)
        file = str(tmp_path / "broker.conf")
    return broker_program(Environment(variables={**HOME, **variables}, cores=2), file, option)


def test_a_brokers_ports_and_buffers() -> None:
    program = started()
    assert (program.server.listen_port, program.store.ha_listen_port) == (10911, 10912)
    assert program.server.server_socket_snd_buf_size == 131072
    assert program.client.client_socket_rcv_buf_size == 131072
    assert program.broker.rocketmq_home == "/opt/mq"


def test_a_system_property_sets_the_buffers() -> None:
    program = started(JAVA_OPT="-Dcom.rocketmq.remoting.socket.sndbuf.size=4096")
    assert program.server.server_socket_snd_buf_size == 4096
    assert program.server.server_socket_rcv_buf_size == 131072


def test_the_option_overrules_the_file_and_the_file_the_variable(tmp_path: Path) -> None:
    assert started(NAMESRV_ADDR="v:1").broker.namesrv_addr == "v:1"
    assert started("namesrvAddr=f:1", tmp_path=tmp_path, NAMESRV_ADDR="v:1").broker.namesrv_addr == "f:1"
    assert started("namesrvAddr=f:1", "o:1", tmp_path).broker.namesrv_addr == "o:1"


def test_the_ha_port_follows_the_listen_port(tmp_path: Path) -> None:
    program = started("listenPort=20911\nhaListenPort=7\n", tmp_path=tmp_path)
    assert program.store.ha_listen_port == 20912
    assert program.file
    assert "haListenPort=7 is not used: 20912 is in force, always listenPort+1" in program.file.remarks[-1].text


def test_a_sync_master_is_told_that_it_has_no_slave_yet(tmp_path: Path) -> None:
    program = started("brokerRole=SYNC_MASTER\n", tmp_path=tmp_path)
    assert program.file
    assert "senders hear SLAVE_NOT_AVAILABLE" in program.file.remarks[-1].text


def test_the_file_of_a_name_server_is_the_one_it_updates(tmp_path: Path) -> None:
    file = tmp_path / "namesrv.properties"
    file.write_text("listenPort=19876\norderMessageEnable=true\n")
    program = namesrv_program(Environment(variables=HOME), str(file))
    assert program.namesrv.config_store_path == str(file)
    assert (program.server.listen_port, program.namesrv.order_message_enable) == (19876, True)
    assert namesrv_program(Environment(variables=HOME), None).server.listen_port == 9876


def test_the_advertised_address_has_a_reason(tmp_path: Path) -> None:
    program = started("\nbrokerIP1=127.0.0.1", tmp_path=tmp_path)
    choice = program.advertised
    assert choice.address == "127.0.0.1"
    assert choice.reason.endswith("broker.conf:2")
    assert "loopback" in choice.warning
    assert started().advertised.address == started().broker.broker_ip1
