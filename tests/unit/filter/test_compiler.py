"""Expressions that are refused, with the place; bounds of what a peer may send; what the parser lets pass."""

import pytest

from rocketpy._core.sql_filter import MOST_PROPERTIES, MOST_WAITING
from rocketpy.filter import FilterSyntaxError, compile_expression
from rocketpy.filter.compiler import KEPT, MAX_CHARACTERS, MAX_WORDS


def refusal(text: str) -> FilterSyntaxError:
    with pytest.raises(FilterSyntaxError) as caught:
        compile_expression(text)
    assert caught.value.remark == str(caught.value)
    assert isinstance(caught.value, ValueError)
    return caught.value


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a == 5", (1, 4), 'Encountered "=" at line 1, column 4. Was expecting one of: (, +, -, FALSE, NOT, NULL'),
        ("(a = 'x' b", (1, 10), 'Encountered "b" at line 1, column 10. Was expecting one of: ), <, <=, <>, =, >, >='),
        ("a IN (1)", (1, 7), 'Encountered "1" at line 1, column 7. Was expecting a string'),
        ("a = 1 AND\n  b >", (2, 5), "Encountered the end at line 2, column 5"),
        ("a =\t= 5", (1, 9), 'Encountered "=" at line 1, column 9'),
        ("a IS 'it''s'", (1, 6), "Encountered \"'it''s'\" at line 1, column 6. Was expecting one of: NOT, NULL"),
        ("", (1, 1), "Encountered the end at line 1, column 1"),
        ("a.b = 'x'", (1, 2), 'Lexical error, encountered "." at line 1, column 2'),
        ("中 = 1", (1, 1), r'Lexical error, encountered "\u4e2d" at line 1, column 1'),
        ("'😀' = a #", (1, 10), 'Lexical error, encountered "#" at line 1, column 10'),
        ("a = 'x", (1, 5), "A string ends with a single quote"),
        ("a /* open", (1, 3), 'Lexical error, encountered "/" at line 1, column 3'),
        ("a > 0.0", (1, 5), "0.0 is less than 4.9E-324 at line 1, column 5"),
        ("a > 1E400", (1, 5), "1E400 is greater than 1.7976931348623157E308 at line 1, column 5"),
        ("a > 9223372036854775808", (1, 5), "9223372036854775808 is greater than 9223372036854775807"),
        ("b = 2 AND a > TRUE", (1, 15), "Value cannot be compared by <, <=, > or >= at line 1, column 15"),
        ("a = NULL", (1, 5), "NULL cannot be compared by = or <> at line 1, column 5. Use IS NULL or IS NOT NULL"),
        ("TRUE = 1", (1, 1), "A boolean constant cannot be compared with what stands on its right at line 1"),
        ("a BETWEEN 5.5 AND 5", (1, 11), "Illegal values of between, left value(5.5) is greater than right value(5)"),
        ("5 IN ('x')", (1, 1), "Expected a property for In expression at line 1, column 1"),
        ("NOT 5", (1, 5), "Expression will not result in a boolean value at line 1, column 5"),
        ("a AND -b", (1, 8), "Expression will not result in a boolean value at line 1, column 8"),
    ],
)
def test_a_refusal_says_where_and_why(text: str, place: tuple[int, int], message: str) -> None:
    error = refusal(text)
    assert error.remark.startswith("Invalid MessageSelector. ")
    assert message in error.remark
    assert (error.line, error.column) == place
    assert "\n" not in error.remark


def test_a_remark_stays_short_and_one_line() -> None:
    long = "0" * 30_000
    for text in (f"a IS '{long}'", f"a > 1{long}", f"a > 1{long}.5", "a IS '\n\ud800'"):
        remark = refusal(text).remark
        assert len(remark) < 300
        assert remark.isascii()


@pytest.mark.parametrize("text", ["a like 'x'", "a b #", "a , #", "a ) #", "a ((", "a I\u017fS NULL", "(a)TRUE", "a 5"])
def test_what_follows_a_complete_expression_and_a_word_is_ignored(text: str) -> None:
    assert compile_expression(text).evaluate({"a": "x"}) is False
    assert compile_expression(text).evaluate({}) is None


@pytest.mark.parametrize("text", ["a 'x", "a #", "a = 1;", "a IS", "a IS 5", "a NOT", "a NOT b", "a BETWEEN 1"])
def test_what_follows_must_be_a_word_and_no_beginning_of_more(text: str) -> None:
    refusal(text)


def test_an_expression_of_any_shape_is_bounded() -> None:
    assert refusal(" " * MAX_CHARACTERS + "a").remark.endswith("32768 characters are taken")
    assert compile_expression(" " * (MAX_CHARACTERS - 1) + "a").text
    many = "a=1" + " OR a=1" * (MAX_WORDS // 4 - 1)
    assert compile_expression(many).evaluate({"a": "1"}) is True
    assert refusal(many + " OR a=1" * 2).remark.endswith("4096 words are taken")
    names = [f"p{at} IS NULL" for at in range(MOST_PROPERTIES + 1)]
    assert compile_expression(" AND ".join(names[1:])).evaluate({}) is True
    assert refusal(" AND ".join(names)).remark.endswith(f"At most {MOST_PROPERTIES} are taken")


def test_nesting_takes_no_stack_of_the_machine() -> None:
    deep = MAX_WORDS // 2 - 2
    assert compile_expression("(" * deep + "a" + ")" * deep).evaluate({"a": "x"}) is False
    assert compile_expression("NOT " * (2 * deep) + "a").evaluate({"a": "x"}) is False
    assert compile_expression("a > " + "-" * 2 * (deep // 2) + " 5").evaluate({"a": "6"}) is True
    assert compile_expression("+" * deep + "a IN ('x')").evaluate({"a": "x"}) is True
    assert compile_expression("a=1" + " AND (b=1" * (MOST_WAITING - 2) + ")" * (MOST_WAITING - 2)).evaluate({}) is None
    assert "nested too deep" in refusal("a=1" + " AND (b=1" * MOST_WAITING + ")" * MOST_WAITING).remark


def test_between_within_between_does_not_fill_the_memory() -> None:
    text = "a"
    for _ in range(30):
        text = f"-({text} BETWEEN 1 AND 2)"
    assert "too large" in refusal(f"{text} IS NULL").remark


def test_a_compiled_expression_is_kept_for_the_next() -> None:
    first = compile_expression("kept = 1")
    assert compile_expression("kept = 1") is first
    for at in range(KEPT):
        compile_expression(f"kept = {at + 2}")
    assert compile_expression("kept = 1") is not first


@pytest.mark.parametrize("text", ["\ufb01", "\u017f = 1", "\u212a = 1", "a =\u00a01", "a = \u0661"])
def test_letters_blanks_and_digits_are_ascii_s(text: str) -> None:
    refusal(text)
