"""Words become options as commons-cli's PosixParser reads them."""

import pytest

from rocketpy.admin.command import COMMON, Given, Option, UsageMistake
from rocketpy.admin.posix import parse

OPTIONS = (
    *COMMON,
    Option("t", "topic", "", required=True),
    Option("m", "more", "", flag=True),
    Option("v", "value", ""),
)
EITHER = (Option("b", "broker", "", group="where"), Option("c", "cluster", "", group="where"))


def test_bytes_that_are_no_utf_8_may_only_name_a_file():
    option = Option("f", "file", "", is_path=True)
    assert parse((*OPTIONS, option), ["-t", "T", "-f", "/a/\udcff"])["f"] == "/a/\udcff"
    with pytest.raises(UsageMistake, match="-v: its value is not UTF-8"):
        parse((*OPTIONS, option), ["-t", "T", "-v", "/a/\udcff"])


@pytest.mark.parametrize(
    "words",
    [
        ["-t", "T"],
        ["-tT"],
        ["--topic", "T"],
        ["--topic=T"],
        ["-topic", "T"],
        ["-t", '"T"'],
        ["-t", "T", "-t", "U"],
        ["astray", "-t", "T", "too"],
        ["-t", "T", "--", "-v"],
    ],
)
def test_ways_to_give_a_topic(words):
    assert parse(OPTIONS, words) == {"t": "T"}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["-mtT"], {"m": "", "t": "T"}),
        (["-tT", "-v", "-1"], {"t": "T", "v": "-1"}),
        (["-tT", "-v-1"], {"t": "T", "v": "-1"}),
        (["-tT", "-v", "--", "-m"], {"t": "T", "v": "--", "m": ""}),
        (["-tT", "-v", "---topic"], {"t": "T", "v": "---topic"}),
        (["-t", "T", "--value=a=b"], {"t": "T", "v": "a=b"}),
        (["-t", "T", "-n", "a:1;b:2"], {"t": "T", "n": "a:1;b:2"}),
    ],
)
def test_flags_and_values(words, found):
    assert parse(OPTIONS, words) == found


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "Missing required option: t"),
        (["-t"], "Missing argument for option: t"),
        (["-t", "-m"], "Missing argument for option: t"),
        (["-t", "T", "-x"], "Unrecognized option: -x"),
        (["-t", "T", "--xyz=1"], "Unrecognized option: --xyz=1"),
        (["---topic", "T"], "Unrecognized option: ---topic"),
    ],
)
def test_mistakes_are_named(words, told):
    with pytest.raises(UsageMistake, match=told):
        parse(OPTIONS, words)


def test_of_a_group_exactly_one_is_given():
    assert parse(EITHER, ["-b", "x"]) == {"b": "x"}
    with pytest.raises(UsageMistake, match="-c is not given together with -b"):
        parse(EITHER, ["-b", "x", "-c", "y"])
    with pytest.raises(UsageMistake, match="Missing required option: b or c"):
        parse(EITHER, [])


def test_values_are_read_as_java_reads_them():
    given = Given({"a": " 7 ", "b": "TRUE", "c": "yes", "d": "x,y", "e": "1_0"})
    assert (given.number("a"), given.number("z", 3)) == (7, 3)
    assert (given.boolean("b"), given.boolean("c"), given.boolean("z", True)) == (True, False, True)
    assert (given.words("d"), given.words("z"), given.maybe("z")) == (["x", "y"], [], None)
    for letter in "cde":
        with pytest.raises(UsageMistake, match=f"-{letter} .*: a whole number is wanted"):
            given.number(letter)
    with pytest.raises(UsageMistake, match="from 1 to 5"):
        given.number("a", least=1, most=5)
