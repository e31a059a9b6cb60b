"""Java's hash order, decimals, times and pretty JSON."""

import pytest

from rocketpy.admin.java import decimals, hash_order, local_time, local_time_ms, queue_hash, string_hash, string_order
from rocketpy.protocol.fastjson_pretty import pretty
from rocketpy.protocol.message_queue import MessageQueue


def test_hash_codes_are_javas():
    assert string_hash("Aa") == string_hash("BB") == 2112
    assert string_hash("") == 0
    assert queue_hash(MessageQueue("", "", 3)) == (31 * (31 * 31 + 3))


def test_hash_order_is_that_of_the_table():
    assert string_order(["c", "a", "b", "a"]) == ["a", "b", "c"]
    assert string_order(["BB", "Aa"]) == ["BB", "Aa"]  # one bucket: as they came
    assert hash_order([17, 1, 16], lambda number: number) == [16, 17, 1]  # 16 buckets
    assert hash_order(range(12, -1, -1), lambda number: number) == list(range(13))  # 32 of them


@pytest.mark.parametrize(
    ("value", "text"), [(0.125, "0.13"), (2.675, "2.68"), (0.0, "0.00"), (1234567.891, "1234567.89"), (-0.005, "-0.01")]
)
def test_halves_go_up(value, text):
    assert decimals(value, 2) == text


def test_times_are_local(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert local_time(0) == "1970-01-01 08:00:00"
        assert local_time_ms(1007) == "1970-01-01 08:00:01,007"
        assert local_time(10**30) == str(10**30)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_maps_begin_a_line_only_for_keys_of_text():
    assert pretty({"a": {0: "x", 1: "y"}, "b": {}, "c": []}) == '{\n\t"a":{0:"x",1:"y"\n\t},\n\t"b":{},\n\t"c":[]\n}'
