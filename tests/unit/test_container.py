"""The image's entry and layout: official commands reach the scripts, and each thing the Dockerfile names is there."""

import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from rocketpy.cli import main
from rocketpy.config import BrokerConfig, MessageStoreConfig, NettyClientConfig, NettyServerConfig
from rocketpy.config.apply import apply_file
from rocketpy.config.properties import load_properties

REPO = Path(__file__).parents[2]
HOME = "/home/rocketmq/rocketmq-4.5.2"
DOCKERFILE = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", (REPO / "Dockerfile").read_text()))
LINES = [line.split(None, 1) for line in DOCKERFILE.splitlines() if line.strip()]
COMPOSE = yaml.safe_load((REPO / "docker" / "compose.yml").read_text())["services"]
TELLING = '#!/bin/sh\necho "$(basename "$0")"; for word in "$@"; do echo "[$word]"; done\n'


def of(word: str) -> list[str]:
    """What stands behind an instruction, each time it is used."""
    return [rest for name, rest in LINES if name == word]


@pytest.fixture
def entrypoint(tmp_path: Path) -> Path:
    """bin/ of the image with scripts that say how they were called."""
    for name in ("mqnamesrv", "mqbroker", "mqadmin"):
        (tmp_path / name).write_text(TELLING)
        (tmp_path / name).chmod(0o755)
    return Path(shutil.copy(REPO / "docker" / "docker-entrypoint.sh", tmp_path))


@pytest.mark.parametrize(
    ("command", "role", "called"),
    [
        ("sh mqnamesrv", "", "mqnamesrv"),
        ("sh mqbroker -n n:9876 -c ../conf/broker.conf", "", "mqbroker [-n] [n:9876] [-c] [../conf/broker.conf]"),
        ("sh mqbroker -n a:9876 autoCreateTopicEnable=true", "", "mqbroker [-n] [a:9876] [autoCreateTopicEnable=true]"),
        ("./mqadmin clusterList -n a:9876", "", "mqadmin [clusterList] [-n] [a:9876]"),
        ("mqbroker -p", "", "mqbroker [-p]"),
        ("nameserver", "", "mqnamesrv"),
        ("broker -c /a/b.conf", "", "mqbroker [-c] [/a/b.conf]"),
        ("dummy", "broker", "mqbroker"),
        ("broker -c x", "broker", "mqbroker [-c] [x]"),
        ("-c x", "broker", "mqbroker [-c] [x]"),
        ("", "nameserver", "mqnamesrv"),
    ],
)
def test_official_commands(entrypoint: Path, command: str, role: str, called: str) -> None:
    environment = {"PATH": f"{entrypoint.parent}:/usr/bin:/bin", "NODE_ROLE": role}
    words = [entrypoint, *command.split()]
    done = subprocess.run(words, cwd=entrypoint.parent, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == called.split()


def test_no_command_is_told_what_to_give(entrypoint: Path) -> None:
    done = subprocess.run([entrypoint], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (255, "")
    assert done.stderr == "give a command: sh mqnamesrv, or sh mqbroker -n <name server>:9876 -c <file>\n"


@pytest.mark.parametrize(("given", "home"), [("/", "/home/rocketmq"), ("", "/home/rocketmq"), ("/root", "/root")])
def test_a_uid_without_a_home_has_the_images(entrypoint: Path, given: str, home: str) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": given}
    command = [entrypoint, "sh", "-c", 'echo "$HOME"']
    assert subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout == f"{home}\n"


def test_the_servers_are_process_1(entrypoint: Path) -> None:
    """Each step execs the next, so that the signals of `docker stop` reach the server itself."""
    (entrypoint.parent / "mqbroker").write_text("#!/bin/sh\necho $$\n")
    with subprocess.Popen([entrypoint, "broker"], stdout=subprocess.PIPE, text=True) as process:
        assert process.communicate()[0] == f"{process.pid}\n"
    for script in ("mqbroker", "mqnamesrv"):
        last = (REPO / "bin" / script).read_text().splitlines()[-1]
        assert last.startswith("exec ")


def test_every_source_is_there_and_sent_to_the_builder() -> None:
    sent = {line[1:] for line in (REPO / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = [word for rest in of("COPY") if "--from" not in rest for word in rest.split()[:-1]]
    assert len(sources) > 8
    for source in sources:
        assert (REPO / source).exists(), source
        assert source.split("/")[0] in sent, source


def test_what_the_source_distribution_needs_is_copied() -> None:
    """`pip install .` reads these, and fails without."""
    copied = " ".join(of("COPY"))
    for name in ("setup.py", "pyproject.toml", "README.md", "rocketpy/"):
        assert name in copied


def test_official_folders_user_and_ports() -> None:
    assert of("EXPOSE") == ["9876 10909 10911 10912"]
    assert {"uid=3000", "gid=3000", "user=rocketmq", "group=rocketmq"} == set(of("ARG"))
    assert of("USER") == ["${user}"]
    assert of("WORKDIR")[-1] == f"{HOME}/bin"
    environment = dict(word.split("=", 1) for word in shlex.split(of("ENV")[0]))
    assert environment["ROCKETMQ_HOME"] == HOME
    assert environment["ROCKETMQ_VERSION"] == "4.5.2"
    assert "HOME" not in environment  # root's is /root, where some compose files mount the store
    assert "mkdir -p /home/rocketmq/store /home/rocketmq/logs /home/rocketmq/namesrv" in DOCKERFILE
    assert f"ln -s {HOME} /opt/rocketmq-4.5.2" in DOCKERFILE


def test_entry_and_health_check_exist() -> None:
    (entry,) = json.loads(of("ENTRYPOINT")[0])
    assert entry == f"{HOME}/bin/docker-entrypoint.sh"
    assert os.access(REPO / "docker" / "docker-entrypoint.sh", os.X_OK)
    program, command = json.loads(of("HEALTHCHECK")[0].partition("CMD")[2])
    assert program == f"{HOME}/.venv/bin/rocketpy"
    assert command in main.commands
    assert 'rocketpy = "rocketpy.cli:main"' in (REPO / "pyproject.toml").read_text()


@pytest.mark.parametrize("name", COMPOSE)
def test_the_compose_file_starts_what_there_is(name: str) -> None:
    service: dict[str, Any] = COMPOSE[name]
    words = shlex.split(service["command"])
    assert words[0] == "sh"
    assert (REPO / "bin" / words[1]).exists()
    known = (REPO / "docs" / "config.md").read_text()
    assert all(f"`{variable}`" in known for variable in service["environment"])
    exposed = of("EXPOSE")[0].split()
    assert {port.split(":")[1] for port in service["ports"]} <= set(exposed)
    mounts = dict(reversed(volume.split(":")) for volume in service["volumes"])
    assert all(target.startswith("/home/rocketmq/") for target in mounts)
    if "-c" in words:
        file = Path(words[words.index("-c") + 1])
        assert (REPO / "docker" / mounts[str(file.parent)] / file.name).is_file()


def test_the_sample_of_the_compose_file_has_nothing_to_remark() -> None:
    file = load_properties(str(REPO / "docker" / "conf" / "broker.conf"))
    apply_file(file, (BrokerConfig(), NettyServerConfig(), NettyClientConfig(), MessageStoreConfig()))
    assert file.remarks == []
