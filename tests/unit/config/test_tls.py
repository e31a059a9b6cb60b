"""TLS settings: what -D and tls.properties say, and that nothing wrong in them passes unseen."""

import pytest

from rocketpy.config.environment import Environment
from rocketpy.config.netty import NettyClientConfig
from rocketpy.config.tls import ClientAuth, TlsMode, tls_settings
from rocketpy.errors import StartRefused


def environment(*options: str) -> Environment:
    return Environment({"JAVA_OPT": " ".join(f"-D{option}" for option in options)})


@pytest.fixture
def read(tmp_path):
    def of(text: str, *options: str):
        path = tmp_path / "tls.properties"
        path.write_text(text)
        return tls_settings(environment(f"tls.config.file={path}", *options))

    return of


def test_without_a_word_it_is_permissive_test_mode():
    config = tls_settings(environment()).config
    assert config.server_mode is TlsMode.PERMISSIVE
    assert config.test_mode_enable
    assert config.server_need_client_auth is ClientAuth.NONE


def test_the_file_counts_more_than_system_properties(read):
    config = read("tls.server.keyPath = /k\ntls.server.need.client.auth=REQUIRE\n",
                  "tls.server.keyPath=/other", "tls.server.certPath=/c", "tls.server.mode=enforcing").config
    assert (config.server_key_path, config.server_cert_path) == ("/k", "/c")
    assert config.server_need_client_auth is ClientAuth.REQUIRE
    assert config.server_mode is TlsMode.ENFORCING


def test_every_key_of_the_file_is_read(read):
    names = ["tls.server.keyPath", "tls.server.keyPassword", "tls.server.certPath", "tls.server.trustCertPath",
             "tls.client.keyPath", "tls.client.keyPassword", "tls.client.certPath", "tls.client.trustCertPath"]
    flags = ["tls.server.authClient", "tls.client.authServer"]
    text = "".join(f"{name}=/{name}\n" for name in names) + "".join(f"{name}=true\n" for name in flags)
    settings = read(text + "tls.test.mode.enable=false\ntls.minVersion=TLSv1.3\n")
    values = vars(settings.config)
    rows = settings.config.rows
    assert [values[rows[name].attribute] for name in names] == [f"/{name}" for name in names]
    assert [values[rows[name].attribute] for name in flags] == [True, True]
    assert settings.config.min_version.value == "TLSv1.3"
    assert settings.remarks == []


def test_the_mode_in_the_file_has_no_effect_and_is_told(read):
    settings = read("tls.server.mode=enforcing\ntls.server.keypath=/k\n")
    assert settings.config.server_mode is TlsMode.PERMISSIVE
    assert "give it as -Dtls.server.mode=enforcing in JAVA_OPT" in settings.remarks[0]
    assert "tls.properties:2: tls.server.keypath is no setting of TLS" in settings.remarks[1]


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("tls.server.need.client.auth=required", (), "properties:1: tls.server.need.client.auth=required is none of"),
        ("\ntls.server.authClient=yes", (), "tls.properties:2: tls.server.authClient=yes is neither true nor false"),
        ("", ("tls.server.mode=enforce",), "tls.server.mode=enforce is none of disabled, permissive"),
        ("tls.minVersion=TLSv1", (), "is none of TLSv1.2, TLSv1.3"),
    ],
)
def test_a_value_that_is_none_stops_the_start(read, text, options, told):
    with pytest.raises(StartRefused) as refused:
        read(text, *options)
    assert told in str(refused.value)


def test_a_file_that_is_named_but_not_there_is_told(tmp_path):
    assert "is no file" in tls_settings(environment(f"tls.config.file={tmp_path}/none")).remarks[0]


def test_an_unknown_system_property_is_told():
    settings = tls_settings(environment("tls.server.keypath=/k", "tls.enable=true"))
    assert settings.remarks == ["-Dtls.server.keypath: there is no such setting of TLS; docs/tls.md has them all"]


def test_a_password_is_taken_as_it_stands_and_shown_to_nobody(read):
    settings = read("tls.server.keyPassword=se cret #1 \ntls.client.keyPassword=other\n")
    assert settings.config.server_key_password == "se cret #1 "
    told = "\n".join([*settings.remarks, *(f"{row}" for row in settings.config.properties(nulls=True))])
    assert "se cret" not in told
    assert "other" not in told
    assert ("tls.server.keyPassword", "******") in settings.config.properties()
    assert ("tls.server.keyPassword", "") in tls_settings(environment()).config.properties(nulls=True)


@pytest.mark.parametrize(
    ("options", "used"),
    [
        ((), False),
        (("tls.enable=true",), True),
        (("tls.server.mode=enforcing",), True),
        (("tls.server.mode=enforcing", "tls.enable=false"), False),
    ],
)
def test_use_tls_follows_the_surroundings(options, used):
    assert NettyClientConfig(environment(*options)).use_tls is used


def test_tls_options_are_not_told_as_idle():
    assert environment("tls.enable=true", "tls.server.mode=disabled").idle_options == []


def test_an_odd_key_is_told_in_one_line(read):
    (remark,) = read("tls.a\\nb=1\n").remarks
    assert "tls.a\\nb is no setting of TLS" in remark
    assert "\n" not in remark
