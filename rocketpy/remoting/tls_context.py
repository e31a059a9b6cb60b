"""Makes TLS contexts out of settings and PEM files.

Invariant: what a context is made of was read at one moment and fits together; what cannot be used is a TlsError of one
line that names the file and the remedy, and never holds a password. Blocking: it reads files, so not for the loop.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rocketpy.config.tls import ClientAuth, MinVersion, TlsConfig
from rocketpy.errors import RocketPyError

PEM_LIMIT = 1 << 20  # a file given by mistake must not be read whole
MIN_VERSIONS = {MinVersion.TLS_1_2: ssl.TLSVersion.TLSv1_2, MinVersion.TLS_1_3: ssl.TLSVersion.TLSv1_3}
ENCRYPTED = (b"BEGIN ENCRYPTED PRIVATE KEY", b"Proc-Type: 4,ENCRYPTED")


class TlsError(RocketPyError):
    """The operator's TLS settings or files cannot be used."""


def server_context(config: TlsConfig) -> ssl.SSLContext:
    """What TLS clients of this server meet."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, config)
    context.options |= ssl.OP_NO_RENEGOTIATION  # costs the server more than the client, and no client needs it
    if config.test_mode_enable:
        _make_own_pair(context)
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context
    cert, key = config.server_cert_path, config.server_key_path
    if not cert or not key:
        unset = "tls.server.certPath" if not cert else "tls.server.keyPath"
        raise TlsError(f"{unset} is unset: with tls.test.mode.enable=false a server needs a certificate and its key")
    _load_pair(context, cert, key, config.server_key_password, "tls.server.keyPassword")
    _ask_clients(context, config)
    return context


def _ask_clients(context: ssl.SSLContext, config: TlsConfig) -> None:
    auth = config.server_need_client_auth
    if not config.server_auth_client:
        # Upstream takes any certificate then, a client's own invention too, but none is not enough. It proves nothing.
        if auth is ClientAuth.REQUIRE:
            wanted = "set tls.server.authClient=true and tls.server.trustCertPath, or do not require one"
            raise TlsError(f"tls.server.need.client.auth=require, but certificates are not verified: {wanted}")
        return
    if auth is not ClientAuth.NONE:
        _trust(context, config.server_trust_cert_path, ssl.Purpose.CLIENT_AUTH)
        context.verify_mode = ssl.CERT_REQUIRED if auth is ClientAuth.REQUIRE else ssl.CERT_OPTIONAL


def client_context(config: TlsConfig) -> ssl.SSLContext:
    """What this process's own connections speak; host names are not compared, as upstream does not."""
    context = _context(ssl.PROTOCOL_TLS_CLIENT, config)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if config.test_mode_enable:
        return context
    if config.client_auth_server:
        _trust(context, config.client_trust_cert_path, ssl.Purpose.SERVER_AUTH)
        context.verify_mode = ssl.CERT_REQUIRED
    cert, key = config.client_cert_path, config.client_key_path
    if cert and key:
        _load_pair(context, cert, key, config.client_key_password, "tls.client.keyPassword")
    elif cert or key:
        unset = "tls.client.certPath" if not cert else "tls.client.keyPath"
        raise TlsError(f"{unset} is unset: a certificate and its key are given together or not at all")
    return context


def _context(protocol: ssl._SSLMethod, config: TlsConfig) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = MIN_VERSIONS[config.min_version]
    return context


def _trust(context: ssl.SSLContext, path: str | None, purpose: ssl.Purpose) -> None:
    if not path:
        context.load_default_certs(purpose)
        return
    pem = _read(path)
    try:
        context.load_verify_locations(cadata=pem.decode("ascii", "replace"))
    except (ssl.SSLError, ValueError) as fault:
        raise TlsError(f"{path} holds no certificates to trust ({_reason(fault)}): give a PEM file") from None


def _load_pair(context: ssl.SSLContext, cert: str, key: str, password: str | None, setting: str) -> None:
    chain, secret = _read(cert), _read(key)
    encrypted = any(mark in secret for mark in ENCRYPTED)
    if encrypted and not password:
        raise TlsError(f"{key} is encrypted: give its password in {setting}")
    if b"BEGIN CERTIFICATE" not in chain:
        raise TlsError(f"{cert} holds no certificate: give a PEM file, the server's own certificate first")
    if encrypted:
        secret = _decrypted(key, secret, password or "", setting)
    try:
        with _in_memory(chain) as chain_path, _in_memory(secret) as key_path:
            context.load_cert_chain(chain_path, key_path, password=_no_password)
    except (ssl.SSLError, ValueError) as fault:
        if getattr(fault, "reason", None) == "KEY_VALUES_MISMATCH":
            raise TlsError(f"{key} is not the key of {cert}: give the two that belong together") from None
        raise TlsError(f"{cert} and {key} cannot be used: {_reason(fault)}") from None


def _no_password() -> str:
    """OpenSSL would ask for one at the terminal."""
    raise ValueError("the key is encrypted")


def _decrypted(path: str, pem: bytes, password: str, setting: str) -> bytes:
    """An encrypted key as a plain one. Upstream's guide makes keys with RC4, which OpenSSL 3 reads no more."""
    from cryptography.hazmat.primitives import serialization

    try:
        key = serialization.load_pem_private_key(pem, password.encode())
    except Exception as fault:  # its kinds of errors are many: wrong password, an unknown cipher, no key at all
        raise TlsError(f"{path} cannot be decrypted with {setting}: {_reason(fault)}") from None
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _make_own_pair(context: ssl.SSLContext) -> None:
    from rocketpy.remoting.self_signed import self_signed_pair

    chain, secret = self_signed_pair()
    with _in_memory(chain) as chain_path, _in_memory(secret) as key_path:
        context.load_cert_chain(chain_path, key_path)


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """The path of a file that is on no disk: the ssl module takes paths alone."""
    handle = os.memfd_create("pem", os.MFD_CLOEXEC)
    try:
        with os.fdopen(handle, "wb", closefd=False) as stream:
            stream.write(content)
        yield f"/proc/self/fd/{handle}"
    finally:
        os.close(handle)


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(PEM_LIMIT + 1)
    except OSError as fault:
        raise TlsError(f"{path} cannot be read ({fault.strerror}): check path and permissions") from None
    except ValueError:
        raise TlsError(f"{path!r} is no path: give an existing PEM file") from None
    if len(content) > PEM_LIMIT:
        raise TlsError(f"{path} has more than {PEM_LIMIT} bytes: give a PEM file")
    return content


def _reason(fault: Exception) -> str:
    """The core of an error in words."""
    reason = getattr(fault, "reason", None)
    text = str(reason).lower().replace("_", " ") if reason else " ".join(str(fault).split())
    return text[:120] or type(fault).__name__
