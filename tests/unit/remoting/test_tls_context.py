"""Contexts from files: every kind of key, and one line for everything that cannot be used."""

import pytest

from rocketpy.config.tls import ClientAuth, TlsConfig
from rocketpy.remoting.tls_context import TlsError, client_context, server_context
from tests.certificates import Authority
from tests.needs import lack

PASSWORD = "changeit-1234"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


def config(pair, **more):
    return TlsConfig(test_mode_enable=False, server_cert_path=str(pair[0]), server_key_path=str(pair[1]), **more)


def test_an_encrypted_key_needs_its_password(authority):
    pair = authority.pair("locked", PASSWORD)
    server_context(config(pair, server_key_password=PASSWORD))
    with pytest.raises(TlsError, match=r"locked\.key is encrypted: give its password in tls\.server\.keyPassword"):
        server_context(config(pair))
    with pytest.raises(TlsError, match=r"locked\.key cannot be decrypted with tls\.server\.keyPassword") as wrong:
        server_context(config(pair, server_key_password="guessed-9876"))
    assert "guessed" not in str(wrong.value)


@pytest.mark.parametrize("cipher", ["PBE-SHA1-RC4-128", "PBE-SHA1-3DES"])
def test_keys_of_upstream_s_guide_are_read(authority, cipher):
    certificate, key = authority.pair("server")
    try:
        old = authority.encrypted(key, PASSWORD, cipher)
    except FileNotFoundError:
        lack("openssl", "openssl is missing; install it with: apt-get install openssl")
    server_context(config((certificate, old), server_key_password=PASSWORD))


def test_what_cannot_be_used_is_named(authority, tmp_path):
    certificate, key = authority.pair("server")
    _, other = authority.pair("other")
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing\n")
    huge = tmp_path / "huge.pem"
    huge.write_bytes(bytes((1 << 20) + 1))
    for pair, told in [
        ((certificate, other), "other.key is not the key of"),
        ((tmp_path / "none", key), "none cannot be read (No such file or directory)"),
        ((tmp_path, key), "cannot be read (Is a directory)"),
        ((empty, key), "empty.pem holds no certificate"),
        ((certificate, empty), "cannot be used"),
        ((certificate, huge), "has more than 1048576 bytes"),
        (("\0", key), "is no path"),
    ]:
        with pytest.raises(TlsError) as error:
            server_context(config(pair))
        assert told in str(error.value)
        assert "\n" not in str(error.value)


def test_paths_that_are_unset_are_named(authority):
    with pytest.raises(TlsError, match=r"tls\.server\.certPath is unset"):
        server_context(TlsConfig(test_mode_enable=False))
    with pytest.raises(TlsError, match=r"tls\.client\.keyPath is unset"):
        client_context(TlsConfig(test_mode_enable=False, client_cert_path=str(authority.pair("client")[0])))


def test_a_required_certificate_must_be_verified(authority):
    pair = authority.pair("server")
    with pytest.raises(TlsError, match="certificates are not verified"):
        server_context(config(pair, server_need_client_auth=ClientAuth.REQUIRE))
    with pytest.raises(TlsError, match=r"server\.key holds no certificates to trust"):
        server_context(config(pair, server_need_client_auth=ClientAuth.REQUIRE, server_auth_client=True,
                              server_trust_cert_path=str(pair[1])))
