"""A name server with aclStrictAdmin: admin codes are signed by an admin, brokers and clients go on unsigned."""

import inspect
import logging

import pytest

from rocketpy._core.command import Command
from rocketpy.acl.errors import AccessDenied
from rocketpy.acl.signature import signed
from rocketpy.clock import ManualClock
from rocketpy.config import Environment, NettyServerConfig
from rocketpy.config.namesrv import NamesrvConfig
from rocketpy.errors import StartRefused
from rocketpy.namesrv.name_server import NameServer
from rocketpy.namesrv.request_table import SERVED, bind

SECRET = "s3cr3t-of-one"
RULES = f"""
globalWhiteRemoteAddresses: ['*']
accounts:
- {{accessKey: the-admin, secretKey: {SECRET}, admin: true}}
- {{accessKey: account-one, secretKey: {SECRET}, defaultTopicPerm: PUB|SUB}}
"""
OPEN = {"REGISTER_BROKER", "UNREGISTER_BROKER", "QUERY_DATA_VERSION", "GET_ROUTEINTO_BY_TOPIC"}


class Peer:
    ip, address = "10.0.0.9", "10.0.0.9:1"

    def close(self): ...


def server_of(tmp_path, strict=True, rules=RULES):
    (tmp_path / "conf").mkdir(exist_ok=True)
    (tmp_path / "conf" / "plain_acl.yml").write_text(rules)
    environment = Environment(variables={"ROCKETMQ_HOME": str(tmp_path), "HOME": str(tmp_path)})
    config = NamesrvConfig(environment, acl_strict_admin=strict)
    return NameServer(config, NettyServerConfig(listen_port=0), ManualClock())


@pytest.fixture
def table(tmp_path):
    server = server_of(tmp_path)
    server.access.load("test")
    return bind(server)


def denied(table, code, key=None):
    """The remark when the guard stops it; whatever a processor says is no refusal of the guard."""
    ext = signed({"topic": "T"}, None, key, SECRET) if key else {"topic": "T"}
    try:
        answer = table[code](Peer(), Command(code, ext))
        if inspect.iscoroutine(answer):
            answer.close()  # it is not asked what the processor says
    except AccessDenied as refusal:
        return refusal.remark.partition(": ")[2]
    except Exception:
        return None
    return None


@pytest.mark.parametrize("code", SERVED)
def test_admin_codes_need_an_admin_and_the_others_nothing(table, code):
    if code.name in OPEN:
        assert denied(table, code) is None
        return
    assert denied(table, code) == "No accessKey is configured"
    assert denied(table, code, "account-one") == (
        f"Need admin permission for request code={code}, but accessKey=account-one is not"
    )
    assert denied(table, code, "the-admin") is None


def test_off_by_default_as_upstream(tmp_path):
    server = server_of(tmp_path, strict=False)
    assert server.access is None
    assert denied(bind(server), 106) is None
    assert NamesrvConfig().acl_strict_admin is False


def test_a_name_server_without_rules_does_not_start(tmp_path):
    import asyncio

    server = server_of(tmp_path, rules="accounts: [")
    with pytest.raises(StartRefused, match=r"aclStrictAdmin=true \(default\): .*it is not YAML"):
        asyncio.run(server.start("127.0.0.1"))


def test_it_starts_and_follows_its_rules(tmp_path, caplog):
    import asyncio

    caplog.set_level(logging.INFO)
    server = server_of(tmp_path)

    async def scenario():
        await server.start("127.0.0.1")
        (tmp_path / "conf" / "plain_acl.yml").write_text(RULES + "\n")
        server.access.poll()
        await server.stop()

    asyncio.run(scenario())
    assert caplog.text.count("2 accounts and 1 global white addresses in force") == 2
