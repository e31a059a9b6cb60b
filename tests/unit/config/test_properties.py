"""Java's syntax to the letter, what is trimmed beyond it, and files that are no properties files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocketpy.config.properties import PropertiesFile, load_properties, parse_properties
from rocketpy.errors import StartRefused


def java(text: str) -> dict[str, str]:
    return {key: entry.java_value for key, entry in parse_properties("f", text).in_force().items()}


def values(text: str) -> dict[str, str]:
    return {key: entry.value for key, entry in parse_properties("f", text).in_force().items()}


def told(file: PropertiesFile) -> list[str]:
    return [str(remark) for remark in file.remarks]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=b", {"a": "b"}),
        ("a:b", {"a": "b"}),
        ("a b", {"a": "b"}),
        ("a\tb", {"a": "b"}),
        ("a\fb", {"a": "b"}),
        ("  a  =  b", {"a": "b"}),
        ("a = = b", {"a": "= b"}),
        ("a=:b", {"a": ":b"}),
        ("a  b=c", {"a": "b=c"}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("=b", {"": "b"}),
        ("# a=b\n! c=d\n\n   # e=f", {}),
        ("a=b # c", {"a": "b # c"}),
        ("a=b  ", {"a": "b  "}),
        ("a=1\na=2", {"a": "2"}),
        ("a=b\\\n   c", {"a": "bc"}),
        ("a=b\\\n#c", {"a": "b#c"}),
        ("a=b\\\r\n c\r\nd=e", {"a": "bc", "d": "e"}),
        ("a=b\rc=d", {"a": "b", "c": "d"}),
        ("a=b\\\\\nc=d", {"a": "b\\", "c": "d"}),
        ("a=b\\\n\nc=d", {"a": "b", "c": "d"}),
        ("a=b\\", {"a": "b"}),
        ("# comment \\\na=b", {"a": "b"}),
        ("a\\ b=c", {"a b": "c"}),
        ("a\\=b=c", {"a=b": "c"}),
        ("a\\:b=c", {"a:b": "c"}),
        ("a=\\t\\n\\r\\f\\\\\\q\\ x", {"a": "\t\n\r\f\\q x"}),
        ("a=\\u4e2d\\u6587", {"a": "中文"}),
        ("a=\\uD83D\\uDE00", {"a": "😀"}),
        ("a=x\u2028y\u0085z", {"a": "x\u2028y\u0085z"}),
        ("\\u0061=b", {"a": "b"}),
    ],
)
def test_syntax_is_javas(text: str, expected: dict[str, str]) -> None:
    assert java(text) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=b ", "b"),
        ("a=b \t\f", "b"),
        ("a=b\\ ", "b "),
        ("a=b　", "b"),
        ("a=b #c", "b"),
        ("a=b\t#c # d", "b"),
        ("a=b c #d", "b c"),
        ("a=b#c", "b#c"),
        ("a=#c", "#c"),
        ("a= #c", ""),
        ("a=b \\#c", "b #c"),
        ("a=b\\ #c", "b #c"),
        ("a=p#ss w#rd", "p#ss w#rd"),
    ],
)
def test_what_stands_behind_a_value_is_cut(text: str, value: str) -> None:
    assert values(text) == {"a": value}


def test_what_was_cut_is_told_with_line_and_value() -> None:
    file = parse_properties("f", "a=b \n\nc=d  #e")
    assert told(file) == [
        'f:1: a: blanks around the value are dropped; "b" is in force',
        'f:3: c: "#e" behind the value is taken as a comment; "d" is in force',
    ]


def test_a_duplicate_and_a_bad_escape_are_told() -> None:
    file = parse_properties("f", "a=1\nb=\\u12x\na=2")
    assert told(file) == [
        "f:2: \\u12x is not \\u and four hexadecimal digits; it is read as u12x",
        "f:3: a stands in line 1 too; this later one is in force",
    ]
    assert file.in_force()["a"].value == "2"


def test_an_entry_has_the_line_where_it_starts() -> None:
    assert [entry.line for entry in parse_properties("f", "# x\na=b\\\n  c\nd=e").entries] == [2, 4]


def test_a_line_break_in_a_value_makes_no_second_log_line() -> None:
    assert "\n" not in told(parse_properties("f", "a=1\\nERROR forged \n"))[0]


def test_a_byte_order_mark_does_not_spoil_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes("\ufeffa=中\r\n".encode())
    file = load_properties(str(path))
    assert file.in_force()["a"].value == "中"
    assert "byte order mark" in told(file)[0]


def test_latin_1_is_read_where_utf_8_is_not(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"a=caf\xe9\n")
    assert load_properties(str(path)).in_force()["a"].value == "café"


def test_an_empty_file_has_no_entries(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"")
    assert load_properties(str(path)).entries == []


@pytest.mark.parametrize(
    ("content", "words"), [(b"a=b\0", "is no text"), (b"a" * (2 << 20), "more than"), (None, "does not exist")]
)
def test_what_is_no_properties_file_is_refused_with_a_remedy(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "f"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StartRefused, match=words) as refused:
        load_properties(str(path))
    assert str(path) in str(refused.value)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartRefused, match="is a folder"):
        load_properties(str(tmp_path))


@given(st.text())
def test_any_text_parses(text: str) -> None:
    file = parse_properties("f", text)
    assert all(str(remark).isprintable() for remark in file.remarks)
    assert all(entry.value in entry.java_value for entry in file.entries)


def escaped(char: str) -> str:
    """A character as java.util.Properties.store writes it, and every blank and `#` escaped."""
    if char in "\\ =:#!":
        return "\\" + char
    return f"\\u{ord(char):04x}" if char.isspace() or char == "\ufeff" else char


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(st.characters(exclude_categories=["Cs"]))
    )
)
def test_what_is_escaped_comes_back(table: dict[str, str]) -> None:
    text = "\n".join("".join(map(escaped, key)) + "=" + "".join(map(escaped, value)) for key, value in table.items())
    assert values(text) == table
