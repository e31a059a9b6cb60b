"""Signs what a request carries, as official clients do; invariant: signatures are compared in constant time.

Content: the values of all ext fields but Signature, in the order of their names, then the body. Signature:
Base64(HmacSHA1(secret key, content)). Upstream: AclUtils.combineRequestContent, AclSigner.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping

ACCESS_KEY = "AccessKey"
SIGNATURE = "Signature"
SECURITY_TOKEN = "SecurityToken"
BLOCK_SIZE = 64  # of SHA-1


def content_of(ext: Mapping[str, str], body: bytes | None) -> bytes:
    """The bytes that a request's signature is made of."""
    values = "".join([ext[name] for name in sorted(ext) if name != SIGNATURE]).encode("utf-8", "replace")
    return values + body if body else values


class Signer:
    """Signs with one secret key. HMAC (RFC 2104) hashes twice, each time from a state that the key alone makes: those
    are made once, which halves what a signature costs. The key itself is not kept.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes) -> None:
        key = hashlib.sha1(secret).digest() if len(secret) > BLOCK_SIZE else secret
        block = key.ljust(BLOCK_SIZE, b"\0")
        self._inner = hashlib.sha1(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha1(bytes(byte ^ 0x5C for byte in block))

    def sign(self, content: bytes) -> bytes:
        """The signature as it stands in the ext field."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(content)
        outer.update(inner.digest())
        return base64.b64encode(outer.digest())

    def is_of(self, signature: bytes, content: bytes) -> bool:
        """Whether the signature was made with this key; takes as long when it was not."""
        return hmac.compare_digest(self.sign(content), signature)


def is_signed(ext: Mapping[str, str], body: bytes | None, signer: Signer) -> bool:
    """Whether a request was signed with this secret key."""
    return signer.is_of(ext.get(SIGNATURE, "").encode("utf-8", "replace"), content_of(ext, body))


def signed(ext: Mapping[str, str], body: bytes | None, access_key: str, secret_key: str) -> dict[str, str]:
    """The ext fields of a request that an account sends."""
    named = {**ext, ACCESS_KEY: access_key}
    return {**named, SIGNATURE: Signer(secret_key.encode()).sign(content_of(named, body)).decode()}
