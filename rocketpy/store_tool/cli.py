"""The command `rocketpy-store`: check, dump and repair a store folder.

Exit codes: 0 all is well, 1 inconsistencies, 2 the command or the folder cannot be used.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from rocketpy import __version__
from rocketpy._core.message import Message
from rocketpy.config.apply import apply_file
from rocketpy.config.environment import Environment
from rocketpy.config.properties import load_properties
from rocketpy.config.store import MessageStoreConfig
from rocketpy.errors import RocketPyError, StoreError
from rocketpy.store.paths import StorePaths
from rocketpy.store_tool.check import MOST_TOLD, StoreFolder, check_store
from rocketpy.store_tool.dump import as_block, as_json, messages
from rocketpy.store_tool.options import RANGE, TIME
from rocketpy.store_tool.repair import repair
from rocketpy.store_tool.select import ALL, Wanted
from rocketpy.store_tool.show import progress_bar, show_report

EXIT_UNUSABLE = 2
Run = TypeVar("Run", bound=Callable[..., Any])


def store_options(command: Run) -> Run:
    """STORE and where else its settings are."""
    for option in (
        click.option("-c", "--configFile", "file", help="The broker's properties file: sizes, delay levels, index."),
        click.option("--commitlog", "commit_log", help="Folder of the commit log, if it is not STORE/commitlog."),
        click.argument("store"),
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rocketpy-store")
def main() -> None:
    """Look at a store folder (storePathRootDir) of RocketPy or of the Java broker 4.5."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # topics may be Chinese, or no text at all
            stream.reconfigure(errors="backslashreplace")
    logging.getLogger("RocketmqStore").addHandler(logging.NullHandler())  # a report says it in its own words


@main.command()
@store_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
@click.option(
    "--most", type=click.IntRange(1), default=MOST_TOLD, show_default=True, help="Inconsistencies told of each kind."
)
def check(store: str, commit_log: str | None, file: str | None, as_json: bool, most: int) -> None:
    """Compare log, queues, index and state with each other.

    Nothing is changed, made or locked; a running broker's store can be looked at too. Exit code 0: clean, 1: there are
    inconsistencies, 2: the folder cannot be read.
    """
    with refusals_told():
        folder = store_folder(store, commit_log, file)
        with progress_bar("check") as progress:
            report = check_store(folder, most=most, progress=progress)
    if as_json:
        click.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False, default=str))
    else:
        show_report(report)
    raise SystemExit(0 if report.clean else 1)


@main.command()
@store_options
@click.option("--topic", help="Messages of this topic.")
@click.option("--queue", "queue_id", type=click.IntRange(0), help="Of this queue id.")
@click.option("--offset", "offsets", type=RANGE, help="Queue offset A, or from A up to before B: A:B.")
@click.option("--physical", type=RANGE, default=f"0:{ALL}", show_default="all", help="Physical offset A, or A:B.")
@click.option("--from", "from_ms", type=TIME, default="0", show_default="the first", help="Stored then or later.")
@click.option("--to", "to_ms", type=TIME, default=str(ALL), show_default="the last", help="Stored then or before.")
@click.option("--key", help="Found by this key: a word of KEYS, or the UNIQ_KEY (client's message id).")
@click.option("--limit", type=click.IntRange(1), help="No more than so many.")
@click.option("--body", type=click.Choice(("text", "hex", "none")), default="text", show_default=True, help="Show as.")
@click.option("--walk", is_flag=True, help="Read through the log, do not go by consume queue or index.")
@click.option("--json", "as_lines", is_flag=True, help="A JSON object a line.")
def dump(
    store: str,
    commit_log: str | None,
    file: str | None,
    limit: int | None,
    body: str,
    walk: bool,
    as_lines: bool,
    **filters: Any,
) -> None:
    """Print messages as they stand in the log.

    Times are ms since 1970 or ISO 8601 (UTC unless they say otherwise). With topic, queue and offset messages are found
    through the consume queue, with topic and key through the index; else the log is read through. Damaged records are
    named and passed over. Compressed bodies are shown decompressed, up to 16 MiB. Nothing is changed.
    """
    with refusals_told():
        shown = 0
        for found in messages(store_folder(store, commit_log, file), Wanted(**filters), walk=walk):
            click.echo(as_json(found, body) if as_lines else as_block(found, body))
            shown += isinstance(found, Message)
            if shown == limit:
                break


@main.command(name="repair")
@store_options
@click.option("--write", is_flag=True, help="Do it; without this it is only said what would be done.")
def repair_store(store: str, commit_log: str | None, file: str | None, write: bool) -> None:
    """Make all consume queues and the index anew from the commit log.

    The commit log itself is never changed, nor are checkpoint and config. The sizes of the files stay as they are. The
    new files are made beside the old ones (*.repair) and brought to the disk before they take their place, so that a
    crash or a full disk on the way loses nothing: run it again. Needs that much free space.

    A store in use is refused: stop its broker first. Queues of a deleted topic whose messages are still in the log come
    back. At the end the store is checked; exit code 0: clean, 1: there are inconsistencies, 2: it could not be done.
    """
    with refusals_told():
        folder = store_folder(store, commit_log, file)
        if write:
            repair(folder, click.echo)
        with progress_bar("check") as progress:
            report = check_store(folder, progress=progress)
    show_report(report)
    if not write:
        click.echo(f"--write would make the consume queues and the index anew from {report.summary['log']['records']:,} records")
    raise SystemExit(0 if report.clean else 1)


def store_folder(store: str, commit_log: str | None, file: str | None) -> StoreFolder:
    """The folder with the settings of its properties file; what is named on the command line counts more."""
    if not Path(store).is_dir():
        raise StoreError(f"{store} is no folder; name the store's (storePathRootDir)")
    config = MessageStoreConfig(Environment())
    configured: frozenset[str] = frozenset()
    if file is not None:
        loaded = load_properties(file)
        apply_file(loaded, (config,))
        configured = frozenset(config.origins)
    config.store_path_root_dir = store
    if commit_log is not None:
        config.store_path_commit_log = commit_log
    elif (Path(store) / "commitlog").is_dir() or "storePathCommitLog" not in configured:
        config.store_path_commit_log = str(Path(store) / "commitlog")
    return StoreFolder(StorePaths.of(config), config, configured)


@contextlib.contextmanager
def refusals_told() -> Iterator[None]:
    """What cannot be done is one line on stderr."""
    try:
        yield
    except RocketPyError as error:
        told = str(error)
    except BrokenPipeError:
        raise                           # click ends quietly
    except OSError as error:
        told = f"{error.filename}: {error.strerror}"
    else:
        return
    click.echo(f"rocketpy-store: {told}", err=True)
    raise SystemExit(EXIT_UNUSABLE)
