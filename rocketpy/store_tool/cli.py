"""The command `rocketpy-store`: check, dump and repair a store folder.

Exit codes: 0 all is well, 1 inconsistencies, 2 the command or the folder cannot be used.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from rocketpy import __version__
from rocketpy.config.apply import apply_file
from rocketpy.config.environment import Environment
from rocketpy.config.properties import load_properties
from rocketpy.config.store import MessageStoreConfig
from rocketpy.errors import RocketPyError
from rocketpy.store.paths import StorePaths
from rocketpy.store_tool.check import MOST_TOLD, StoreFolder, check_store
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


def store_folder(store: str, commit_log: str | None, file: str | None) -> StoreFolder:
    """The folder with the settings of its properties file; what is named on the command line counts more."""
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
        click.echo(f"rocketpy-store: {error}", err=True)
        raise SystemExit(EXIT_UNUSABLE) from None
