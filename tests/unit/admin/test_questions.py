"""What commands of groups ask before something is lost, and the times and file names they take."""

import pytest

from rocketpy.admin import registry
from rocketpy.admin.command import CommandFailed, Given, UsageMistake
from rocketpy.admin.files import as_file_name, write_anew
from rocketpy.admin.times import given_time


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("deleteSubGroup", {"g": "CG", "b": "h:1"}, "group CG and its settings from broker h:1"),
        ("deleteSubGroup", {"g": "CG", "c": "C"}, "from cluster C, with its retry and DLQ topics"),
        ("resetOffsetByTime", {"g": "CG", "t": "T", "s": "now"}, "offsets of the group CG in T to now"),
        ("cloneGroupOffset", {"s": "CG", "d": "CG2", "t": "T"}, "offsets of the group CG2 in T to those of CG"),
        ("updateOrderConf", {"t": "T", "m": "delete"}, "order conf of T in every name server"),
    ],
)
def test_what_is_asked(name, given, words):
    question = registry.find(name).load().asks(Given(given))
    assert words in question
    assert question.count("?") == 1


def test_nothing_is_asked_where_nothing_is_lost():
    assert registry.find("updateOrderConf").load().asks(Given({"t": "T", "m": "put", "v": "a:4"})) == ""


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "..\\x", "a\0b", "a\nb", "\x1b[2J", "x" * 256, "\u4f60" * 86]
)
def test_what_is_no_file_name(name):
    with pytest.raises(CommandFailed, match="none is written"):
        as_file_name(name)


@pytest.mark.parametrize("name", ["10.0.0.9@1#unit", "7F00000121AC", "...", "\u4f60"])
def test_what_is_a_file_name(name):
    assert as_file_name(name) == name


def test_a_file_is_written_anew(tmp_path):
    path = tmp_path / "a" / "b"
    write_anew(path, b"longer")
    write_anew(path, b"short")
    assert path.read_bytes() == b"short"
    with pytest.raises(CommandFailed, match=r"a/b/c cannot be written: "):
        write_anew(path / "c", b"")


def test_times():
    later = given_time(Given({"b": "2020-02-29#23:59:59:007"}), "b")
    assert later - given_time(Given({"b": "2020-02-29#23:59:00:000"}), "b") == 59_007
    assert given_time(Given({"b": " -1 "}), "b") == -1
    for text in ("", "2020-02-30#00:00:00:000", "2020-02-29#00:00:00", "2020-02-29#00:00:00:x", "1e3", "\u0661x"):
        with pytest.raises(UsageMistake, match=r"-b .*yyyy-MM-dd#HH:mm:ss:SSS"):
            given_time(Given({"b": text}), "b")
