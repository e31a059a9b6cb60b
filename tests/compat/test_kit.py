"""The kit itself: skips that become failures, the image behind the same door as the jars, fastjson's dialect."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit import servers, tools, wire
from kit.process import Program, StartFailed

from tests import needs


def test_a_missing_tool_is_named_with_its_install_command(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(needs, "missing", {})
    monkeypatch.setitem(tools.INSTALL, "no-such-tool", "apt-get install no-such-tool")
    monkeypatch.delenv(needs.REQUIRE, raising=False)
    with pytest.raises(pytest.skip.Exception, match="install it with: apt-get install no-such-tool"):
        tools.need("no-such-tool")
    assert list(needs.missing) == ["no-such-tool"]


def test_a_missing_tool_fails_where_all_must_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(needs, "missing", {})
    monkeypatch.setitem(tools.INSTALL, "no-such-tool", "apt-get install no-such-tool")
    monkeypatch.setenv(needs.REQUIRE, "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-tool is missing"):
        tools.need("no-such-tool")


def test_a_program_that_ends_early_fails_with_its_words(tmp_path: Path):
    program = Program(["sh", "-c", "echo no room; exit 3"], tmp_path / "out", {}, tmp_path)
    with pytest.raises(StartFailed, match=r"(?s)ended with 3.*no room"):
        program.wait_ready(lambda: False, "it serves", 10)


def test_bodies_in_fastjson_s_dialect_are_read():
    body = b'{"t":{0:"a",1:"b"},"m":{{"brokerName":"x","queueId":0,"topic":"t"}:{"o":{-1:2}}}}'
    key = '{"brokerName":"x","queueId":0,"topic":"t"}'
    assert wire.loads(body) == {"t": {"0": "a", "1": "b"}, "m": {key: {"o": {"-1": 2}}}}


class FakeContainer:
    """What the SDK gives for a running container."""

    def __init__(self, calls: list[str]) -> None:
        self.calls = calls
        self.status = "running"

    def reload(self) -> None:
        self.calls.append("reload")

    def stop(self, timeout: int) -> None:
        self.calls.append(f"stop within {timeout}")

    def wait(self) -> dict[str, int]:
        return {"StatusCode": 143}

    def remove(self, force: bool) -> None:
        self.calls.append("remove")

    def logs(self, tail: int) -> bytes:
        return b"boot success"


class FakeEngine:
    """An engine that has the image and notes what it is asked to run."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.asked: dict[str, object] = {}
        self.images = self.containers = self

    def pull(self, name: str, tag: str) -> None:
        self.calls.append(f"pull {name}:{tag}")

    def run(self, image: str, command: list[str], **options: object) -> FakeContainer:
        self.asked = {"image": image, "command": command, **options}
        return FakeContainer(self.calls)


def test_the_image_is_run_on_the_test_s_own_folder_and_goes_away(tmp_path: Path):
    engine = FakeEngine()
    image = servers.UpstreamImage(engine)  # type: ignore[arg-type]
    running = image.broker(tmp_path, tmp_path / "broker.properties")
    running.wait_ready(lambda: True, "it serves", 5)
    assert engine.asked["image"] == "apache/rocketmq:4.5.2"
    assert engine.asked["command"] == ["sh", "mqbroker", "-c", str(tmp_path / "broker.properties")]
    assert engine.asked["network_mode"] == "host"
    shared = str(tmp_path.parents[1])
    assert engine.asked["volumes"] == {shared: {"bind": shared, "mode": "rw"}}
    assert running.tail() == "boot success"
    assert running.stop() == 143
    assert engine.calls[0] == "pull apache/rocketmq:4.5.2"
    assert engine.calls[-2:] == ["stop within 25", "remove"]


def test_without_an_engine_upstream_runs_from_its_jars(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    monkeypatch.setattr(servers.builds, "class_path", lambda project: f"jars of {project.name}")
    assert isinstance(servers.upstream(), servers.UpstreamJars)
