"""Docs tables are code tables, and sample configurations say only what is in force."""

import re
from pathlib import Path

import pytest

from rocketpy.config import BrokerConfig, MessageStoreConfig, NettyClientConfig, NettyServerConfig, Setting
from rocketpy.config.apply import apply_file
from rocketpy.config.docs import TABLES, fill_page
from rocketpy.config.environment import ACTING_PROPERTIES
from rocketpy.config.old_keys import DERIVED_PATHS, READ_AT_START, SPELLINGS, WITHOUT_EFFECT
from rocketpy.config.properties import load_properties

REPO = Path(__file__).parents[2]
PAGE = REPO / "docs" / "config.md"
SAMPLES = sorted(path for end in ("*.conf", "*.properties") for path in (REPO / "conf").rglob(end))


def test_the_tables_of_config_md_are_the_settings_tables() -> None:
    pages = [path.read_text() for path in (PAGE, REPO / "docs" / "tls.md")]
    assert [fill_page(page) for page in pages] == pages, "run: make docs"
    assert all(any(f"<!-- table: {name} -->" in page for page in pages) for name in TABLES)


@pytest.mark.parametrize("key", [*SPELLINGS, *DERIVED_PATHS, *WITHOUT_EFFECT, *READ_AT_START])
def test_config_md_names_the_old_keys(key: str) -> None:
    assert f"`{key}`" in PAGE.read_text()


@pytest.mark.parametrize(("name", "effect"), ACTING_PROPERTIES.items())
def test_config_md_has_the_system_properties(name: str, effect: str) -> None:
    assert f"| `{name}` | {effect} |\n" in PAGE.read_text()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.relative_to(REPO)))
def test_a_sample_has_nothing_to_remark_but_what_is_to_come(path: Path) -> None:
    file = load_properties(str(path))
    apply_file(file, (BrokerConfig(), NettyServerConfig(), NettyClientConfig(), MessageStoreConfig()))
    assert file.remarks == []


ROWS = [row for table in TABLES.values() for row in table.rows.values()]
CODE = "\n".join(
    path.read_text()
    for end in ("py", "pyx")
    for path in (REPO / "rocketpy").rglob(f"*.{end}")
    if path.parent.name != "config"
)


@pytest.mark.parametrize("row", [row for row in ROWS if row.acts], ids=lambda row: row.name)
def test_a_property_that_acts_is_read(row: Setting) -> None:
    assert re.search(rf"\.{row.attribute}\b", CODE), "name the feature that will (not_yet), or why none ever will"


def test_there_is_a_sample_for_every_cluster() -> None:
    names = {str(path.relative_to(REPO / "conf")) for path in SAMPLES}
    assert {"broker.conf", "2m-noslave/broker-a.properties", "2m-noslave/broker-b.properties"} <= names
    assert {
        f"2m-2s-{kind}/broker-{b}{s}.properties" for kind in ("sync", "async") for b in "ab" for s in ("", "-s")
    } <= names
