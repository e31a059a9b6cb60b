"""Signs what a request carries, as official clients do; invariant: signatures are compared in constant time.

Content: the values of all ext fields but Signature, in the order of their names, then the body. Signature:
Base64(HmacSHA1(secret key, content)). Upstream: AclUtils.combineRequestContent, AclSigner.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping

ACCESS_KEY = "AccessKey"
SIGNATURE = "Signature"
SECURITY_TOKEN = "SecurityToken"


def content_of(ext: Mapping[str, str], body: bytes | None) -> bytes:
    """The bytes that a request's signature is made of."""
    values = "".join([ext[name] for name in sorted(ext) if name != SIGNATURE]).encode("utf-8", "replace")
    return values + body if body else values


def sign(content: bytes, secret: bytes) -> bytes:
    """The signature as it stands in the ext field."""
    return base64.b64encode(hmac.digest(secret, content, "sha1"))


def is_signed(ext: Mapping[str, str], body: bytes | None, secret: bytes) -> bool:
    """Whether a request was signed with this secret key."""
    given = ext.get(SIGNATURE, "").encode("utf-8", "replace")
    return hmac.compare_digest(sign(content_of(ext, body), secret), given)


def signed(ext: Mapping[str, str], body: bytes | None, access_key: str, secret_key: str) -> dict[str, str]:
    """The ext fields of a request that an account sends."""
    named = {**ext, ACCESS_KEY: access_key}
    signature = sign(content_of(named, body), secret_key.encode())
    return {**named, SIGNATURE: signature.decode()}
