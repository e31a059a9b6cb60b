"""Every code of upstream's broker is served or explained."""

from rocketpy.broker.request_table import SERVED
from rocketpy.protocol.codes import RequestCode

# What BrokerController of 4.5.2 registers processors for, and what its default processor knows.
UPSTREAM = {
    10, 11, 12, 14, 15, 17, 21, 25, 26, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 41, 42, 43, 45, 46, 50, 51, 52, 53,
    200, 201, 202, 203, 204, 207, 208, 215, 222, 223, 300, 301, 303, 305, 306, 307, 308, 309, 310, 314, 315, 316, 317,
    320, 321, 323,
}  # fmt: skip
FILTER_SERVERS = {301}  # refused: only they used it


def test_every_code_is_served():
    assert {int(code) for code in SERVED} == UPSTREAM - FILTER_SERVERS


def test_a_processor_is_called_like_its_code():
    odd = {"SEND_MESSAGE_V2", "SEND_BATCH_MESSAGE"}  # one function serves the three sends
    for code, processor in SERVED.items():
        name = processor.__name__.upper()
        assert name == RequestCode(code).name or code.name in odd, code
