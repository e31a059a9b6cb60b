"""Reads a command line as upstream's parser does (commons-cli's PosixParser).

`-tTopic`, `-t Topic`, `--topic Topic`, `--topic=Topic` and `-topic Topic` are the same; flags may be run together. A
value may begin with a dash unless it is an option itself. Words that belong to no option are skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rocketpy.admin.command import Option, UsageMistake


def parse(options: Sequence[Option], words: Sequence[str]) -> dict[str, str]:
    """Letter -> value of what is given; of one given twice the first counts. UsageMistake as upstream's parser."""
    named = {option.letter: option for option in options} | {option.long: option for option in options}
    values: dict[str, str] = {}
    rest = list(flattened(named, words))
    while rest:
        word = rest.pop(0)
        if word == "--":
            break
        if not word.startswith("-") or word == "-":
            continue
        option = named.get(bare(word))
        if option is None:
            raise UsageMistake(f"Unrecognized option: {word}")
        value = ""
        if not option.flag:
            if not rest or is_option(named, rest[0]):
                raise UsageMistake(f"Missing argument for option: {option.letter}")
            value = unquoted(rest.pop(0))
            if not option.is_path:
                check_text(option, value)
        values.setdefault(option.letter, value)
    check_required(options, values)
    return values


def check_text(option: Option, value: str) -> None:
    """Bytes that are no UTF-8 come as halves of UTF-16 pairs: sent on, they would be another name or body."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageMistake(f"-{option.letter}: its value is not UTF-8", show_usage=False) from None


def check_required(options: Iterable[Option], values: dict[str, str]) -> None:
    """Of every group exactly one, and everything that is required."""
    missing = [option.letter for option in options if option.required and option.letter not in values]
    for group in dict.fromkeys(option.group for option in options if option.group):
        members = [option.letter for option in options if option.group == group]
        chosen = [letter for letter in members if letter in values]
        if len(chosen) > 1:
            raise UsageMistake(f"-{chosen[1]} is not given together with -{chosen[0]}")
        if not chosen:
            missing.append(" or ".join(members))
    if missing:
        raise UsageMistake(f"Missing required option{'s' * (len(missing) > 1)}: {', '.join(missing)}")


def is_option(named: dict[str, Option], word: str) -> bool:
    """Whether a word is one of the options by itself."""
    return word.startswith("-") and bare(word) in named


def bare(word: str) -> str:
    """The name behind one dash or two."""
    return word.removeprefix("--") if word.startswith("--") else word.removeprefix("-")


def unquoted(value: str) -> str:
    """Without the double quotes around it, which upstream takes away."""
    return value.removeprefix('"').removesuffix('"')


def flattened(named: dict[str, Option], words: Sequence[str]) -> Iterator[str]:
    """The words with values parted from their options."""
    for word in words:
        if word.startswith("--") and "=" in word:
            name, _, value = word.partition("=")
            if is_option(named, name):
                yield from (name, value)
                continue
        if word.startswith("-") and not word.startswith("--") and len(word) > 2 and not is_option(named, word):
            yield from burst(named, word)
        else:
            yield word


def burst(named: dict[str, Option], word: str) -> Iterator[str]:
    """`-mi5` as `-m -i 5`; a word whose letters are no options stays whole."""
    for at, letter in enumerate(word[1:], 1):
        option = named.get(letter)
        if option is None:
            yield word
            return
        yield f"-{letter}"
        if not option.flag:
            if word[at + 1 :]:
                yield word[at + 1 :]
            return
