"""Certificates for tests: an authority, and pairs it signed, as PEM files in a folder of the test's own."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

PEM = serialization.Encoding.PEM
DAY = timedelta(days=1)


Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@cache
def key_of(name: str, is_rsa: bool) -> Key:
    """One key a name and test run. RSA is what clients of 4.5 speak, and takes a while to make."""
    return rsa.generate_private_key(65537, 2048) if is_rsa else ec.generate_private_key(ec.SECP256R1())


def subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


class Authority:
    """Signs certificates; `certificate` is what trusts them."""

    def __init__(self, folder: Path, name: str = "authority", *, is_rsa: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.name, self.is_rsa = folder, name, is_rsa
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(self._sign(name, is_authority=True).public_bytes(PEM))

    def pair(self, name: str, password: str | None = None, key: str | None = None) -> tuple[Path, Path]:
        """Paths of a certificate and its key (PKCS#8), written anew at each call."""
        certificate, secret = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        how = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        private = self._key(key or name).private_bytes(PEM, serialization.PrivateFormat.PKCS8, how)
        certificate.write_bytes(self._sign(name, key=key).public_bytes(PEM))
        secret.write_bytes(private)
        return certificate, secret

    def encrypted(self, key: Path, password: str, cipher: str = "PBE-SHA1-3DES") -> Path:
        """The key in PKCS#8 as Java's old readers take it, and OpenSSL's own program writes it."""
        locked = key.with_suffix(".locked")
        command = ["openssl", "pkcs8", "-topk8", "-v1", cipher, "-provider", "legacy", "-provider", "default",
                   "-in", str(key), "-out", str(locked), "-passout", f"pass:{password}"]
        subprocess.run(command, check=True, capture_output=True, timeout=30)
        return locked

    def _key(self, name: str) -> Key:
        return key_of(name, self.is_rsa)

    def _sign(self, name: str, *, key: str | None = None, is_authority: bool = False) -> x509.Certificate:
        now = datetime.now(timezone.utc)
        return (
            x509.CertificateBuilder()
            .subject_name(subject(name))
            .issuer_name(subject(self.name))
            .public_key(self._key(key or name).public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .sign(self._key(self.name), hashes.SHA256())
        )
