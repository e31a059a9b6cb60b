"""TLS settings of both programs: system properties, and what tls.properties says in their place.

As upstream: `tls.server.mode` and `tls.enable` are read from -D alone, everything else from both, the file counting
more. Invariant: a value that is none stops the start, since a mistake here would be a door left open; passwords are
shown to nobody.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import cast

from rocketpy.config.environment import Environment
from rocketpy.config.properties import Entry, PropertiesFile, Remark, load_properties
from rocketpy.config.setting import Settings, prop
from rocketpy.errors import StartRefused

ENABLE = "tls.enable"
PREFIX = "tls."
SECRET = "Password"
ELSE_SYSTEM = "the system's authorities when unset"
NOT_IN_FILE = ("tls.server.mode", "tls.config.file", ENABLE)


class TlsMode(Enum):
    """Which clients a server takes."""

    DISABLED = "disabled"
    PERMISSIVE = "permissive"
    ENFORCING = "enforcing"


class ClientAuth(Enum):
    """Whether clients are asked for a certificate."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRE = "require"

    @classmethod
    def _missing_(cls, value: object) -> ClientAuth | None:
        """Upstream takes it in any case."""
        return next((auth for auth in cls if auth.value == str(value).lower()), None)


class MinVersion(Enum):
    """The oldest protocol taken."""

    TLS_1_2 = "TLSv1.2"
    TLS_1_3 = "TLSv1.3"


def text(name: str, meaning: str) -> str | None:
    """A row that is null by default."""
    return prop(name, cast("str | None", None), meaning, java_type="String")


class TlsConfig(Settings):
    """What TLS is made of, on the listening side (`server`) and on the broker's own connections (`client`)."""

    by_request = False

    server_mode = prop(
        "tls.server.mode",
        TlsMode.PERMISSIVE,
        "`disabled`: plain clients alone; `permissive`: plain and TLS on one port; `enforcing`: TLS alone. "
        "From -D only, as `tls.config.file`",
    )
    config_file = prop("tls.config.file", "/etc/rocketmq/tls.properties", "the file that the other settings stand in")
    test_mode_enable = prop(
        "tls.test.mode.enable",
        True,
        "the server makes itself a certificate, its own connections take any; the paths below are not looked at",
    )
    min_version = prop(
        "tls.minVersion", MinVersion.TLS_1_2, "the oldest protocol taken, TLSv1.2 or TLSv1.3; not a key of upstream's"
    )
    server_need_client_auth = prop(
        "tls.server.need.client.auth", ClientAuth.NONE, "clients' certificates: `none`, `optional` or `require`"
    )
    server_key_path = text("tls.server.keyPath", "private key, PEM")
    server_key_password = text("tls.server.keyPassword", "its password")
    server_cert_path = text("tls.server.certPath", "certificate with its chain, PEM")
    server_auth_client = prop("tls.server.authClient", False, "verify the certificates that clients show")
    server_trust_cert_path = text("tls.server.trustCertPath", f"who may sign them, PEM; {ELSE_SYSTEM}")
    client_key_path = text("tls.client.keyPath", "private key, PEM")
    client_key_password = text("tls.client.keyPassword", "its password")
    client_cert_path = text("tls.client.certPath", "certificate shown to name servers, PEM")
    client_auth_server = prop("tls.client.authServer", False, "verify the certificates of name servers")
    client_trust_cert_path = text("tls.client.trustCertPath", f"who may sign them, PEM; {ELSE_SYSTEM}")

    def properties(self, *, nulls: bool = False, important: bool = False) -> list[tuple[str, str]]:
        """(name, text) of every property; of a password only that there is one."""
        rows = super().properties(nulls=nulls, important=important)
        return [(name, "******" if value and name.endswith(SECRET) else value) for name, value in rows]


@dataclass
class TlsSettings:
    """The settings in force, and what of the surroundings and the file is not."""

    config: TlsConfig
    remarks: list[str] = field(default_factory=list)


def tls_settings(environment: Environment) -> TlsSettings:
    """Read -D, then the file. StartRefused names what is wrong, where, and the values there are."""
    settings = TlsSettings(TlsConfig(environment))
    _read_properties(settings, environment.system_properties)
    file = _load(settings, asked=NOT_IN_FILE[1] in environment.system_properties)
    if file:
        for entry in file.in_force().values():
            _take(settings, file.path, entry)
        _tell_cuts(settings, file)
    return settings


def _read_properties(settings: TlsSettings, properties: dict[str, str]) -> None:
    for name, value in properties.items():
        if name in settings.config.rows:
            _set(settings.config, name, value, f"-D{name}")
        elif name.startswith(PREFIX) and name != ENABLE:
            settings.remarks.append(f"-D{name}: there is no such setting of TLS; docs/tls.md has them all")


def _load(settings: TlsSettings, *, asked: bool) -> PropertiesFile | None:
    path = settings.config.config_file
    try:
        found = bool(path) and Path(path).is_file()
    except OSError as fault:
        raise StartRefused(f"{path} cannot be read ({fault.strerror}): check its permissions") from None
    if not found and asked:
        settings.remarks.append(f"-Dtls.config.file={path} is no file: TLS goes on without it")
    return load_properties(path) if found else None


def _take(settings: TlsSettings, path: str, entry: Entry) -> None:
    if entry.key in NOT_IN_FILE:
        told = f"{entry.key} has no effect here: give it as -D{entry.key}={entry.value} in JAVA_OPT"
        settings.remarks.append(str(Remark(path, entry.line, told)))
    elif entry.key in settings.config.rows:
        # A password is what stands there: blanks and # may belong to it, as upstream reads them.
        value = entry.java_value if entry.key.endswith(SECRET) else entry.value
        _set(settings.config, entry.key, value, f"{path}:{entry.line}")
    else:
        told = f"{entry.key} is no setting of TLS; docs/tls.md has them all"
        settings.remarks.append(str(Remark(path, entry.line, told)))


def _set(config: TlsConfig, name: str, value: str, origin: str) -> None:
    if config.rows[name].java_type == "boolean" and value.lower() not in ("true", "false"):
        raise StartRefused(f"{origin}: {name}={value} is neither true nor false: correct it")
    try:
        config.set(name, value, origin)
    except ValueError as fault:
        raise StartRefused(f"{origin}: {name}={value} {fault}: correct it") from None


def _tell_cuts(settings: TlsSettings, file: PropertiesFile) -> None:
    """What the reader of properties remarked; nothing of a line with a password is shown."""
    secret = {entry.line for entry in file.entries if entry.key.endswith(SECRET)}
    for remark in file.remarks:
        if remark.line in secret:
            told = "blanks or a # in this password, which is taken as it stands"
            settings.remarks.append(f"{file.path}:{remark.line}: {told}")
        elif remark.level >= logging.WARNING:
            settings.remarks.append(str(remark))


def uses_tls(environment: Environment) -> bool:
    """Whether a broker's own connections speak TLS when no file says so: as upstream, if its server takes no other."""
    asked = environment.tls_enable
    return environment.system_properties.get("tls.server.mode") == "enforcing" if asked is None else asked
