"""A dump shows the messages that are asked for, by whatever way it finds them, and names what is damaged."""

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rocketpy._core.message import Message
from rocketpy.store_tool import dump
from rocketpy.store_tool.cli import main
from tests.unit.store_tool.stores import MESSAGES, first_queue, flip, opened, overwrite


def shown(root: Path, *options: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(main, ["dump", str(root), "--json", *options])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def keys(found: list[dict[str, Any]]) -> list[str]:
    return [each["properties"]["UNIQ_KEY"] for each in found]


def test_everything_is_shown_in_order(root: Path) -> None:
    assert keys(shown(root)) == [f"u{number}" for number in range(MESSAGES)]


@pytest.mark.parametrize("walk", [(), ("--walk",)])
def test_by_queue_offset(root: Path, walk: tuple[str, ...]) -> None:
    found = shown(root, "--topic", "Topic0", "--queue", "0", "--offset", "2:5", *walk)
    assert [(each["topic"], each["queueId"], each["queueOffset"]) for each in found] == [
        ("Topic0", 0, offset) for offset in (2, 3, 4)
    ]


@pytest.mark.parametrize("walk", [(), ("--walk",)])
@pytest.mark.parametrize(("key", "count"), [("k41", 1), ("u41", 1), ("all", 46), ("none", 0)])
def test_by_key(root: Path, key: str, count: int, walk: tuple[str, ...]) -> None:
    """Of Topic1's 65 messages 13 wait in SCHEDULE_TOPIC_XXXX, and 6 are rolled back."""
    assert len(shown(root, "--topic", "Topic1", "--key", key, *walk)) == count


@pytest.mark.parametrize("number", [0, 1, -1])
def test_by_key_where_an_index_file_is_gone(root: Path, number: int) -> None:
    sorted((root / "index").iterdir())[number].unlink()
    assert len(shown(root, "--topic", "Topic1", "--key", "all")) == 46


def test_by_key_where_a_chain_is_broken(root: Path) -> None:
    for path in (root / "index").iterdir():
        for slot in range(50):
            flip(path, 40 + 4 * slot)
    assert len(shown(root, "--topic", "Topic1", "--key", "all")) == 46


def test_by_physical_offset(root: Path) -> None:
    third = shown(root)[2]["physicalOffset"]
    assert keys(shown(root, "--physical", str(third))) == ["u2"]
    assert keys(shown(root, "--physical", f"1:{third + 1}")) == ["u1", "u2"]


def test_by_time(root: Path) -> None:
    times = [each["storeTimestamp"] for each in shown(root)]
    assert keys(shown(root, "--from", str(times[100]), "--limit", "1")) == ["u100"]
    assert len(shown(root, "--to", "2019-08-05T10:13:20.700Z")) == 2


def test_damage_is_named_and_passed_over(root: Path) -> None:
    at = shown(root)[2]["physicalOffset"]
    flip(root / "commitlog" / f"{0:020d}", at + 88)
    found = shown(root)
    assert found[2]["damaged"]["offset"] == at
    assert found[2]["damaged"]["reason"] == "the body's CRC is wrong"
    assert keys([*found[:2], *found[3:]]) == [f"u{number}" for number in range(MESSAGES) if number != 2]


def test_an_entry_that_leads_nowhere_is_named(root: Path) -> None:
    overwrite(first_queue(root), 40, (5).to_bytes(8, "big"))
    found = shown(root, "--topic", "Topic0", "--queue", "0", "--offset", "1:4")
    assert ["damaged" in each for each in found] == [False, True, False]


def test_bodies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "store"
    store = opened(root)
    store.put(Message("T", zlib.compress(b"packed" * 100), sys_flag=1))
    store.put(Message("T", b"not packed", sys_flag=1))
    store.put(Message("T", b"\x1b[2J\xff"))
    store.shutdown()
    assert [each["body"] for each in shown(root)] == [
        "packed" * 100, "not packed (says it is compressed and is not)", "\x1b[2J\\xff"
    ]
    assert shown(root, "--body", "hex")[2]["body"] == "1b5b324aff"
    assert "body" not in shown(root, "--body", "none")[0]
    text = CliRunner().invoke(main, ["dump", str(root)]).output
    assert "\x1b" not in text
    assert "T queue 0 offset 2, physical offset" in text
    monkeypatch.setattr(dump, "BODY_LIMIT", 60)
    assert shown(root)[0]["body"] == "packed" * 10 + " (goes on after 60 bytes)"


@pytest.mark.parametrize(
    "options", [("--offset", "x"), ("--physical", "5:"), ("--from", "yesterday"), ("--limit", "0")]
)
def test_options_that_mean_nothing_are_refused(root: Path, options: tuple[str, str]) -> None:
    done = CliRunner().invoke(main, ["dump", str(root), *options])
    assert done.exit_code == 2
    assert options[0] in done.output


def test_the_check_as_json(root: Path) -> None:
    flip(first_queue(root), 3)
    done = CliRunner().invoke(main, ["check", str(root), "--json"])
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert told["clean"] is False
    assert [(each["kind"], each["offset"]) for each in told["findings"]] == [("queue-wrong", 0)]
    assert told["summary"]["log"]["records"] == MESSAGES


def test_a_folder_without_a_store_is_one_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["check", str(tmp_path)])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"rocketpy-store: {tmp_path} holds no store; name its folder")
    assert len(done.stderr.splitlines()) == 1


def test_the_properties_file_counts(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "broker.conf"
    file.write_text(f"messageDelayLevel=1s 2s 7s\nstorePathCommitLog={root}/commitlog\n")
    done = CliRunner().invoke(main, ["check", str(root), "-c", str(file)])
    assert done.exit_code == 0
    assert "that the levels '1s 2s 7s' do not give" in " ".join(done.output.split())


def test_names_cannot_command_the_terminal(root: Path) -> None:
    (root / "commitlog" / "\x1b[2J[red]").touch()
    done = CliRunner().invoke(main, ["check", str(root)])
    assert done.exit_code == 0
    assert "\x1b" not in done.output
    assert "\\x1b[2J[red] is no commit log file" in done.output
