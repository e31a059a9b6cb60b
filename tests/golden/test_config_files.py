"""`config/*.json` as RocketMQ 4.5.2 persisted them: read, and printed to the same bytes."""

from pathlib import Path

import pytest

from rocketpy import json_file
from rocketpy.protocol import fastjson

CONFIG = Path(__file__).parent / "data" / "store" / "config"
PRETTY = sorted(path for path in CONFIG.glob("*.json") if not path.name.startswith("namesrv_"))


@pytest.mark.parametrize("path", PRETTY, ids=lambda path: path.name)
def test_a_config_file_prints_to_the_same_bytes(path: Path) -> None:
    text = json_file.load(path)
    assert text is not None
    assert json_file.pretty(fastjson.loads(text)) == text
