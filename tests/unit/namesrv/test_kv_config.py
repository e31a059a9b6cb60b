"""KV values and their file."""

from pathlib import Path

import pytest

from rocketpy.errors import StartRefused
from rocketpy.namesrv.kv_config import KVConfig


def test_values_survive_and_namespaces_stay(tmp_path: Path) -> None:
    path = tmp_path / "namesrv" / "kvConfig.json"
    config = KVConfig(path)
    config.load()
    assert config.namespace("NS") is None
    assert config.get("NS", "k") is None
    config.put("NS", "k", "v")
    config.put("NS", "k", "w")
    assert path.read_text() == '{"configTable":{"NS":{"k":"w"}}}'
    assert (tmp_path / "namesrv" / "kvConfig.json.bak").read_text() == '{"configTable":{"NS":{"k":"v"}}}'
    again = KVConfig(path)
    again.load()
    assert again.get("NS", "k") == "w"
    again.delete("NS", "k")
    again.delete("NS", "k")
    again.delete("unknown", "k")
    assert again.namespace("NS") == {}
    assert again.namespace("unknown") is None
    assert path.read_text() == '{"configTable":{"NS":{}}}'
    again.log_all()


def test_upstreams_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "kvConfig.json"
    path.write_text('{"configTable":{"ORDER_TOPIC_CONFIG":{"OrderT":"broker-a:4"}}}')
    config = KVConfig(path)
    config.load()
    assert config.namespace("ORDER_TOPIC_CONFIG") == {"OrderT": "broker-a:4"}


@pytest.mark.parametrize("text", ["[]", '{"configTable":[1]}', '{"configTable":{"NS":"k"}}'])
def test_json_that_is_no_table_stops_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kvConfig.json"
    path.write_text(text)
    with pytest.raises(StartRefused, match=r"kvConfig\.json holds no KV table: restore it from kvConfig\.json\.bak"):
        KVConfig(path).load()
