"""Numbers as Java reads them: what Integer, Long and Double take, what they refuse, no locale."""

import contextlib
import locale
import math
import random
import sys
import unicodedata
from collections.abc import Iterator

import pytest

from rocketpy._core.java_numbers import double_of, int_of, long_of


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0), ("7", 7), ("-7", -7), ("+7", 7), ("007", 7), ("-0", 0), ("2147483647", 2**31 - 1),
        ("-2147483648", -(2**31)), ("٣", 3), ("1２3", 123), ("-߁", -1),
    ],
)  # fmt: skip
def test_whole_numbers(text: str, number: int) -> None:
    assert int_of(text) == number
    assert long_of(text) == number


@pytest.mark.parametrize(
    "text",
    ["", "+", "-", "--1", "+-1", " 1", "1 ", "1\x00", "1.0", "1e3", "1l", "0x1", "1_000", "a", "½", "²", "𝟏", "一",
     "\ud800", "9" * 400],
)  # fmt: skip
def test_what_is_no_whole_number(text: str) -> None:
    assert int_of(text) is None
    assert long_of(text) is None


def test_a_whole_number_keeps_within_its_class() -> None:
    assert int_of("2147483648") is None
    assert int_of("-2147483649") is None
    assert long_of("2147483648") == 2**31
    assert long_of("9223372036854775807") == 2**63 - 1
    assert long_of("-9223372036854775808") == -(2**63)
    assert long_of("9223372036854775808") is None
    assert long_of("-9223372036854775809") is None
    assert long_of("18446744073709551616") is None
    assert long_of("0" * 100 + "5") == 5


def test_digits_of_every_script_that_java_s_char_holds() -> None:
    for code in range(0x80, 0x10000):
        expected = unicodedata.decimal(chr(code), None)
        assert int_of(chr(code)) == expected, hex(code)


@pytest.mark.parametrize(
    "text",
    ["0", "-0", "5.", ".5", "5.5", "+5.5", "1e3", "1E+3", "1.e-3", ".5e3", "00012.50", "1e400", "-1e400", "1e-400",
     "4.9e-324", "2.4703282292062327e-324", "2.4703282292062328e-324", "1.7976931348623157e308",
     "1.7976931348623159e308", "9007199254740993", "123456789012345", "1234567890123456", "0.1", "0.30000000000000004",
     "123456789.01234567890123456789", "1" + "0" * 300, "0." + "0" * 300 + "1", "1" * 2000, "1e" + "0" * 200 + "5"],
)  # fmt: skip
def test_decimal_numbers(text: str) -> None:
    for written in (text, f" {text}\t", f"\x00{text}\x1f", f"{text}d", f"{text}F"):
        number = double_of(written)
        assert number is not None
        assert number == float(text)
        assert math.copysign(1, number) == math.copysign(1, float(text))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0x1p0", 1.0), ("0X1P4", 16.0), ("-0x1.8p1", -3.0), ("0x.8p0", 0.5), ("0x1.p1", 2.0), ("0xfp1f", 30.0),
        ("0x1p-1074", 5e-324), ("0x1p2000", math.inf), ("0x1p-2000", 0.0), (" 0x1p1d ", 2.0), ("Infinity", math.inf),
        ("+Infinity", math.inf), (" -Infinity ", -math.inf),
    ],
)  # fmt: skip
def test_hexadecimal_and_infinite_numbers(text: str, number: float) -> None:
    assert double_of(text) == number


@pytest.mark.parametrize("text", ["NaN", "+NaN", "-NaN", " NaN "])
def test_nan(text: str) -> None:
    number = double_of(text)
    assert number is not None
    assert math.isnan(number)


@pytest.mark.parametrize(
    "text",
    ["", " ", ".", "+", "-", "e5", "1e", "1e+", "1.2.3", "1 2", "1,5", "--1", "nan", "NAN", "NaNd", "inf", "infinity",
     "Infinityf", "0x10", "0x", "0xp1", "0x.p1", "0x1p", "0x1pf", "0x1p1df", "1dd", "1df", "d", "f", "1L", "1_0", "٣",
     "1\xa0", "0x1.8", "nan(1)", "1e5\x00.", "\ud800"],
)  # fmt: skip
def test_what_is_no_double(text: str) -> None:
    assert double_of(text) is None


def test_every_double_reads_as_python_reads_it() -> None:
    generator = random.Random(7)
    for _ in range(3000):
        text = repr(generator.uniform(-1, 1) * 10 ** generator.randint(-300, 300))
        assert double_of(text) == float(text)
        digits = f"{generator.randrange(10**15)}"
        cut = generator.randrange(len(digits) + 1)
        assert double_of(f"{digits[:cut]}.{digits[cut:]}") == float(f"{digits[:cut]}.{digits[cut:]}")


@pytest.fixture
def comma_locale() -> Iterator[None]:
    """Where the machine has one; strtod and its like would then stop at the point."""
    before = locale.setlocale(locale.LC_NUMERIC)
    for name in ("de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "ru_RU.UTF-8", "de_DE"):
        with contextlib.suppress(locale.Error):
            locale.setlocale(locale.LC_NUMERIC, name)
    yield
    locale.setlocale(locale.LC_NUMERIC, before)


def test_the_locale_does_not_matter(comma_locale: None) -> None:
    assert double_of("1.5e300") == 1.5e300
    assert double_of("0x1.8p1") == 3.0
    assert sys.float_info.max == double_of("1.7976931348623157e308")
