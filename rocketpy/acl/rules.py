"""The rules of one plain_acl.yml, whole and checked; invariant: rules that exist can be decided with, and never change.

What upstream drops without a word (unknown members, permissions that are no word) is kept in `remarks` for the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rocketpy.acl.addresses import NOBODY, AddressPattern, parse_address
from rocketpy.acl.errors import AclError
from rocketpy.acl.permissions import DENY, WORDS, merge, parse_permission, parse_resources
from rocketpy.acl.signature import Signer

MIN_LENGTH = 6  # keys must be longer (AclConstants)
REMEMBERED = 4096  # peers whose address was looked up, topics and groups that an account may use
WHITE, ACCOUNTS, DATA_VERSION = "globalWhiteRemoteAddresses", "accounts", "dataVersion"
MEMBERS = (WHITE, ACCOUNTS, DATA_VERSION)
LISTS = ("topicPerms", "groupPerms")
DEFAULTS = ("defaultTopicPerm", "defaultGroupPerm")
ACCOUNT_MEMBERS = ("accessKey", "secretKey", "whiteRemoteAddress", "admin", *DEFAULTS, *LISTS)
TRUE = ("true", "yes", "on", "1", "y", "t")
FALSE = ("false", "no", "off", "0", "n", "f", "")


@dataclass(frozen=True)
class Account:
    """One access key and what its owner may do; `resources` None means that no topic and no group is named."""

    access_key: str
    signer: Signer = field(repr=False)
    admin: bool = False
    white: AddressPattern = NOBODY
    default_topic: int = DENY
    default_group: int = DENY
    resources: Mapping[str, int] | None = None
    known: dict[tuple[int, str, str], bool] = field(default_factory=dict, repr=False, compare=False)  # Guard's memory


@dataclass(frozen=True)
class DataVersion:
    """How often the rules were changed by request, and when last, ms."""

    counter: int
    timestamp: int

    def json(self) -> str:
        """As code 52 answers it."""
        return f'{{"counter":{self.counter},"timestamp":{self.timestamp}}}'


@dataclass(frozen=True)
class Rules:
    """All accounts and white lists."""

    white: tuple[AddressPattern, ...] = ()
    accounts: Mapping[str, Account] = field(default_factory=dict)
    data_version: DataVersion | None = None
    remarks: tuple[str, ...] = ()
    _known: dict[str, bool] = field(default_factory=dict, repr=False, compare=False)

    def is_white(self, ip: str) -> bool:
        """Whether a peer's address needs no signature, whoever asks."""
        known = self._known.get(ip)
        if known is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[ip] = any(pattern.matches(ip) for pattern in self.white)
        return known


def rules_of(document: Mapping[str, Any]) -> Rules:
    """The rules that a document gives; AclError names the account and what is wrong with it."""
    remarks = _unknown(document, MEMBERS, "the file")
    white = tuple(parse_address(_text(entry, WHITE)) for entry in _list(document.get(WHITE), WHITE))
    accounts: dict[str, Account] = {}
    for at, given in enumerate(_list(document.get(ACCOUNTS), ACCOUNTS)):
        account = _account(given, f"accounts[{at}]", remarks)
        if account.access_key in accounts:
            remarks.append(f"accessKey={account.access_key} stands twice, the last one counts")
        accounts[account.access_key] = account
    return Rules(white, accounts, version_of(document), tuple(remarks))


def version_of(document: Mapping[str, Any]) -> DataVersion | None:
    """The version in a document, None when it has none; AclError when it holds something else than numbers."""
    found = _list(document.get(DATA_VERSION), DATA_VERSION)
    if not found:
        return None
    try:
        return DataVersion(int(found[0].get("counter") or 0), int(found[0].get("timestamp") or 0))
    except (AttributeError, TypeError, ValueError):
        raise AclError(f"{DATA_VERSION} is no list of one counter and timestamp") from None


def _account(given: Any, place: str, remarks: list[str]) -> Account:
    if not isinstance(given, dict):
        raise AclError(f"{place} is not an account: a map of accessKey, secretKey and so on")
    key, secret = (_text(given.get(name), f"{place}.{name}") for name in ("accessKey", "secretKey"))
    check_keys(key, secret)
    place = f"accessKey={key}"
    _remark(given, place, remarks)
    resources: dict[str, int] = {}
    for name in ("groupPerms", "topicPerms"):
        entries = [_text(entry, f"{name} of {place}") or "" for entry in _list(given.get(name), f"{name} of {place}")]
        merge(resources, parse_resources(entries, groups=name == "groupPerms"))
    return Account(
        access_key=key or "",
        signer=Signer((secret or "").encode("utf-8", "replace")),
        admin=parse_flag(given.get("admin"), f"admin of {place}"),
        white=parse_address(_text(given.get("whiteRemoteAddress"), f"whiteRemoteAddress of {place}")),
        default_topic=parse_permission(_text(given.get("defaultTopicPerm"), f"defaultTopicPerm of {place}")),
        default_group=parse_permission(_text(given.get("defaultGroupPerm"), f"defaultGroupPerm of {place}")),
        resources=resources or None,
    )


def check_keys(access_key: str | None, secret_key: str | None) -> None:
    """AclError in upstream's words for keys that are missing or short; the secret itself is not among them."""
    if min(len(access_key or ""), len(secret_key or "")) <= MIN_LENGTH:
        shown = "null" if secret_key is None else "***"
        raise AclError(
            f"The accessKey={access_key or 'null'} and secretKey={shown} cannot be null and length should longer than 6"
        )


def _remark(given: Mapping[str, Any], place: str, remarks: list[str]) -> None:
    """Say what is DENY or nothing here because it is no word."""
    remarks += _unknown(given, ACCOUNT_MEMBERS, place)
    words = [(name, given.get(name)) for name in DEFAULTS if given.get(name)]
    words += [
        (f"{name} {entry.partition('=')[0]}", entry.rpartition("=")[2])
        for name in LISTS
        for entry in given.get(name) or ()
        if isinstance(entry, str)
    ]
    for name, word in words:
        if isinstance(word, str) and word.strip() not in WORDS:
            remarks.append(f"{name} of {place} is DENY: its permission is none of {', '.join(WORDS)}")


def _unknown(given: Mapping[Any, Any], known: tuple[str, ...], place: str) -> list[str]:
    """Names that nothing reads, without what may follow a colon that lacks its blank: that could be a secret."""
    names = [str(name).partition(":")[0][:40] for name in given if name not in known]
    return [f"{name} of {place} is no member that anything reads" for name in names]


def _list(value: Any, place: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise AclError(f"{place} is no list: write each entry on a line of its own, behind a dash")
    return value


def _text(value: Any, place: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise AclError(f"{place} is no text")
    return value


def parse_flag(value: Any, place: str) -> bool:
    """A flag as text; what is absent or empty is false. AclError when it is neither true nor false."""
    word = (_text(value, place) or "").lower()
    if word not in (*TRUE, *FALSE):
        raise AclError(f"{place} is neither true nor false")
    return word in TRUE
