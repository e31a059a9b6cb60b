"""A changed file: its new values, and every other character as it was."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketpy.config.edit_properties import ADDED, changed_text
from rocketpy.config.properties import parse_properties


def values(text: str) -> dict[str, str]:
    return {key: entry.value for key, entry in parse_properties("f", text).in_force().items()}


def changed(text: str, **new: str) -> str:
    return changed_text(text, new, new.keys())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a=1\n", "a=2\n"),
        ("# top\n\n  a = 1\nb=3\n\n! end", "# top\n\n  a = 2\nb=3\n\n! end"),
        ("a: 1 \n", "a: 2 \n"),
        ("a 1\n", "a 2\n"),
        ("a\t=\t1\r\nb=3\r\n", "a\t=\t2\r\nb=3\r\n"),
        ("a=1 # hours", "a=2 # hours"),
        ("a=#\n", "a=2\n"),
        ("a= # nothing\n", "a= 2 # nothing\n"),
        ("a\n", "a=2\n"),
        ("a=\n", "a=2\n"),
        ("a=1\na=1\n", "a=1\na=2\n"),
        ("a=\\\n  1\\\n  0\nb=3\n", "a=2\nb=3\n"),
        ("\\u0061=1\n", "\\u0061=2\n"),
        ("\ufeffa=1\n", "\ufeffa=2\n"),
        ("b=x\\\n # no comment\na=1\n", "b=x\\\n # no comment\na=2\n"),
        ("a=1\rb=3\r", "a=2\rb=3\r"),
    ],
)
def test_only_the_value_changes(before: str, after: str) -> None:
    assert changed(before, a="2") == after
    assert values(after)["a"] == "2"


def test_a_value_that_is_there_already_changes_nothing() -> None:
    text = "  a :\\\n  1   # one\r\n"
    assert changed(text, a="1") == text


def test_new_keys_come_behind_one_comment() -> None:
    once = changed("a=1\n", b="2", c="3")
    assert once == f"a=1\n{ADDED}\nb=2\nc=3\n"
    assert changed(once + "\n# mine\nz=9\n", d="4") == f"a=1\n{ADDED}\nb=2\nc=3\nd=4\n\n# mine\nz=9\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"{ADDED}\nb=2\n"),
        ("a=1", f"a=1\n{ADDED}\nb=2\n"),
        ("a=1\r\nc=3", f"a=1\r\nc=3\r\n{ADDED}\r\nb=2\r\n"),
        ("a=1\\", f"a=1\\\n\n{ADDED}\nb=2\n"),
        ("# b=1\n", f"# b=1\n{ADDED}\nb=2\n"),
        ("a=1\nc=3\\\r", f"a=1\nc=3\\\r\r{ADDED}\nb=2\n"),
    ],
)
def test_a_new_key_at_the_end_of_any_file(before: str, after: str) -> None:
    assert changed(before, b="2") == after
    assert values(after) == {**values(before), "b": "2"}


def test_what_is_no_news_is_not_added() -> None:
    assert changed_text("a=1\n", {"a": "2", "b": "3"}, {"a"}) == "a=2\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("C:\\x", "C:\\\\x"),
        (" x ", "\\ x\\ "),
        ("=x", "\\=x"),
        ("#x", "\\#x"),
        ("a #b", "a \\#b"),
        ("\u4e2d\U0001f600", "\\u4E2D\\uD83D\\uDE00"),
        ("", ""),
    ],
)
def test_values_are_escaped_so_that_both_readers_take_them(value: str, written: str) -> None:
    assert changed("a=1\n", a=value) == f"a={written}\n"
    assert values(f"a={written}\n") == {"a": value}


@pytest.mark.parametrize(
    ("before", "key", "after"),
    [
        ("\\\n\nb=2\n", "b", "\\\n\nb=3\n"),
        ("\\\n# x\nb=2\n", "b", "\\\n# x\nb=3\n"),
        ("a\\:\n", "a:", "a\\:=3\n"),
        ("a \u3000x\n", "a", "a \u30003\n"),
        ("a=1\\", "a", "a=3"),
        ("\\\n#k=1\n", "#k", "\\#k=3\n"),
    ],
)
def test_odd_lines_are_read_as_a_start_reads_them(before: str, key: str, after: str) -> None:
    assert changed_text(before, {key: "3"}, {key}) == after
    assert values(after)[key] == "3"


texts = st.text(st.sampled_from("ab=: \t\\#!\n\r\fu0041x\u4e2d"), max_size=40)
new_values = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


@given(texts, new_values)
def test_any_file_takes_any_value_and_keeps_the_others(text: str, value: str) -> None:
    assert values(changed(text, a=value)) == {**values(text), "a": value}
