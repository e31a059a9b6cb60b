"""Options, usage, exit codes and refusals of the command line, each in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from rocketpy.config import BrokerConfig, MessageStoreConfig, NettyClientConfig, NettyServerConfig

REPO = Path(__file__).parents[2]
GUIDE = REPO / "tests" / "fixtures" / "guide"
BROKER_USAGE = """\
usage: mqbroker [-c <arg>] [-h] [-m] [-n <arg>] [-p]
 -c,--configFile <arg>       Broker config properties file
 -h,--help                   Print help
 -m,--printImportantConfig   Print important config item
 -n,--namesrvAddr <arg>      Name server address list, eg: 192.168.0.1:9876;192.168.0.2:9876
 -p,--printConfigItem        Print all config item
"""
NAMESRV_USAGE = """\
usage: mqnamesrv [-c <arg>] [-h] [-n <arg>] [-p]
 -c,--configFile <arg>    Name server config properties file
 -h,--help                Print help
 -n,--namesrvAddr <arg>   Name server address list, eg: 192.168.0.1:9876;192.168.0.2:9876
 -p,--printConfigItem     Print all config item
"""


class CommandLine:
    """`rocketpy` with a home folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"HOME": str(self.home), "ROCKETMQ_HOME": "/opt/mq", "PYTHONPATH": str(REPO), **variables}
        command = [sys.executable, "-m", "rocketpy.cli", *arguments]
        return subprocess.run(
            command, env=environment, cwd=self.home, capture_output=True, text=True, check=False, timeout=30
        )


@pytest.fixture
def rocketpy(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path)


@pytest.mark.parametrize("mistake", ["-h", "--help", "-x", "--unknown", "-c", "-n"])
def test_help_and_mistakes_print_upstreams_usage(rocketpy: CommandLine, mistake: str) -> None:
    done = rocketpy("broker", mistake)
    assert (done.returncode, done.stdout, done.stderr) == (255, BROKER_USAGE, "")


def test_an_option_is_no_argument(rocketpy: CommandLine) -> None:
    assert rocketpy("broker", "-n", "-p").stdout == BROKER_USAGE


def test_usage_of_the_name_server(rocketpy: CommandLine) -> None:
    done = rocketpy("namesrv", "-h")
    assert (done.returncode, done.stdout) == (255, NAMESRV_USAGE)


@pytest.mark.parametrize("option", ["-p", "--printConfigItem"])
def test_p_prints_every_property_in_force(rocketpy: CommandLine, option: str) -> None:
    done = rocketpy("broker", "-c", str(GUIDE / "broker-a.properties"), option)
    lines = done.stdout.splitlines()
    names = [line.partition("=")[0] for line in lines]
    tables = (BrokerConfig, NettyServerConfig, NettyClientConfig, MessageStoreConfig)
    assert names == [name for table in tables for name in table.rows]
    assert {"brokerName=broker-a", "fileReservedTime=120", "mappedFileSizeConsumeQueue=6000000"} <= set(lines)
    assert "haMasterAddress=" in lines
    assert done.returncode == 0


def test_m_prints_the_important_ones(rocketpy: CommandLine) -> None:
    done = rocketpy("broker", "-m", "-n", "10.0.0.1:9876")
    assert "namesrvAddr=10.0.0.1:9876\n" in done.stdout
    assert "flushDiskType=ASYNC_FLUSH\n" in done.stdout
    assert "maxMessageSize" not in done.stdout


def test_p_also_tells_what_of_the_file_is_not_in_force(rocketpy: CommandLine) -> None:
    (rocketpy.home / "b.conf").write_text("brokerNmae=x\nbrokerName=y \n")
    done = rocketpy("broker", "-c", "b.conf", "-p")
    assert done.returncode == 0
    assert "brokerName=y\n" in done.stdout
    told = "b.conf:1: brokerNmae is no property of this program and has no effect; the nearest one is brokerName\n"
    assert done.stderr == told


def test_printing_opens_nothing(rocketpy: CommandLine) -> None:
    rocketpy("broker", "-p")
    rocketpy("namesrv", "-p")
    assert list(rocketpy.home.iterdir()) == []


def test_p_of_the_name_server(rocketpy: CommandLine) -> None:
    file = rocketpy.home / "n.conf"
    file.write_text("listenPort=19876\n")
    done = rocketpy("namesrv", "-c", str(file), "-p")
    first, *lines = done.stdout.splitlines()
    assert first == f"load config properties file OK, {file}"
    assert {"listenPort=19876", f"configStorePath={file}", "orderMessageEnable=false"} <= set(lines)


@pytest.mark.parametrize(
    ("text", "code", "stdout", "stderr"),
    [
        ("brokerRole=SLAVE", 253, "", "Slave's brokerId must be > 0"),
        ("brokerRole=SLAVE\nbrokerId=1", 253, "", "brokerRole=SLAVE"),
        ("brokerId=2", 253, "", "brokerId=2"),
        (
            "namesrvAddr=10.0.0.1",
            253,
            'The Name Server Address[10.0.0.1] illegal, please set it as follows, "127.0.0.1:9876;192.168.0.1:9876"\n',
            "",
        ),
        ("enableDLegerCommitLog=true", 253, "", "enableDLegerCommitLog=true"),
        ("listenPort=2", 253, "", "listenPort=2"),
    ],
)
def test_settings_that_cannot_be_refuse_the_start(
    rocketpy: CommandLine, text: str, code: int, stdout: str, stderr: str
) -> None:
    (rocketpy.home / "b.conf").write_text(text)
    done = rocketpy("broker", "-c", "b.conf")
    assert (done.returncode, done.stdout) == (code, stdout)
    assert stderr in done.stderr
    assert done.stderr.count("\n") == (1 if stderr else 0)
    assert sorted(path.name for path in rocketpy.home.iterdir()) == ["b.conf", "logs"]
    told = (rocketpy.home / "logs" / "rocketmqlogs" / "broker.log").read_text()
    assert told.endswith(f" ERROR MainThread - {done.stdout or done.stderr}")
    assert told.count("\n") == 1


@pytest.mark.parametrize("program", ["broker", "namesrv"])
def test_a_file_that_is_not_there_refuses_the_start(rocketpy: CommandLine, program: str) -> None:
    done = rocketpy(program, "-c", "/nowhere/b.conf")
    assert done.returncode == 255
    assert done.stderr == "/nowhere/b.conf does not exist: give an existing properties file to -c\n"


def test_an_empty_argument_is_refused(rocketpy: CommandLine) -> None:
    no_file = rocketpy("broker", "-c", "")
    assert (no_file.returncode, no_file.stderr) == (255, "'' is no path: give an existing properties file to -c\n")
    no_address = rocketpy("broker", "-n", "")
    assert no_address.returncode == 253
    assert no_address.stdout.startswith("The Name Server Address[] illegal, ")


@pytest.mark.parametrize("program", ["broker", "namesrv"])
def test_no_home_is_told_on_stdout_as_upstream_does(rocketpy: CommandLine, program: str) -> None:
    done = rocketpy(program, ROCKETMQ_HOME="")
    assert done.returncode == 254
    assert done.stdout == (
        "Please set the ROCKETMQ_HOME variable in your environment to match the location of the RocketMQ installation\n"
    )


@pytest.mark.parametrize("program", ["broker", "namesrv"])
def test_logs_that_cannot_be_written_refuse_the_start(rocketpy: CommandLine, program: str) -> None:
    (rocketpy.home / "logs").write_text("a file where a folder must be")
    done = rocketpy(program)
    assert done.returncode == 255
    assert done.stderr.startswith(f"logs cannot be written: {rocketpy.home}/logs")
    assert "ROCKETMQ_LOG_ROOT" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (rocketpy.home / "store").exists()


def test_mqshutdown_speaks_upstreams_words(rocketpy: CommandLine) -> None:
    done = rocketpy("shutdown", "proxy")
    assert (done.returncode, done.stdout) == (255, "Useage: mqshutdown broker | namesrv\n")
    assert rocketpy("shutdown").stdout == "Useage: mqshutdown broker | namesrv\n"


def test_start_up_imports_nothing_heavy_before_it_serves(rocketpy: CommandLine) -> None:
    code = (
        "import sys, rocketpy.cli; print([m for m in ('uvloop', 'rich', 'rocketpy.broker.broker') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPO, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
