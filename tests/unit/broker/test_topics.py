"""Topics: what exists at start, what a send may create, the file, and who is told."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rocketpy import json_file
from rocketpy.broker.topics import Topics
from rocketpy.clock import ManualClock
from rocketpy.config.broker import BrokerConfig
from rocketpy.errors import RequestRefused, StartRefused
from rocketpy.protocol.bodies import TopicConfig

Make = Callable[..., Topics]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def make(tmp_path: Path, clock: ManualClock) -> Make:
    """A Topics over the test's own file; keyword arguments are settings."""

    def make(**settings: object) -> Topics:
        config = BrokerConfig(broker_name="broker-a", broker_cluster_name="C", **settings)
        return Topics(config, tmp_path / "config" / "topics.json", clock)

    return make


def shape(topics: Topics) -> dict[str, tuple[int, int, int]]:
    return {name: (t.read_queue_nums, t.write_queue_nums, t.perm) for name, t in topics.table.items()}


def test_topics_at_start(make: Make) -> None:
    topics = make(trace_topic_enable=True)
    assert shape(topics) == {
        "SELF_TEST_TOPIC": (1, 1, 6),
        "TBW102": (8, 8, 7),
        "BenchmarkTest": (1024, 1024, 6),
        "C": (16, 16, 7),
        "broker-a": (1, 1, 7),
        "OFFSET_MOVED_EVENT": (1, 1, 6),
        "RMQ_SYS_TRACE_TOPIC": (1, 1, 6),
    }
    assert topics.system_topics == set(topics.table)


def test_settings_change_the_topics_at_start(make: Make) -> None:
    topics = make(auto_create_topic_enable=False, cluster_topic_enable=False, broker_topic_enable=False)
    assert "TBW102" not in topics.table
    assert "RMQ_SYS_TRACE_TOPIC" not in topics.table
    assert (shape(topics)["C"], shape(topics)["broker-a"]) == ((16, 16, 1), (1, 1, 1))
    assert shape(make(default_topic_queue_nums=4))["TBW102"] == (4, 4, 7)


@pytest.mark.parametrize(("asked", "got"), [(4, 4), (100, 8), (0, 0), (-3, 0)])
def test_a_send_creates_its_topic(make: Make, asked: int, got: int) -> None:
    topics = make()
    version = topics.data_version
    made = topics.create_in_send("T", "TBW102", "10.0.0.1:1", asked, 1)
    assert made == TopicConfig("T", got, got, 6, "SINGLE_TAG", 1, False)
    assert topics.get("T") is made
    assert topics.data_version.counter == version.counter + 1
    assert topics.create_in_send("T", "nonsense", "10.0.0.1:1", 1, 0) is made
    assert topics.data_version.counter == version.counter + 1


def test_a_send_creates_nothing_without_a_default_topic_that_inherits(make: Make) -> None:
    topics = make()
    assert topics.create_in_send("T", "unknown", "10.0.0.1:1", 4, 0) is None
    assert topics.create_in_send("T", "SELF_TEST_TOPIC", "10.0.0.1:1", 4, 0) is None
    assert topics.get("T") is None
    assert topics.data_version.counter == 0


def test_a_stored_tbw102_loses_its_inherit_bit_when_the_switch_is_off(make: Make) -> None:
    make().put(TopicConfig("TBW102", 8, 8, 7))
    topics = make(auto_create_topic_enable=False)
    topics.load()
    assert topics.create_in_send("T", "TBW102", "10.0.0.1:1", 4, 0) is None
    assert shape(topics)["TBW102"] == (8, 8, 6)


def test_a_send_back_creates_its_retry_topic_once(make: Make) -> None:
    topics = make()
    made = topics.create_in_send_back("%RETRY%G", 1, 6, 2)
    assert made == TopicConfig("%RETRY%G", 1, 1, 6, "SINGLE_TAG", 2, False)
    assert topics.create_in_send_back("%RETRY%G", 9, 2, 0) is made


def test_the_file_is_upstreams(make: Make, tmp_path: Path) -> None:
    topics = make()
    topics.create_in_send("T", "TBW102", "10.0.0.1:1", 4, 0)
    text = (tmp_path / "config" / "topics.json").read_text()
    head, _, tail = text.partition('"topicConfigTable":{')
    stamp = topics.data_version.timestamp
    assert head == f'{{\n\t"dataVersion":{{\n\t\t"counter":1,\n\t\t"timestamp":{stamp}\n\t}},\n\t'
    assert tail.endswith(
        ',\n\t\t"T":{\n\t\t\t"order":false,\n\t\t\t"perm":6,\n\t\t\t"readQueueNums":4,\n\t\t\t"topicFilterType":"SINGLE_TAG",'
        '\n\t\t\t"topicName":"T",\n\t\t\t"topicSysFlag":0,\n\t\t\t"writeQueueNums":4\n\t\t}\n\t}\n}'
    )
    assert json.loads(text)["topicConfigTable"].keys() == topics.table.keys()


def test_the_stored_topics_win(make: Make) -> None:
    first = make()
    first.put(TopicConfig("SELF_TEST_TOPIC", 3, 3, 4))
    first.create_in_send("T", "TBW102", "10.0.0.1:1", 4, 0)
    second = make()
    second.load()
    assert second.table == first.table
    assert second.data_version == first.data_version


def test_delete_forgets_also_in_the_file(make: Make) -> None:
    topics = make()
    topics.put(TopicConfig("T"))
    topics.delete("T")
    topics.delete("T")
    assert topics.get("T") is None
    assert topics.data_version.counter == 2
    again = make()
    again.load()
    assert again.get("T") is None


def test_order_topics_are_those_the_name_server_lists(make: Make) -> None:
    topics = make()
    topics.put(TopicConfig("T"))
    topics.put(TopicConfig("U", order=True))
    before = topics.data_version.counter
    topics.apply_order_config({"T": "broker-a:4", "unknown": ""})
    assert [name for name, topic in topics.table.items() if topic.order] == ["T"]
    assert topics.data_version.counter == before + 1
    topics.apply_order_config(["T"])
    assert topics.data_version.counter == before + 1


def test_every_change_is_told(make: Make) -> None:
    topics = make()
    told: list[tuple[str, int | None]] = []
    topics.on_change.append(lambda name, topic: told.append((name, topic and topic.perm)))
    topics.load()
    assert {name for name, _ in told} == set(topics.table)
    told.clear()
    topics.create_in_send("T", "TBW102", "10.0.0.1:1", 4, 0)
    topics.create_in_send_back("%RETRY%G", 1, 6, 0)
    topics.put(TopicConfig("T", perm=4))
    topics.apply_order_config(["T"])
    topics.delete("T")
    assert told == [("T", 6), ("%RETRY%G", 6), ("T", 4), ("T", 4), ("T", None)]


def test_the_kept_rows_encode_as_the_table(make: Make) -> None:
    topics = make()
    topics.create_in_send("T", "TBW102", "10.0.0.1:1", 4, 0)
    topics.create_in_send_back("%RETRY%G", 1, 6, 0)
    topics.put(TopicConfig("T", perm=4))
    topics.delete("%RETRY%G")
    topics.apply_order_config(["T"])
    assert topics.encode() == topics.wrapper().encode()


@pytest.mark.parametrize("name", ["", "../T", "a/b", "a.b", "a b", "T\0", "x" * 256])
def test_no_name_that_could_be_a_path_becomes_a_topic(make: Make, name: str) -> None:
    topics = make()
    before = dict(topics.table)
    with pytest.raises(RequestRefused):
        topics.create_in_send(name, "TBW102", "10.0.0.1:1", 4, 0)
    with pytest.raises(RequestRefused):
        topics.create_in_send_back(name, 1, 6, 0)
    with pytest.raises(RequestRefused):
        topics.put(TopicConfig(name))
    assert topics.table == before


def test_on_a_loop_many_changes_are_few_writes(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    topics, writes = make(), []
    persist = json_file.persist
    monkeypatch.setattr(json_file, "persist", lambda path, text: (writes.append(text), persist(path, text)))

    async def scenario() -> None:
        assert topics.file.is_saved
        for number in range(100):
            topics.put(TopicConfig(f"T{number}"))
        assert not topics.file.is_saved
        await topics.file.saved()
        assert topics.file.is_saved

    asyncio.run(scenario())
    assert len(writes) <= 2
    again = make()
    again.load()
    assert again.table == topics.table
    assert again.data_version == topics.data_version


def test_what_changes_during_a_write_is_written_too(make: Make) -> None:
    topics = make()

    async def scenario() -> None:
        topics.put(TopicConfig("T"))
        await asyncio.sleep(0)
        topics.put(TopicConfig("U"))
        await topics.file.saved()

    asyncio.run(scenario())
    again = make()
    again.load()
    assert {"T", "U"} <= again.table.keys()


def test_json_of_something_else_refuses_the_start(make: Make, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "topics.json").write_text('{"topicConfigTable":{"T":7}}')
    with pytest.raises(StartRefused, match=r"topics\.json"):
        make().load()


def test_a_disk_that_refuses_is_told(make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "config").write_text("a file where the folder must be")
    make().put(TopicConfig("T"))
    assert str(tmp_path / "config" / "topics.json") in caplog.text


@pytest.mark.parametrize("nums", [(65_537, 1), (1, 2**31 - 1), (-1, 1)])
def test_what_no_topic_can_have_of_queues_is_refused_by_name(make: Make, nums: tuple[int, int]) -> None:
    topics = make()
    with pytest.raises(RequestRefused, match="QueueNums"):
        topics.put(TopicConfig("T", *nums))
    assert topics.get("T") is None


def test_a_retry_topic_of_too_many_queues_is_refused(make: Make) -> None:
    with pytest.raises(RequestRefused, match="readQueueNums=65537"):
        make().create_in_send_back("%RETRY%G", 65_537, 6, 0)


QUEUES = [
    ("Old", 0), ("Old", 5), ("New", 2), ("%DLQ%g", 0), ("SCHEDULE_TOPIC_XXXX", 3), ("no name!", 0), ("Huge", 2**30)
]  # fmt: skip


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("{"), lambda path: path.unlink()])
def test_topics_that_an_older_bak_lacks_are_made_anew(
    make: Make, spoil: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    topics = make()
    topics.put(TopicConfig("Old", 4, 4))
    topics.put(TopicConfig("New", 4, 4))
    spoil(tmp_path / "config" / "topics.json")
    topics = make()
    topics.load()
    assert "New" not in topics.table
    topics.restore(QUEUES)
    assert shape(topics)["Old"] == (6, 4, 6)
    assert shape(topics)["New"] == (3, 3, 6)
    assert shape(topics)["%DLQ%g"] == (1, 1, 2)
    assert not {"SCHEDULE_TOPIC_XXXX", "no name!", "Huge"} & set(topics.table)
    assert caplog.text.count("topic New was lost with topics.json, the store has 3 queues of it: made anew") == 1
    again = make()
    again.load()
    assert shape(again) == shape(topics)


def test_nothing_is_made_where_the_file_is_whole(make: Make) -> None:
    topics = make()
    topics.put(TopicConfig("Old", 4, 4))
    topics = make()
    topics.load()
    before = shape(topics)
    topics.restore(QUEUES)
    assert shape(topics) == before
