"""Bodies as fastjson prints them decode, and encode to the same bytes where their order means something."""

from pathlib import Path

import pytest

from rocketpy.protocol import admin_bodies, bodies, fastjson

DATA = Path(__file__).parent / "data" / "json"
PLAIN = {"BrokerRuntimeInfo": bodies.KVTable}
SAMPLES = sorted(path.stem for path in DATA.glob("*.json") if not path.stem.startswith("ConsumerOffset"))
# Upstream prints these in the order of a hash: any order is right.
HASH_ORDERED = {"LockBatchRequestBody", "LockBatchResponseBody"}


def body_class(stem):
    name = stem.split("_")[0]
    return PLAIN.get(name) or getattr(bodies, name, None) or getattr(admin_bodies, name)


@pytest.mark.parametrize("stem", SAMPLES)
def test_a_body_comes_out_as_it_went_in(stem):
    data = (DATA / f"{stem}.json").read_bytes()
    body = body_class(stem).decode(data)
    if stem in HASH_ORDERED:
        assert body_class(stem).decode(body.encode()) == body
        assert len(body.encode()) == len(data)
    else:
        assert body.encode() == data


def test_integer_keys_stand_without_quotes():
    data = (DATA / "ConsumerOffset_compact.json").read_bytes()
    assert fastjson.loads(data) == {"offsetTable": {"TopicTest@CG": {0: 5, 1: 6}}}
    assert fastjson.dumps(fastjson.loads(data)) == data


def test_the_pretty_file_says_the_same():
    pretty = fastjson.loads((DATA / "ConsumerOffset_pretty.json").read_bytes())
    assert pretty == fastjson.loads((DATA / "ConsumerOffset_compact.json").read_bytes())
