"""Every code that a server knows has its row: a new one must be classified."""

from rocketpy.acl.admin_codes import ADMIN_OF_UPSTREAM, BROKER, NAME_SERVER, Caller, admin_codes
from rocketpy.broker import request_table as broker
from rocketpy.namesrv import request_table as namesrv


def test_every_code_of_the_broker_is_classified():
    assert BROKER.keys() == broker.SERVED.keys()


def test_every_code_of_the_name_server_is_classified():
    assert NAME_SERVER.keys() == namesrv.SERVED.keys()


def test_what_upstream_guards_is_an_admins():
    assert admin_codes(BROKER) >= ADMIN_OF_UPSTREAM


def test_what_brokers_and_clients_send_unsigned_is_not():
    assert {code.name for code, caller in NAME_SERVER.items() if caller is not Caller.ADMIN} == {
        "REGISTER_BROKER", "UNREGISTER_BROKER", "QUERY_DATA_VERSION", "GET_ROUTEINTO_BY_TOPIC",
    }  # fmt: skip
    assert {code.name for code, caller in BROKER.items() if caller is Caller.PEER} == {
        "GET_ALL_TOPIC_CONFIG", "GET_ALL_SUBSCRIPTIONGROUP_CONFIG", "GET_ALL_CONSUMER_OFFSET", "GET_ALL_DELAY_OFFSET",
    }  # fmt: skip
