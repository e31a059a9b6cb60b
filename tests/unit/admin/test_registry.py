"""The commands, their options and their usage texts are upstream's, as its jar prints them (tests/fixtures/mqadmin)."""

from pathlib import Path

import pytest

from rocketpy.admin import registry
from rocketpy.admin.usage import usage

RECORDED = Path(__file__).parents[2] / "fixtures" / "mqadmin"
USAGES = {text.split()[2]: text + "\n" for text in (RECORDED / "usage.txt").read_text().strip().split("\n\n")}
SERVED = [entry for entry in registry.UPSTREAM if entry.module]


def test_names_order_and_descriptions_are_upstreams():
    listed = [line for line in (RECORDED / "list.txt").read_text().splitlines() if line.startswith("   ")]
    assert [f"   {entry.name:<20} {entry.description}" for entry in registry.UPSTREAM] == listed
    assert list(USAGES) == [entry.name for entry in registry.UPSTREAM]


@pytest.mark.parametrize("entry", SERVED, ids=lambda entry: entry.name)
def test_the_usage_text_is_upstreams(entry):
    assert usage(entry.load()) == USAGES[entry.name]


@pytest.mark.parametrize("entry", (*SERVED, *registry.OWN), ids=lambda entry: entry.name)
def test_no_letter_stands_for_two_options(entry):
    letters = [option.letter for option in entry.load().all_options]
    assert len(letters) == len(set(letters))


def test_every_command_of_upstream_is_served():
    assert [entry.name for entry in registry.UPSTREAM if not entry.module] == []


def test_names_are_found_in_any_case():
    assert registry.find("TOPICROUTE") is registry.find("topicRoute") is not None
    assert registry.find("nosuch") is None
