"""Names that may come from the wire, and permissions and flags beside them."""

import pytest

from rocketpy.errors import RequestRefused
from rocketpy.protocol import names, perm, sys_flag
from rocketpy.protocol.mqversion import CURRENT_VERSION, ORDINALS, version_desc


@pytest.mark.parametrize("name", ["T", "%RETRY%G", "a-b_c|1", "x" * 255])
def test_what_official_clients_allow_passes(name):
    assert names.check_name("topic", name) == name


@pytest.mark.parametrize("name", ["", " ", "a/b", "..", ".", "a\0", "a\n", "é", "a b", "x" * 256, "a\\b", "T\n"])
def test_what_could_be_a_path_is_refused(name):
    with pytest.raises(RequestRefused, match="the topic "):
        names.check_name("topic", name)


def test_names_of_retry_and_dead_letters():
    assert (names.retry_topic("G"), names.dlq_topic("G")) == ("%RETRY%G", "%DLQ%G")
    assert names.is_system_group("CID_RMQ_SYS_TRANS") and not names.is_system_group("CID_x")


@pytest.mark.parametrize(("value", "text"), [(6, "RW-"), (7, "RWX"), (4, "R--"), (2, "-W-"), (0, "---"), (8, "---")])
def test_permissions_print_as_mqadmin_prints_them(value, text):
    assert perm.perm_text(value) == text


def test_permissions_are_bits():
    assert perm.is_readable(6) and perm.is_writable(6) and not perm.is_inherited(6)


def test_transaction_types_share_two_bits():
    flag = sys_flag.COMPRESSED_FLAG | sys_flag.TRANSACTION_PREPARED_TYPE
    assert sys_flag.transaction_type(flag) == sys_flag.TRANSACTION_PREPARED_TYPE
    assert sys_flag.with_transaction_type(flag, sys_flag.TRANSACTION_COMMIT_TYPE) == 9


def test_flags_of_pulls_and_topics():
    assert sys_flag.pull_flags(commit_offset=True, suspend=True, subscription=True) == 7
    assert sys_flag.topic_flags(unit=False, unit_sub=True) == 2


def test_versions():
    assert (CURRENT_VERSION, version_desc(317), version_desc(9999)) == (317, "V4_5_2", "HIGHER_VERSION")
    assert (ORDINALS["V3_0_11"], ORDINALS["V3_4_9"], ORDINALS["V4_1_0_SNAPSHOT"]) == (37, 121, 232)
