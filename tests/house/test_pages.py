"""The pages lead where they say, and their commands are commands: links resolve, shell blocks parse, options exist."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocketpy.admin import registry
from rocketpy.admin.posix import parse
from rocketpy.cli import main

REPO = Path(__file__).parents[2]
PAGES = sorted([*REPO.glob("*.md"), *(REPO / "docs").rglob("*.md"), *(REPO / "benchmarks").glob("*.md")])
OPERATING = sorted((REPO / "docs" / "operating").glob("*.md"))
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
PROGRAMS = {"mqbroker": "broker", "mqnamesrv": "namesrv", "mqshutdown": "shutdown", "rocketpy": ""}


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(REPO)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(CODE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{page.name} leads to {target}"
        assert not anchor or anchor in anchors(there), f"{page.name}: {there.name} has no heading {anchor}"


@pytest.mark.parametrize("page", OPERATING, ids=lambda path: path.name)
def test_the_index_has_every_page(page: Path) -> None:
    if page.name != "README.md":
        assert f"({page.name})" in (REPO / "docs" / "operating" / "README.md").read_text()


def blocks(page: Path) -> list[str]:
    return BLOCK.findall(page.read_text())


@pytest.mark.parametrize("page", OPERATING, ids=lambda path: path.name)
def test_commands_are_read_by_sh(page: Path) -> None:
    for block in blocks(page):
        done = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), block


def own_commands() -> Iterator[tuple[str, list[str]]]:
    """Our programs, as the pages call them: name and arguments. Lines of Java's release are not ours to read."""
    for page in OPERATING:
        for line in "".join(blocks(page)).splitlines():
            words = [word for word in shlex.split(line, comments=True) if word not in ("sh", "nohup")]
            if not words or words[0].startswith("/usr/local/rocketmq-4.5.2"):
                continue
            name = Path(words[0]).name
            if name == "mqadmin" or name in PROGRAMS:
                end = next((at for at, word in enumerate(words) if re.match(r"[0-9]*>|&|\||;", word)), len(words))
                yield name, words[1:end]


COMMANDS = list(own_commands())


def test_there_are_commands_of_our_own() -> None:
    assert {"mqadmin", "mqbroker", "mqnamesrv", "mqshutdown"} <= {name for name, _ in COMMANDS}


@pytest.mark.parametrize(("name", "arguments"), COMMANDS, ids=lambda value: str(value))
def test_a_command_has_these_options(name: str, arguments: list[str]) -> None:
    if name == "mqadmin":
        entry = next(each for each in (*registry.UPSTREAM, *registry.OWN) if each.name == arguments[0])
        if entry.module:
            parse(entry.load().all_options, arguments[1:])
        return
    words = [PROGRAMS[name], *arguments] if PROGRAMS[name] else arguments
    command = main.commands[words[0]]
    assert command.make_context(words[0], words[1:]).params  # a mistake raises, or prints the usage and exits


@pytest.mark.parametrize("mistake", [["-x"], ["-c"]])
def test_a_mistake_would_be_found(mistake: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.commands["broker"].make_context("broker", mistake)
