"""Changes to a document of rules, as codes 50, 51 and 53 ask for them.

Each gives whether the document had what it needs; invariant: the result is a document whose rules can be read, else
AclError and the caller throws the document away. An account's other members stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rocketpy.acl.addresses import split_patterns
from rocketpy.acl.errors import AclError
from rocketpy.acl.rules import (
    ACCOUNTS,
    DATA_VERSION,
    DEFAULTS,
    LISTS,
    MIN_LENGTH,
    WHITE,
    DataVersion,
    parse_flag,
    rules_of,
)


def put_account(document: dict[str, Any], given: Mapping[str, str | None], admin: bool) -> bool:
    """Make or change the account `given["accessKey"]`; members that are absent or empty stay, `admin` is always set."""
    accounts = document.get(ACCOUNTS)
    if accounts is None:
        return False
    key = given.get("accessKey") or ""
    account = _find(accounts, key)
    if len(key) <= MIN_LENGTH:
        raise AclError(f"The accessKey={key} cannot be null and length should longer than 6")
    if given.get("secretKey") and len(given["secretKey"] or "") <= MIN_LENGTH:
        raise AclError("The secretKey=*** value length should longer than 6")
    if account is None:
        account = {}
        accounts.append(account)
    for name in ("accessKey", "secretKey", "whiteRemoteAddress", *DEFAULTS):
        if given.get(name):
            account[name] = given[name]
    account["admin"] = "true" if admin else "false"
    for name in LISTS:
        if given.get(name):
            account[name] = [part for part in (given[name] or "").split(",") if part]
    rules_of(document)
    return True


def delete_account(document: dict[str, Any], access_key: str) -> bool:
    """Take an account away; False when there is none."""
    accounts = document.get(ACCOUNTS) or []
    account = _find(accounts, access_key) if access_key else None
    if account is None:
        return False
    accounts.remove(account)
    rules_of(document)
    return True


def put_global_white(document: dict[str, Any], addresses: str) -> bool:
    """Replace the global white list by a comma-separated one; False when the document has none, or none is given."""
    if document.get(WHITE) is None or not addresses:
        return False
    document[WHITE] = split_patterns(addresses)
    rules_of(document)
    return True


def put_version(document: dict[str, Any], version: DataVersion) -> None:
    """Say which version the document is."""
    document[DATA_VERSION] = [{"counter": version.counter, "timestamp": version.timestamp}]


def for_java(document: dict[str, Any]) -> dict[str, Any]:
    """The document with flags as flags: text in quotes is what upstream's reader would have to guess at."""
    accounts = document.get(ACCOUNTS)
    if not accounts:
        return document
    return {**document, ACCOUNTS: [_with_flag(account) for account in accounts]}


def _with_flag(account: dict[str, Any]) -> dict[str, Any]:
    return {**account, "admin": parse_flag(account["admin"], "admin")} if "admin" in account else account


def _find(accounts: Any, key: str) -> dict[str, Any] | None:
    if not isinstance(accounts, list):
        raise AclError(f"{ACCOUNTS} is no list")
    maps = (account for account in accounts if isinstance(account, dict))
    return next((account for account in maps if account.get("accessKey") == key), None)
