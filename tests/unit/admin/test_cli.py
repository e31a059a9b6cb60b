"""The frame: the list, help, mistakes, exit codes, and errors that say what to look at."""

import ast
import io
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rocketpy.admin import cli, registry
from rocketpy.admin.command import Command, Given, Option, UsageMistake
from rocketpy.admin.items import Column, Failed, Rows, Said, Table
from rocketpy.admin.render import renderer
from rocketpy.errors import RocketPyError

RECORDED = Path(__file__).parents[2] / "fixtures" / "mqadmin"


def test_alone_it_lists_the_commands(no_servers):
    found = no_servers.bare()
    assert found.code == 0
    assert found.out == registry.listing()
    assert found.lines[0] == "The most commonly used mqadmin commands are:"
    assert no_servers.bare("help").out == found.out


@pytest.mark.parametrize("words", ["help topicroute", "topicRoute -h", "TOPICROUTE --help", "topicRoute -htT"])
def test_help_prints_the_usage(no_servers, words):
    found = no_servers.bare(*words.split())
    assert (found.code, found.err) == (0, "")
    assert found.lines[0] == "usage: mqadmin topicRoute [-h] [-n <arg>] -t <arg>"
    assert found.lines[1] == " -h,--help                Print help"


@pytest.mark.parametrize("words", [("nosuchcmd",), ("help", "nosuchcmd"), ("nosuchcmd", "-h")])
def test_an_unknown_command(no_servers, words):
    found = no_servers.bare(*words)
    assert (found.code, found.out) == (2, "The sub command nosuchcmd not exist.\n")


def test_a_missing_option_shows_the_usage_and_names_it(no_servers):
    found = no_servers.bare("topicRoute")
    assert found.code == 2
    assert found.lines[0] == "usage: mqadmin topicRoute [-h] [-n <arg>] -t <arg>"
    assert found.err == "mqadmin: topicRoute: Missing required option: t\n"


def test_no_name_server_is_known(no_servers):
    found = no_servers.bare("topicList")
    assert (found.code, found.out) == (1, "")
    assert found.err == (
        "mqadmin: topicList: no name server is given: use -n host:port;host:port, or set NAMESRV_ADDR\n"
    )


def test_nothing_listens_there(no_servers):
    found = no_servers.bare("topicList", "-n", "127.0.0.1:1")
    assert (found.code, found.out) == (1, "")
    assert "name server 127.0.0.1:1 cannot be reached: Connection refused: is it running there" in found.err
    found = no_servers.bare("topicList", "-n", "no-such-host.invalid:9876")
    assert "name server no-such-host.invalid:9876 cannot be reached: " in found.err and "Errno" not in found.err
    assert found.err.count("\n") == 1


@pytest.mark.parametrize("address", ["localhost", "a:b", "127.0.0.1:99999", "127.0.0.1:1,127.0.0.1:2"])
def test_an_address_that_is_none(no_servers, address):
    found = no_servers.bare("topicList", "-n", address)
    assert (found.code, found.err) == (
        1,
        f"mqadmin: topicList: name server '{address}' is not host:port: give an address such as 10.0.0.1:9876, several "
        "with ; between them\n",
    )


def test_a_brokers_address_that_is_none(no_servers):
    found = no_servers.bare("brokerStatus", "-b", "localhost")
    assert (found.code, found.err) == (
        1, "mqadmin: brokerStatus: broker 'localhost' is not host:port: give an address such as 10.0.0.1:10911\n"
    )  # fmt: skip


def test_a_broker_is_asked_without_a_name_server(no_servers, cluster):
    """As with upstream's tool, whose -b needs no -n; what only a name server knows is still said to be missing."""
    assert no_servers.bare("brokerStatus", "-b", cluster.broker_addr).code == 0
    assert no_servers.bare("updateTopic", "-b", cluster.broker_addr, "-t", "Alone").code == 0
    words = "updateTopic", "-b", cluster.broker_addr, "-t", "Alone", "-o", "true"
    missing = "no name server is given: use -n host:port;host:port, or set NAMESRV_ADDR\n"
    assert no_servers.bare(*words).err == f"mqadmin: updateTopic: {missing}"
    assert no_servers.bare("brokerStatus", "-c", "DefaultCluster").err == f"mqadmin: brokerStatus: {missing}"


def test_an_error_is_one_line_of_the_program_too():
    """Something else than RocketMQ listens: the connection's own line is not told beside it."""
    def answer():
        taken, _ = server.accept()
        taken.recv(100)
        taken.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        taken.recv(100)
        taken.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        environment = {**os.environ, "NAMESRV_ADDR": f"127.0.0.1:{server.getsockname()[1]}"}
        command = [sys.executable, "-m", "rocketpy.admin", "topicList"]
        found = subprocess.run(command, env=environment, capture_output=True, text=True)
        thread.join()
    assert (found.returncode, found.stderr.count("\n")) == (1, 1), found.stderr


def test_a_misspelt_command(no_servers):
    found = no_servers.bare("topcList")
    assert found.err == "mqadmin: `mqadmin` alone lists all commands; is topicList meant?\n"


def test_one_of_several_name_servers_is_enough(mqadmin, cluster):
    assert mqadmin.bare("topicList", "-n", f"127.0.0.1:1;{cluster.namesrv_addr}").code == 0


@pytest.mark.parametrize("name", ["NAMESRV_ADDR", "JAVA_OPT"])
def test_the_surroundings_name_the_name_servers(mqadmin, cluster, monkeypatch, name):
    value = cluster.namesrv_addr if name == "NAMESRV_ADDR" else f"-Drocketmq.namesrv.addr={cluster.namesrv_addr}"
    monkeypatch.setenv(name, value)
    assert mqadmin.bare("topicList").code == 0


def test_a_broker_is_no_name_server(mqadmin, cluster):
    found = mqadmin.bare("topicList", "-n", cluster.broker_addr)
    assert found.code == 1
    assert f"{cluster.broker_addr} is no name server" in found.err


def test_no_route_and_what_is_near(mqadmin, cluster):
    cluster.create_topic("Orders")
    found = mqadmin("topicRoute", "-t", "Order")
    assert (found.code, found.out) == (1, "")
    assert found.err.startswith(
        "mqadmin: topicRoute: No route info of this topic, Order: no broker has it; there is Orders "
    )


def test_a_group_that_is_not_there(mqadmin, cluster):
    cluster.create_topic("%RETRY%billing")
    found = mqadmin("consumerConnection", "-g", "biling")
    assert found.code == 1
    assert "no client of that group was ever there; there is billing (mqadmin consumerProgress" in found.err


ROWS = Table("%-4s|%s", (Column("#A", "a", 2), Column("#B", "b", show=lambda value: f"<{value}>")), head="%-4s|%s")


async def told(session, given):
    rows = Rows(ROWS)
    yield rows.head
    yield rows.row(a="abc", b=1)
    yield rows.row(a=None, b=2)
    yield Said("done", {"done": True})
    if "x" in given:
        yield Failed("here", RocketPyError("it is broken"))
    if "y" in given:
        raise UsageMistake("-y is no good", show_usage=False)


TELL = Command(
    "tell", told, (Option("x", "xx", "", flag=True), Option("y", "yy", "", flag=True)), asks=lambda given: "sure?"
)


def test_text_and_json_say_the_same(capsys):
    assert cli.call(TELL, Given({})) == 0
    assert capsys.readouterr().out == "#A  |#B\nab  |<1>\n    |<2>\ndone"
    assert cli.call(TELL, Given({"json": ""})) == 0
    assert capsys.readouterr().out == '{"a": "abc", "b": 1}\n{"a": null, "b": 2}\n{"done": true}\n'


def test_what_fails_in_part_is_told_and_counts(capsys):
    assert cli.call(TELL, Given({"x": ""})) == 1
    assert capsys.readouterr().err == "mqadmin: tell: here: it is broken\n"
    assert cli.call(TELL, Given({"y": ""})) == 2
    assert capsys.readouterr().err == "mqadmin: tell: -y is no good\n"


class Screen:
    """A stream that says it is a terminal."""

    def __init__(self, monkeypatch, answer=""):
        import io

        class Tty(io.StringIO):
            def isatty(self):
                return True

        self.out = Tty()
        monkeypatch.setattr(sys, "stdout", self.out)
        monkeypatch.setattr(sys, "stdin", Tty(answer))


def test_a_terminal_is_asked_before_something_is_lost(monkeypatch, capsys):
    screen = Screen(monkeypatch, "n\n")
    assert cli.call(TELL, Given({})) == 1
    assert "done" not in screen.out.getvalue()
    screen = Screen(monkeypatch, "y\n")
    assert cli.call(TELL, Given({})) == 0
    assert "done" in screen.out.getvalue()
    screen = Screen(monkeypatch)
    assert cli.call(TELL, Given({"yes": ""})) == 0
    assert "done" in screen.out.getvalue()


def test_a_terminal_gets_an_aligned_table(monkeypatch):
    screen = Screen(monkeypatch)
    monkeypatch.setenv("TERM", "dumb")
    cli.call(TELL, Given({"yes": ""}))
    assert [line.rstrip() for line in screen.out.getvalue().splitlines()] == [
        "#A   #B",
        "abc  <1>",
        "     <2>",
        "done",
    ]


async def wide(session, given):
    rows = Rows(ROWS)
    yield rows.head
    yield rows.row(a="a" * 60, b="b" * 60)


def test_a_terminal_that_is_too_narrow_gets_whole_rows(monkeypatch):
    screen = Screen(monkeypatch)
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "80")
    cli.call(Command("wide", wide), Given({}))
    assert [line.split() for line in screen.out.getvalue().splitlines()] == [["#A", "#B"], ["a" * 60, f"<{'b' * 60}>"]]


def test_a_reader_that_goes_away_is_no_fault(cluster):
    process = subprocess.run(
        f"{sys.executable} -m rocketpy.admin topicList -n {cluster.namesrv_addr} | true",
        shell=True, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert process.stderr == ""


def test_closed_streams_are_no_fault():
    process = subprocess.run(
        f"{sys.executable} -m rocketpy.admin help <&- >&-; echo $?",
        shell=True, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (process.stdout, process.stderr) == ("0\n", "")


@pytest.mark.parametrize(
    ("words", "absent"),
    [([], {"asyncio", "rocketpy.client"}), (["help", "topicRoute"], {"uvloop", "rich", "yaml"})],
)
def test_help_is_quick_because_little_is_imported(words, absent):
    script = f"import sys, rocketpy.admin.cli as cli; cli.guarded({words!r}); print(sorted(set(sys.modules)))"
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True)
    assert not absent & set(ast.literal_eval(process.stdout.splitlines()[-1]))


@pytest.mark.parametrize("words", [("topicRoute", "-t", "a\udcff"), ("sendMessage", "-t", "T", "-p", "\udcff\udcfe")])
def test_a_value_that_is_no_utf_8_is_refused(no_servers, words):
    found = no_servers.bare(*words, "-n", "127.0.0.1:1")
    assert (found.code, found.out) == (2, "")
    assert found.err == f"mqadmin: {words[0]}: {words[-2]}: its value is not UTF-8\n"


@pytest.mark.parametrize("words", [["help", "topicRoute"], []])
def test_a_full_disk_is_one_line(words):
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "rocketpy.admin", *words]
        found = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (found.returncode, found.stderr) == (1, "mqadmin: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_json_is_json_whatever_the_stream_can_write(encoding):
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
    output = renderer(as_json=True, out=out)
    output.take(Said("", {"name": "\u00e9 \U0001f600 \u4e2d"}))
    output.end()
    assert json.loads(out.buffer.getvalue().decode(encoding)) == {"name": "\u00e9 \U0001f600 \u4e2d"}


def test_a_server_of_something_else_closes_the_connection(no_servers):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)

        thread = threading.Thread(target=serve)
        thread.start()
        found = no_servers.bare("topicList", "-n", address)
        thread.join()
    assert found.err == (
        f"mqadmin: topicList: name server {address}: the connection to {address} is closed: "
        "it was stopped, or no RocketMQ server listens there\n"
    )
