"""Whatever stands in a request's fields and body, a processor answers, refuses or holds; it never fails."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rocketpy._core.command import Command
from rocketpy.broker.broker import Broker
from rocketpy.broker.request_table import SERVED, bind
from rocketpy.clock import ManualClock
from rocketpy.config import BrokerConfig, MessageStoreConfig, NettyClientConfig, NettyServerConfig
from rocketpy.protocol.header import fields_of
from rocketpy.protocol.headers import REQUEST_HEADERS

NAMES = st.sampled_from(
    ["T", "TBW102", "%RETRY%CG", "%DLQ%CG", "SCHEDULE_TOPIC_XXXX", "../x", "a\0b", "", "CG", "é" * 99]
)
NUMBERS = st.one_of(st.integers(-3, 9), st.sampled_from([2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 2**70]))
TEXTS = st.one_of(
    NAMES, NUMBERS.map(str), st.text(max_size=20), st.sampled_from(["true", "DELAY\x013\x02", "DELAY\x01-\x02"])
)
BODIES = st.one_of(
    st.none(),
    st.binary(max_size=60),
    st.sampled_from(
        [b"{}", b"[]", b"null", b'{"mqSet":[{}]}', b'{"clientID":1,"consumerDataSet":[{"groupName":"G"}]}']
    ),
)


class Peer:
    """A connection that takes what it is sent."""

    ip, port, address = "10.0.0.1", 4000, "10.0.0.1:4000"
    waited_ms = 0

    def send(self, command: Command) -> None:
        assert command.encode()

    def reply(self, request: Command, response: Command) -> None:
        assert response.encode()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Broker:
    root: Path = tmp_path_factory.mktemp("store")
    store = MessageStoreConfig(
        store_path_root_dir=str(root), mapped_file_size_commit_log=1 << 20, mapped_file_size_consume_queue=2000,
        max_hash_slot_num=100, max_index_num=400,
    )  # fmt: skip
    config = BrokerConfig(broker_ip1="127.0.0.1", broker_name="b", namesrv_addr=None)
    broker = Broker(config, NettyServerConfig(listen_port=10911), NettyClientConfig(), store, ManualClock())
    broker.store.lock()
    broker.load()
    broker.store.start()
    yield broker
    broker.store.shutdown()


@st.composite
def requests(draw: st.DrawFn) -> Command:
    code = draw(st.sampled_from(sorted(SERVED)))
    header = REQUEST_HEADERS.get(code)
    known = [field.name for field in fields_of(header)] if header else []
    ext = {name: draw(TEXTS) for name in known if draw(st.integers(0, 9))}
    return Command(int(code), ext, draw(BODIES), version=draw(st.sampled_from([0, 100, 317])))


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(request=requests())
def test_every_request_has_its_answer(broker: Broker, request: Command) -> None:
    async def ask() -> None:
        answer = bind(broker)[request.code](Peer(), request)
        if inspect.isawaitable(answer):
            answer = await answer
        assert answer is None or Command.decode(answer.encode()).code == answer.code
        broker.holds.shutdown()

    asyncio.run(ask())
