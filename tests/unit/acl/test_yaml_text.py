"""plain_acl.yml as text: what is read, and that mistakes are named without what stands there."""

import pytest

from rocketpy.acl.errors import AclError
from rocketpy.acl.yaml_text import SIZE_LIMIT, dump_text, load_text


def test_every_scalar_is_the_text_that_stands_there():
    text = b"a: 01234567\nb: true\nc: 1_000\nd: 12:30:45\ne: 2019-01-01\nf: .5\ng: ''\nh:\ni: ~\nj: !!int 7\n"
    assert load_text(text) == {
        "a": "01234567", "b": "true", "c": "1_000", "d": "12:30:45", "e": "2019-01-01", "f": ".5",
        "g": "", "h": None, "i": None, "j": "7",
    }  # fmt: skip


def test_what_is_written_is_read_again():
    document = {"accounts": [{"accessKey": "ak123456", "secretKey": "01234567", "admin": True}], "x": ["ö: #"]}
    assert load_text(dump_text(document).encode())["accounts"][0]["secretKey"] == "01234567"
    assert load_text(dump_text(document).encode())["x"] == ["ö: #"]


def test_a_byte_order_mark_is_no_part_of_it():
    assert load_text(b"\xef\xbb\xbfaccounts: []") == {"accounts": []}


@pytest.mark.parametrize("text", [b"", b"# nothing\n", b"[]", b"{}", b"word", b"- a"])
def test_what_holds_no_rules(text):
    with pytest.raises(AclError, match="it holds no rules"):
        load_text(text)


SECRET = "s3cr3t-value"


@pytest.mark.parametrize(
    "line",
    [
        f"secretKey: *{SECRET}",
        f"secretKey: !{SECRET} x",
        f"secretKey: '{SECRET}",
        f"secretKey: {SECRET}: x",
        f"secretKey: %{SECRET}",
        f"secretKey: @{SECRET}",
        f"\tsecretKey: {SECRET}",
        f"secretKey: !!python/object/apply:os.system ['{SECRET}']",
        f"{{secretKey: {SECRET}",
        f"secretKey: [{SECRET}",
        f'secretKey: "{SECRET}\\q"',
        f"? [{SECRET}]\n: x",
        f"&{SECRET} a: 1\n<<: {SECRET}",
    ],
)
def test_a_mistake_has_its_line_but_no_secret(line):
    with pytest.raises(AclError) as error:
        load_text(f"accounts:\n- {line}\n".encode())
    assert "it is not YAML: line " in str(error.value)
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__


@pytest.mark.parametrize("text", [b"a: \xff", b"[" * 100_000, b"a: \x00", b"a: &a [*a, *b]"])
def test_other_mistakes(text):
    with pytest.raises(AclError):
        load_text(text)


def test_a_file_is_not_read_without_end():
    with pytest.raises(AclError, match="16777216 are read at most"):
        load_text(b"#" * (SIZE_LIMIT + 1))
