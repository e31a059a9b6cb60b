"""The quickstart as a new user meets it: one process that checks itself, tells how to connect, and stops cleanly."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rocketpy import quickstart_ports
from rocketpy.cli import quickstart as command
from rocketpy.errors import StartRefused
from rocketpy.quickstart import Quickstart, check_ports
from tests.ports import free_broker_port, free_port

WAIT_S = 30
REPO = Path(__file__).parents[2]


def test_it_checks_itself_tells_how_to_connect_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    ports = ["--namesrv-port", str(free_port()), "--port", str(free_broker_port())]
    program = [sys.executable, "-m", "rocketpy.cli", "quickstart", *ports, "--store", str(tmp_path / "store")]
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        lines = []
        for line in running.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C"):
                running.send_signal(signal.SIGINT)
        assert running.wait(WAIT_S) == 0
    text = "".join(lines)
    assert text.startswith("A message was sent and consumed")
    assert all(word in text for word in ("Java ", "Go ", "Python ", f"127.0.0.1:{ports[1]}", str(tmp_path / "store")))
    assert not (tmp_path / "store/broker/abort").exists()


@pytest.mark.parametrize(("taken", "option"), [("namesrv", "--namesrv-port"), ("broker", "--port"), ("vip", "--port")])
def test_a_port_in_use_names_the_option_that_chooses_another(tmp_path: Path, taken: str, option: str) -> None:
    port = free_broker_port()
    asked = Quickstart(free_port(), port, tmp_path)
    number = {"namesrv": asked.namesrv_port, "broker": port, "vip": port - 2}[taken]
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", number))
        holder.listen()
        with pytest.raises(StartRefused, match=f"port {number} is in use.*{option} "):
            check_ports(asked.namesrv_port, asked.port)
    assert not any(tmp_path.iterdir())


def test_what_looks_at_the_ports_has_the_options_of_the_command() -> None:
    parser = quickstart_ports.options()
    of_command = {name: option for option in command.params for name in option.opts}
    assert {name for action in parser._actions for name in action.option_strings} - {"-h", "--help"} == set(of_command)
    asked = parser.parse_args([])
    assert (asked.namesrv_port, asked.port) == (of_command["--namesrv-port"].default, of_command["--port"].default)


def test_the_ports_are_looked_at_with_nothing_built(capfd: pytest.CaptureFixture[str]) -> None:
    port = free_broker_port()
    program = [sys.executable, "-S", "-m", "rocketpy.quickstart_ports", "--namesrv-port", str(free_port())]
    run = [*program, "--port", str(port)]
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", port))
        holder.listen()
        assert subprocess.run(run, cwd=REPO, check=False).returncode == 255
    assert f"port {port} is in use" in capfd.readouterr().err
    assert subprocess.run(run, cwd=REPO, check=False).returncode == 0


@pytest.mark.parametrize("words", [["quickstart", "--port", "ten"], ["quickstart", "--prot"], ["nosuch"]])
def test_a_mistake_in_the_usage_has_upstreams_exit_code(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "rocketpy.cli", *words], capture_output=True, check=False, cwd=REPO)
    assert (done.returncode, done.stdout) == (255, b"")
