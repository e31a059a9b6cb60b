"""The orders below were printed by a java.util.HashMap (OpenJDK 17) into which the names were put."""

import pytest

from rocketpy.store.property_order import encode_in_map_order, map_order

LIKE = ["".join("Aa" if number >> bit & 1 == 0 else "BB" for bit in range(4)) for number in range(10)]
ORDERS = {
    "a delay": (
        "UNIQ_KEY WAIT TAGS KEYS DELAY REAL_TOPIC REAL_QID",
        "REAL_TOPIC KEYS UNIQ_KEY WAIT DELAY TAGS REAL_QID",
    ),
    "more than twelve: the table has doubled": (
        "KEYS DELAY UNIQ_KEY WAIT TAGS own 中文 🚀 REAL_TOPIC REAL_QID RETRY_TOPIC ORIGIN_MESSAGE_ID CLUSTER "
        "MIN_OFFSET",
        "own MIN_OFFSET REAL_TOPIC 中文 ORIGIN_MESSAGE_ID RETRY_TOPIC KEYS 🚀 UNIQ_KEY CLUSTER DELAY WAIT TAGS "
        "REAL_QID",
    ),
    "names of one hash stay as they were put": ("AaAa BBBB AaBB BBAa C b AaC#", "b C AaAa BBBB AaBB BBAa AaC#"),
    "the other way round": ("BBAa AaBB BBBB AaAa", "BBAa AaBB BBBB AaAa"),
    "nine in a bucket double a small table": (" ".join([*LIKE, "x", "p7", "q"]), " ".join(["p7", *LIKE, "q", "x"])),
}


@pytest.mark.parametrize("case", ORDERS)
def test_the_order_is_that_of_javas_hash_map(case: str) -> None:
    put, expected = ORDERS[case]
    assert map_order(put.split()) == expected.split()


def test_text_in_that_order_stays_as_it_is() -> None:
    names = ORDERS["a delay"][1].split()
    assert map_order(names) == names
    assert encode_in_map_order({"TAGS": "A", "KEYS": "k"}) == b"KEYS\x01k\x02TAGS\x01A\x02"
