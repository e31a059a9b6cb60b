"""Filters of consumer groups: registered, replaced, dead and alive, cleaned, and kept in upstream's file."""

import json
from pathlib import Path

import pytest

from rocketpy.broker.consumer_filters import ConsumerFilters
from rocketpy.clock import ManualClock
from rocketpy.config import BrokerConfig
from rocketpy.errors import StartRefused
from rocketpy.protocol.bodies import SubscriptionData

NOW = 1_600_000_000_000
RED = b"colour\x01red\x02"
BLUE = b"colour\x01blue\x02"
UPSTREAM = (Path(__file__).parents[2] / "golden/data/config/consumerFilter_registered.json").read_text()


def sql(expression="colour = 'red'", version=1, topic="T", kind="SQL92"):
    return SubscriptionData(topic=topic, sub_string=expression, sub_version=version, expression_type=kind)


@pytest.fixture
def clock():
    return ManualClock(NOW)


@pytest.fixture
def make(tmp_path, clock):
    def make(**settings):
        filters = ConsumerFilters(BrokerConfig(**settings), tmp_path / "consumerFilter.json", clock)
        filters.changes = []
        filters.on_change.append(filters.changes.append)
        return filters

    return make


@pytest.fixture
def filters(make):
    return make()


def stored(tmp_path):
    return json.loads((tmp_path / "consumerFilter.json").read_text())["filterDataByTopic"]


def test_a_subscription_by_expression_is_registered(filters):
    filters.register("G", [sql(), SubscriptionData(topic="ByTag", sub_string="A"), sql("", topic="Empty")])
    known = filters.get("T", "G")
    assert known.test.matches(RED) and not known.test.matches(BLUE)
    assert (known.data.born_time, known.data.dead_time, known.data.client_version) == (NOW, 0, 1)
    assert known.data.bloom_filter_data.bit_pos == filters.bloom.positions("G#T")
    assert filters.get("ByTag", "G") is filters.get("Empty", "G") is filters.get("T", "Other") is None
    assert filters.changes == ["T"]


def test_a_newer_expression_replaces_an_older_one(filters, clock):
    filters.register("G", [sql()])
    old = filters.get("T", "G")
    clock.advance(1000)
    filters.register("G", [sql("colour = 'blue'", 2)])
    new = filters.get("T", "G")
    assert old.test.is_retired and not new.test.is_retired
    assert new.test.matches(BLUE) and new.data.born_time == NOW + 1000
    assert filters.changes == ["T", "T"]


@pytest.mark.parametrize("version", [0, 1])
def test_an_expression_that_is_no_newer_is_ignored(filters, version):
    filters.register("G", [sql()])
    filters.register("G", [sql("colour = 'blue'", version)])
    assert filters.get("T", "G").data.expression == "colour = 'red'"
    assert filters.changes == ["T"]


def test_the_same_expression_of_a_newer_version_keeps_its_birth(filters, clock):
    filters.register("G", [sql()])
    test = filters.get("T", "G").test
    clock.advance(1000)
    filters.register("G", [sql(version=2)])
    known = filters.get("T", "G")
    assert known.test is test and not test.is_retired
    assert (known.data.born_time, known.data.client_version) == (NOW, 2)


def test_an_expression_that_cannot_be_compiled_takes_the_old_one_away(filters, caplog):
    filters.register("G", [sql("colour =")])
    assert filters.get("T", "G") is None and not filters.changes
    filters.register("G", [sql()])
    filters.register("G", [sql("colour =", 2)])
    assert filters.get("T", "G") is None
    assert filters.changes == ["T", "T"]
    filters.register("G", [sql("colour", 3, kind="PERL")])
    assert filters.get("T", "G") is None
    assert "no filter of type PERL" in caplog.text


def test_a_heartbeat_may_not_keep_the_broker_compiling(filters, caplog):
    wanted = [sql(topic=name) for name in "ABCD"]  # of 14 characters each
    assert filters.register("G", wanted, 40) < 0
    assert [name for name in "ABCD" if filters.get(name, "G")] == ["A", "B", "C"]
    assert "the filter of group G in topic D waits for the next heartbeat" in caplog.text
    assert filters.register("G", wanted, 40) == 40 - 14  # what is known costs nothing
    assert filters.get("D", "G") and not filters.get("A", "G").is_dead
    assert filters.register("Other", [sql()], 0) == 0 and filters.get("T", "Other") is None


def test_a_group_that_goes_is_dead_and_lives_again_when_it_comes_back(filters, clock):
    filters.register("G", [sql(), sql(topic="U")])
    clock.advance(10)
    filters.unregister("G")
    assert filters.get("T", "G").is_dead and filters.get("U", "G").is_dead
    filters.register("G", [sql()])
    assert not filters.get("T", "G").is_dead and filters.get("U", "G").is_dead
    filters.unregister("Nobody")


def test_a_topic_that_is_not_subscribed_to_any_more_is_dead(filters, clock):
    filters.register("G", [sql(), sql(topic="U")])
    clock.advance(10)
    filters.register("G", [sql(topic="U")])
    assert filters.get("T", "G").data.dead_time == NOW + 10
    assert not filters.get("U", "G").is_dead
    clock.advance(10)
    filters.register("G", [])
    assert filters.get("T", "G").data.dead_time == NOW + 10


def test_what_is_dead_for_too_long_goes(make, clock, tmp_path):
    filters = make(filter_data_clean_time_span=1000)
    filters.register("G", [sql()])
    filters.register("Alive", [sql()])
    filters.unregister("G")
    clock.advance(999)
    filters.persist_changes()
    assert set(stored(tmp_path)["T"]["groupFilterData"]) == {"G", "Alive"}
    clock.advance(1)
    filters.persist_changes()
    assert filters.get("T", "G") is None
    assert set(stored(tmp_path)["T"]["groupFilterData"]) == {"Alive"}
    filters.unregister("Alive")
    clock.advance(1000)
    filters.persist_changes()
    assert stored(tmp_path) == {}


def test_tests_of_a_topic_are_those_of_all_its_groups(filters):
    filters.register("G", [sql()])
    filters.register("Gone", [sql("colour = 'blue'")])
    filters.unregister("Gone")
    assert len(filters.tests_of("T")) == 2 and filters.tests_of("Other") == []


def test_the_test_of_a_retry_topic(filters):
    assert filters.retry_test("G") is None
    filters.register("G", [sql()])
    retry = filters.retry_test("G")
    assert retry.matches(RED + b"RETRY_TOPIC\x01T\x02") and not retry.matches(BLUE + b"RETRY_TOPIC\x01T\x02")


def test_peers_cannot_make_any_number_of_filters(filters, monkeypatch, caplog):
    monkeypatch.setattr("rocketpy.broker.consumer_filters.MOST_FILTERS", 2)
    filters.register("G", [sql(topic=str(number)) for number in range(4)])
    assert len([topic for topic in "0123" if filters.get(topic, "G")]) == 2
    assert "is not kept" in caplog.text


# -- the file


def test_the_file_is_upstreams(filters, clock, tmp_path):
    filters.persist_changes()
    assert (tmp_path / "consumerFilter.json").read_text() == '{\n\t"filterDataByTopic":{}\n}'
    live = json.loads(UPSTREAM)["filterDataByTopic"]["TopicTest"]["groupFilterData"]["CG"]
    clock.advance(live["bornTime"] - NOW)
    filters.register("CG", [sql("a > 5 AND b = 'x'", live["clientVersion"], "TopicTest")])
    clock.advance(live["deadTime"] - live["bornTime"])
    filters.unregister("CG")
    filters.persist_changes()
    assert (tmp_path / "consumerFilter.json").read_text() == UPSTREAM


def test_it_is_written_only_when_something_changed(filters, tmp_path):
    filters.persist_changes()
    (tmp_path / "consumerFilter.json").unlink()
    filters.persist_changes()
    assert not (tmp_path / "consumerFilter.json").exists()
    filters.register("G", [sql()])
    filters.persist_changes()
    assert "G" in stored(tmp_path)["T"]["groupFilterData"]


def saved(make, clock, **settings):
    """A file with a living filter; the clock is a minute later."""
    filters = make(**settings)
    filters.register("G", [sql()])
    filters.persist_changes()
    clock.advance(60_000)


def test_after_a_clean_stop_filters_keep_their_birth_and_are_dead(make, clock):
    saved(make, clock)
    filters = make()
    filters.load(was_clean=True)
    known = filters.get("T", "G")
    assert (known.data.born_time, known.data.dead_time) == (NOW, NOW + 30_000)
    assert known.test.matches(RED)
    assert filters.changes == ["T"]
    filters.register("G", [sql()])
    assert not known.is_dead


def test_a_filter_younger_than_the_guess_died_at_its_birth(make, clock):
    saved(make, clock)
    clock.advance(-45_000)
    filters = make()
    filters.load(was_clean=True)
    assert filters.get("T", "G").data.dead_time == NOW


def test_after_a_crash_bitmaps_of_before_are_not_believed(make, clock):
    saved(make, clock)
    filters = make()
    filters.load(was_clean=False)
    known = filters.get("T", "G")
    assert (known.data.born_time, known.data.dead_time) == (NOW + 60_000, NOW + 60_000)
    assert known.is_dead


@pytest.mark.parametrize("settings", [{"max_error_rate_of_bloom_filter": 10}, {"expect_consumer_num_use_filter": 64}])
def test_filters_of_another_bloom_filter_are_dropped(make, clock, settings):
    saved(make, clock)
    filters = make(**settings)
    filters.load(was_clean=True)
    assert filters.get("T", "G") is None


def test_what_is_no_expression_or_no_position_is_dropped_from_the_file(make, clock, tmp_path, caplog):
    saved(make, clock)
    path = tmp_path / "consumerFilter.json"
    whole = path.read_text()
    path.write_text(whole.replace("colour = 'red'", "colour ="))
    filters = make()
    filters.load(was_clean=True)
    assert filters.get("T", "G") is None
    position = filters.bloom.positions("G#T")[0]
    path.write_text(whole.replace(f'"bitPos":[{position},', '"bitPos":[112,'))
    filters.load(was_clean=True)
    assert filters.get("T", "G") is None
    assert caplog.text.count("a stored filter is dropped") == 2


def test_a_file_of_something_else_refuses_the_start(make, tmp_path):
    (tmp_path / "consumerFilter.json").write_text('{"filterDataByTopic": 5}')
    with pytest.raises(StartRefused, match=r"consumerFilter\.json"):
        make().load(was_clean=True)


def test_no_file_is_no_filter(filters):
    filters.load(was_clean=True)
    assert filters.get("T", "G") is None
