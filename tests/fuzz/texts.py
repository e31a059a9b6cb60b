"""Fuzz targets: texts that operators write and clients send."""

from __future__ import annotations

import contextlib

from rocketpy.acl.addresses import parse_address
from rocketpy.acl.errors import AclError
from rocketpy.acl.permissions import parse_permission, parse_resources
from rocketpy.acl.rules import rules_of
from rocketpy.acl.yaml_text import dump_text, load_text
from rocketpy.config import BrokerConfig, MessageStoreConfig, NettyServerConfig
from rocketpy.config.apply import apply_file
from rocketpy.config.environment import Environment
from rocketpy.config.properties import parse_properties
from rocketpy.config.tls import tls_settings
from rocketpy.errors import FilterSyntaxError, StartRefused
from rocketpy.filter.compiler import compile_expression
from rocketpy.remoting.address_server import AddressServerError, name_servers_of
from tests.fuzz.scratch import scratch
from tests.fuzz.targets import target

PROPERTIES = (
    b"brokerName=broker-a\nlistenPort : 10911 # c\nmapedFileSizeCommitLog=1\\\n  073741824\n\\u0041=\\u00e9\n"
    b"flushDiskType SYNC_FLUSH\nbrokerName=b\n"
)
TLS = (
    b"tls.test.mode.enable=false\ntls.server.need.client.auth=require\ntls.server.keyPassword=a #b\n"
    b"tls.minVersion=TLSv1.3\n"
)
ACL = (
    b"globalWhiteRemoteAddresses:\n- 10.10.103.*\n- 192.168.0.{1,2}\naccounts:\n- accessKey: RocketMQ\n"
    b"  secretKey: 12345678\n  whiteRemoteAddress: '*'\n  admin: false\n  defaultTopicPerm: DENY\n  topicPerms:\n"
    b"  - topicA=DENY\n  - b=PUB|SUB\n  groupPerms:\n  - g=SUB\n"
)
SQL = [
    b"a > 5 AND b = 'x' OR NOT (c BETWEEN 1 AND 2.5e3)",
    b"TAGS IS NOT NULL and t in ('a', 'it''s') and -5 <= a and b = TRUE",
    b"a not between 1 and 2 or b not in ('c') and d is null",
]


@target("properties_file", seeds=[PROPERTIES])
def properties_file(data: bytes) -> object:
    """Never fails: what is wrong is remarked, each remark one line."""
    file = parse_properties("f", data.decode("latin-1"))
    apply_file(file, (BrokerConfig(Environment({})), NettyServerConfig(Environment({})), MessageStoreConfig()))
    assert all("\n" not in str(remark) for remark in file.remarks)
    return file


@target("tls_properties", StartRefused, seeds=[TLS])
def tls_properties(data: bytes) -> object:
    path = scratch("tls.properties", data)
    settings = tls_settings(Environment({"JAVA_OPT": f"-Dtls.config.file={path}"}))
    assert all("\n" not in remark for remark in settings.remarks)
    return settings


@target("plain_acl", AclError, seeds=[ACL])
def plain_acl(data: bytes) -> object:
    """A document that was read can be written and read again."""
    document = load_text(data)
    rules_of(document)
    return rules_of(load_text(dump_text(document).encode()))


@target("acl_words", seeds=[b"10.0.0.{1,2}", b"topic=PUB|SUB", b"1.2.3.1-255"])
def acl_words(data: bytes) -> object:
    text = data.decode("utf-8", "replace")
    parse_permission(text)
    with contextlib.suppress(AclError):
        parse_address(text).matches("10.0.0.1")
    with contextlib.suppress(AclError):
        return parse_resources([text], groups=bool(len(text) % 2))
    return None


@target("sql", FilterSyntaxError, seeds=SQL)
def sql(data: bytes) -> object:
    compile_expression.cache_clear()
    return compile_expression(data.decode("utf-8", "replace"))


@target("address_server", AddressServerError, seeds=[b"10.0.0.1:9876;10.0.0.2:9876\n"])
def address_server(data: bytes) -> object:
    return name_servers_of(data.decode("utf-8", "replace"))
