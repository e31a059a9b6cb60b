"""TLS as the official Java client meets it: both ways on one port, certificates verified or not, and new ones.

Upstream's own test mode does not work on Java 17; all files are the test's, so both servers are asked the same.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kit import tools, wire
from kit.clients import JavaClient
from kit.cluster import Cluster, unique
from kit.process import wait_until
from kit.servers import with_options

from tests.certificates import Authority

PASSWORD = "compat-1234"
GET_MAX_OFFSET = 30
CLIENT_TLS = ("-Dtls.enable=true", "-Dtls.config.file=/nowhere")


@dataclass
class Setting:
    """A cluster of one master, the authority of its certificates, and one nobody trusts."""

    cluster: Cluster
    ours: Authority
    theirs: Authority


def properties(path: Path, **values: object) -> Path:
    path.write_text("".join(f"tls.{name.replace('_', '.')}={value}\n" for name, value in values.items()))
    return path


def make(launcher, kind: str, root: Path, mode: str, password: str = "", **more: object) -> Setting:
    ours, theirs = Authority(root / "ours", is_rsa=True), Authority(root / "theirs", "stranger", is_rsa=True)
    certificate, key = ours.pair("server")
    key = locked(ours, key) if password else key
    file = properties(root / "tls.properties", test_mode_enable="false", server_certPath=certificate,
                      server_keyPath=key, server_keyPassword=password, **more)
    servers = with_options(launcher(kind), f"-Dtls.server.mode={mode}", f"-Dtls.config.file={file}")
    return Setting(Cluster(servers, root / "cluster", ("broker-a",)), ours, theirs)


@pytest.fixture(scope="module")
def permissive(server_kind: str, launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    setting = make(launcher, server_kind, tmp_path_factory.mktemp(f"tls-{server_kind}"), "permissive")
    try:
        setting.cluster.start()
        yield setting
    finally:
        setting.cluster.kill()


def trusting(authority: Authority, *more: str) -> JavaClient:
    """A client that takes servers whose certificates this authority signed, and no others."""
    return JavaClient(options=(*CLIENT_TLS, "-Dtls.test.mode.enable=false", "-Dtls.client.authServer=true",
                               f"-Dtls.client.trustCertPath={authority.path}", *more))


def locked(authority: Authority, key: Path) -> Path:
    tools.need("openssl")
    return authority.encrypted(key, PASSWORD)


def showing(authority: Authority, name: str) -> list[str]:
    certificate, key = authority.pair(name)
    return [f"-Dtls.client.certPath={certificate}", f"-Dtls.client.keyPath={locked(authority, key)}",
            f"-Dtls.client.keyPassword={PASSWORD}"]


def sends(run, client: JavaClient, cluster: Cluster, topic: str, first: int = 0, count: int = 3,
          timeout_ms: int = 15_000) -> int:
    """How many of its messages the client got rid of."""
    sent = run(client, cluster, "produce", topic=topic, first=first, count=count, timeoutMs=timeout_ms)
    assert len(sent.of("sent")) + len(sent.of("failed")) == count
    return len(sent.of("sent"))


def test_tls_and_plain_clients_share_the_ports(run, open_session, java, permissive):
    """One consumes by TLS, held pulls and big replies included, what others send by TLS and plain."""
    cluster, topic = permissive.cluster, unique("Tls")
    secure = JavaClient(options=CLIENT_TLS)
    assert sends(run, java, cluster, topic) == 3
    consumer = open_session(secure, cluster, "consume", topic=topic, group=unique("CG_tls"))
    consumer.wait_for("consumed", 3)
    run(secure, cluster, "produce", topic=topic, mode="async", first=3, count=40, size=64 * 1024)
    assert sends(run, trusting(permissive.ours), cluster, topic, 43) == 3
    consumer.wait_for("consumed", 46)
    assert sorted(consumer.indexes("consumed")) == list(range(46))


def test_a_client_refuses_a_certificate_of_others(run, permissive):
    assert sends(run, trusting(permissive.theirs), permissive.cluster, unique("Tls"), count=1, timeout_ms=1500) == 0


def test_what_is_no_tls_is_closed(permissive):
    for first in (b"\x16\x03\x01\x00\x05hello", b"\x16\x03\x01\x00\x02\xff\xff" + bytes(300)):
        with socket.create_connection(("127.0.0.1", permissive.cluster.a.port), 15) as peer:
            peer.sendall(first)
            received = b""
            try:
                while part := peer.recv(1000):
                    received += part
            except ConnectionResetError:
                pass
            assert received[:1] in (b"", b"\x15")  # nothing but an alert


def name_shown(port: int, context: ssl.SSLContext) -> str:
    with socket.create_connection(("127.0.0.1", port), 10) as plain, context.wrap_socket(plain) as secure:
        certificate = secure.getpeercert()
    return str(dict(part[0] for part in certificate["subject"])["commonName"])


def test_new_certificates_are_served_without_a_restart(run, permissive):
    cluster, ours = permissive.cluster, permissive.ours
    context = ssl.create_default_context(cafile=str(ours.path))
    context.check_hostname = False
    ports = (cluster.namesrv.port, cluster.a.port, cluster.a.port - 2)
    assert [name_shown(port, context) for port in ports] == ["server"] * 3
    for new, old in zip(ours.pair("renewed"), ours.pair("server"), strict=True):
        new.replace(old)
    wait_until(lambda: {name_shown(port, context) for port in ports} == {"renewed"}, "new certificates", 10, 0.2)
    assert sends(run, trusting(ours), cluster, unique("Tls")) == 3


def answers(cluster: Cluster, tls: ssl.SSLContext | None) -> bool:
    """Whether the broker answers a connection of this kind."""
    try:
        with wire.Peer(cluster.a.address, tls=tls) as peer:
            return peer.ask(GET_MAX_OFFSET, {"topic": "none", "queueId": 0}).code >= 0
    except (OSError, EOFError, AssertionError):
        return False


def stranger(setting: Setting) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(setting.ours.path))
    context.check_hostname = False
    context.load_cert_chain(*setting.theirs.pair("test"))
    return context


def test_enforced_mutual_tls_takes_only_whom_it_knows(run, server_kind, launcher, tmp_path):
    """The broker itself registers by TLS and with a certificate: a name server that enforces it takes no other."""
    authority = Authority(tmp_path / "ours", is_rsa=True)
    certificate, key = authority.pair("broker")
    setting = make(launcher, server_kind, tmp_path, "enforcing", PASSWORD, server_need_client_auth="require",
                   server_authClient="true", server_trustCertPath=authority.path, client_authServer="true",
                   client_trustCertPath=authority.path, client_certPath=certificate, client_keyPassword=PASSWORD,
                   client_keyPath=locked(authority, key))
    cluster, topic = setting.cluster, unique("Tls")
    cluster.tls = ssl.create_default_context(cafile=str(authority.path))
    cluster.tls.check_hostname = False
    mine, mine_key = authority.pair("test")
    cluster.tls.load_cert_chain(mine, mine_key)
    try:
        cluster.start()
        assert sends(run, trusting(authority, *showing(authority, "client")), cluster, topic) == 3
        assert sends(run, trusting(authority), cluster, topic, count=1, timeout_ms=1500) == 0
        assert not answers(cluster, None)
        assert not answers(cluster, stranger(setting))
        assert answers(cluster, cluster.tls)
    finally:
        cluster.kill()
