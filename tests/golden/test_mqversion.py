"""The list of versions is upstream's."""

from pathlib import Path

from rocketpy.protocol.mqversion import VERSIONS

ORDINALS = Path(__file__).parent / "data" / "mqversion_ordinals.txt"


def test_every_version_has_upstreams_ordinal():
    rows = [line.split() for line in ORDINALS.read_text().splitlines()]
    assert [(int(ordinal), name) for ordinal, name in rows] == list(enumerate(VERSIONS))
