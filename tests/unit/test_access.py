"""The rules of a running server: loaded, followed, rewritten."""

import asyncio
import logging
import os

import pytest

from rocketpy._core.command import Command
from rocketpy.access import Access, acl_file
from rocketpy.acl.edit import put_account, put_global_white
from rocketpy.acl.errors import AccessDenied, AclError
from rocketpy.acl.signature import signed
from rocketpy.clock import ManualClock
from rocketpy.config import Environment
from rocketpy.errors import StartRefused

SECRET = "s3cr3t-of-one"
OTHER = "s3cr3t-of-two"
TEXT = f"""# a comment
globalWhiteRemoteAddresses:
- 10.0.0.*
accounts:
- accessKey: account-one
  secretKey: {SECRET}
  defaultTopicPerm: PUB
"""
NEW_ACCOUNT = {"accessKey": "account-two", "secretKey": OTHER, "defaultTopicPerm": "PUB"}


class Peer:
    ip, address = "10.9.9.9", "10.9.9.9:1234"


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "plain_acl.yml"
    path.write_text(TEXT)
    return path


@pytest.fixture
def access(path, clock):
    access = Access(path, clock, logging.getLogger("RocketmqBroker"))
    access.load("aclEnable=true (default)")
    return access


def may(access, key="account-one", secret=SECRET, code=310):
    try:
        access.check(Peer(), Command(code, signed({"b": "T"}, None, key, secret)))
    except AccessDenied:
        return False
    return True


def lines(caplog):
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("variables", "path"),
    [
        ({"ROCKETMQ_HOME": "/opt/mq"}, "/opt/mq/conf/plain_acl.yml"),
        ({"ROCKETMQ_HOME": "/a", "JAVA_OPT": "-Drocketmq.home.dir=/b"}, "/b/conf/plain_acl.yml"),
        ({"ROCKETMQ_HOME": "/a", "JAVA_OPT": "-Drocketmq.acl.plain.file=/conf/acl/own.yml"}, "/a/conf/acl/own.yml"),
        ({"ROCKETMQ_HOME": "/a", "JAVA_OPT_EXT": "-Drocketmq.acl.plain.file=own.yml"}, "/a/own.yml"),
    ],
)
def test_where_the_rules_are(variables, path):
    assert str(acl_file(Environment(variables=variables))) == path


def test_rules_are_in_force_after_loading(access):
    assert may(access)
    assert not may(access, secret=OTHER)
    assert not may(access, "account-two", OTHER)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file or directory; put the rules there"),
        ("", "it holds no rules; correct it"),
        ("accounts: [", "it is not YAML: line "),
        (f"accounts:\n- secretKey: {SECRET}\n", "The accessKey=null and secretKey=*** cannot be null"),
    ],
)
def test_a_start_without_rules_is_refused_in_one_line(path, clock, text, words):
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(StartRefused) as refusal:
        Access(path, clock, logging.getLogger("x")).load("aclEnable=true (broker.conf:3)")
    line = str(refusal.value)
    assert line.startswith(f"aclEnable=true (broker.conf:3): {path}: ")
    assert words in line
    assert "-Drocketmq.acl.plain.file" in line
    assert "\n" not in line
    assert SECRET not in line


def test_a_change_of_the_content_is_followed(access, path, caplog):
    caplog.set_level(logging.INFO)
    access.poll()
    assert lines(caplog) == []
    path.write_text(TEXT.replace(SECRET, OTHER))
    access.poll()
    assert not may(access)
    assert may(access, secret=OTHER)
    assert lines(caplog)[0] == f"{path}: 1 accounts and 1 global white addresses in force"


@pytest.mark.parametrize("text", ["", "accounts: [", "accounts: x", None])
def test_a_file_that_breaks_keeps_the_rules_and_is_told_once(access, path, caplog, text):
    path.unlink()
    if text is not None:
        path.write_text(text)
    access.poll()
    access.poll()
    assert may(access)
    (line,) = lines(caplog)
    assert line.startswith(f"{path}: ")
    assert line.endswith("; the rules that were in force stay so")
    path.write_text(TEXT.replace(SECRET, OTHER))
    access.poll()
    assert may(access, secret=OTHER)


def test_remarks_on_the_file_are_told(access, path, caplog):
    path.write_text(TEXT + "acounts: []\n")
    access.poll()
    assert lines(caplog) == [f"{path}: acounts of the file is no member that anything reads"]


def change(access, what):
    return asyncio.run(access.change(what))


def test_a_change_by_request_is_on_disk_and_in_force(access, path, clock):
    assert access.version_text == '{"counter":0,"timestamp":1565000000000}'
    clock.advance(5)
    assert change(access, lambda document: put_account(document, NEW_ACCOUNT, False))
    assert may(access, "account-two", OTHER)
    assert may(access)
    assert access.version_text == '{"counter":1,"timestamp":1565000000005}'
    assert "dataVersion:\n- counter: 1\n  timestamp: 1565000000005\n" in path.read_text()
    again = Access(path, ManualClock(1), logging.getLogger("x"))
    again.load("x")
    assert again.version_text == access.version_text
    assert may(again, "account-two", OTHER)
    assert (path.parent / "plain_acl.yml.bak").read_text() == TEXT


def test_the_watch_does_not_take_its_own_change_for_another(access, caplog):
    change(access, lambda document: put_global_white(document, "10.0.0.1"))
    caplog.clear()
    caplog.set_level(logging.INFO)
    access.poll()
    assert lines(caplog) == []


def test_a_change_begins_with_what_stands_in_the_file_now(access, path):
    path.write_text(TEXT.replace(SECRET, OTHER))
    assert change(access, lambda document: put_account(document, NEW_ACCOUNT, False))
    assert may(access, secret=OTHER)


def test_a_change_that_changes_nothing_or_cannot_be_made_leaves_the_file(access, path, tmp_path):
    assert not change(access, lambda document: put_global_white(document, ""))
    with pytest.raises(AclError):
        change(access, lambda document: put_account(document, {"accessKey": "account-two"}, True))
    path.write_text("accounts: [")
    with pytest.raises(AclError, match="it is not YAML"):
        change(access, lambda document: put_account(document, NEW_ACCOUNT, True))
    path.unlink()
    with pytest.raises(AclError, match="No such file or directory"):
        change(access, lambda document: put_account(document, NEW_ACCOUNT, True))
    assert [entry.name for entry in tmp_path.iterdir()] == []
    assert may(access)


def test_changes_at_the_same_time_are_made_one_after_the_other(access):
    async def all_of_them():
        accounts = [{**NEW_ACCOUNT, "accessKey": f"account-{at:03}"} for at in range(10)]
        changes = [access.change(lambda document, new=new: put_account(document, new, False)) for new in accounts]
        polling = asyncio.gather(*changes)
        while not polling.done():
            access.poll()
            await asyncio.sleep(0)
        return await polling

    assert asyncio.run(all_of_them()) == [True] * 10
    assert all(may(access, f"account-{at:03}", OTHER) for at in range(10))
    assert '"counter":10' in access.version_text


def test_who_may_read_the_file_stays_and_a_link_stays_one(tmp_path, clock):
    (tmp_path / "secrets").mkdir()
    target = tmp_path / "secrets" / "rules.yml"
    target.write_text(TEXT)
    target.chmod(0o600)
    link = tmp_path / "plain_acl.yml"
    link.symlink_to(target)
    access = Access(link, clock, logging.getLogger("x"))
    access.load("x")
    assert change(access, lambda document: put_account(document, NEW_ACCOUNT, False))
    assert link.is_symlink()
    assert target.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "secrets" / "rules.yml.bak").stat().st_mode & 0o777 == 0o600


def test_a_disk_that_refuses_is_told_and_changes_nothing(access, path, monkeypatch):
    def refuse(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(AclError, match="cannot be written: No space left on device"):
        change(access, lambda document: put_account(document, NEW_ACCOUNT, False))
    assert path.read_text() == TEXT
    assert not may(access, "account-two", OTHER)


def test_refusals_are_told_at_most_once_a_second(access, clock, caplog):
    for _ in range(100):
        may(access, "stranger-" + "x" * 1000)
    clock.advance(1000)
    may(access, secret=OTHER)
    first, second = lines(caplog)
    assert first.startswith("refused 10.9.9.9:1234: request code 310: ")
    assert len(first) < 300
    assert "Check signature failed for accessKey=account-one" in second
    assert second.endswith("(99 refusals before it were not logged)")


def test_no_secret_in_any_log_line(access, path, caplog):
    caplog.set_level(logging.DEBUG)
    may(access, secret=OTHER)
    change(access, lambda document: put_account(document, NEW_ACCOUNT, False))
    for text in (f"secretKey: *{SECRET}", f"accounts:\n- secretKey: {SECRET}\n", f"accounts: ['{SECRET}'"):
        path.write_text(text)
        access.poll()
    assert caplog.records
    assert SECRET not in caplog.text
    assert OTHER not in caplog.text


def test_a_table_is_guarded_as_a_whole(access):
    table = access.guarded({310: lambda connection, request: "served", 105: lambda connection, request: "route"})
    request = Command(310, signed({"b": "T"}, None, "account-one", SECRET))
    assert table[310](Peer(), request) == "served"
    for serve in table.values():
        with pytest.raises(AccessDenied):
            serve(Peer(), Command(310, {"b": "T"}))
