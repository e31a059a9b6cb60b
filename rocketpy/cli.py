"""The command line: `rocketpy broker|namesrv|shutdown|quickstart|mqadmin`, which bin/'s scripts call.

Options, their long names, usage text and exit codes of broker and namesrv are upstream's. Servers are imported only
when they are to serve, so that help, `-p` and refusals are quick.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from rocketpy import __version__
from rocketpy.config.environment import Environment
from rocketpy.launch import (
    announce,
    caution,
    guarded,
    keep_standard_streams,
    say,
    serve_until_signal,
    tell_java_options,
    tell_remarks,
    tell_settings,
    tell_tls,
    warn,
)
from rocketpy.quickstart_ports import BROKER_PORT, EXIT_USAGE, HIGHEST_PORT, LOWEST_PORT, NAMESRV_PORT

if TYPE_CHECKING:
    from rocketpy.config.programs import BrokerProgram, NamesrvProgram

PORT = click.IntRange(LOWEST_PORT, HIGHEST_PORT)
Run = TypeVar("Run", bound=Callable[..., Any])


class UpstreamCommand(click.Command):
    """A command whose usage text is commons-cli's, on stdout, with exit code 255 for help and mistakes alike."""

    def make_context(self, info_name: str | None, args: list[str], *more: Any, **extra: Any) -> click.Context:
        try:
            context = super().make_context(info_name, args, *more, **extra)
        except click.UsageError:
            context = None
        if context is None or context.params["help"]:
            say(self.usage(f"mq{info_name}"))
            raise SystemExit(EXIT_USAGE)
        return context

    def usage(self, program: str) -> str:
        """The text of commons-cli's HelpFormatter."""
        options = sorted(
            (option for option in self.params if isinstance(option, click.Option)), key=lambda o: o.opts[0]
        )
        summary = " ".join(f"[{option.opts[0]}{'' if option.is_flag else ' <arg>'}]" for option in options)
        names = [",".join(option.opts) + ("" if option.is_flag else " <arg>") for option in options]
        width = max(map(len, names)) + 3
        lines = [f" {name:{width}}{option.help}" for name, option in zip(names, options, strict=True)]
        return "\n".join((f"usage: {program} {summary}", *lines))


def _not_an_option(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """`-n -p` lacks the address; it does not name one."""
    if value is not None and value.startswith("-"):
        raise click.BadOptionUsage(option.name or "", "missing argument")
    return value


def _file_option(text: str) -> Callable[[Run], Run]:
    return click.option("-c", "--configFile", "file", help=text, callback=_not_an_option)


NAMESRV_ADDR_OPTION = click.option(
    "-n",
    "--namesrvAddr",
    "namesrv_addr",
    help="Name server address list, eg: 192.168.0.1:9876;192.168.0.2:9876",
    callback=_not_an_option,
)
PRINT_OPTION = click.option("-p", "--printConfigItem", "print_all", is_flag=True, help="Print all config item")
HELP_OPTION = click.option("-h", "--help", "help", is_flag=True, help="Print help")
IGNORED = click.argument("ignored", nargs=-1)  # as upstream; but said


class Programs(click.Group):
    """The programs; click's exit code for a mistake in the usage is 2, upstream's is 255."""

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        with _usage_told():
            return super().make_context(*arguments, **more)

    def invoke(self, context: click.Context) -> Any:
        with _usage_told():
            return super().invoke(context)


@contextlib.contextmanager
def _usage_told() -> Iterator[None]:
    try:
        yield
    except click.UsageError as mistake:
        mistake.show()
        raise SystemExit(EXIT_USAGE) from None


@click.group(cls=Programs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="rocketpy")
def main() -> None:
    """RocketPy: name server and broker for Apache RocketMQ 4.5 clients."""
    keep_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a name in Chinese must not fail under LANG=C
            stream.reconfigure(errors="backslashreplace")
    with contextlib.suppress(OSError, ValueError):  # stderr may be closed
        faulthandler.enable()


@main.command(cls=UpstreamCommand, add_help_option=False)
@_file_option("Name server config properties file")
@NAMESRV_ADDR_OPTION
@PRINT_OPTION
@HELP_OPTION
@IGNORED
def namesrv(file: str | None, print_all: bool, ignored: Sequence[str], **_: Any) -> None:
    """Run a name server."""
    _tell_ignored(ignored)
    log = logging.getLogger("RocketmqNamesrv")
    raise SystemExit(guarded(lambda: _run_namesrv(file, print_all, log), log, None if print_all else _namesrv_logs))


def _namesrv_logs() -> Path | None:
    from rocketpy.logs import NAMESRV_FILES, open_logs

    return open_logs(NAMESRV_FILES, Environment())


def _run_namesrv(file: str | None, print_all: bool, log: logging.Logger) -> int:
    from rocketpy.config.checks import check_home
    from rocketpy.config.programs import namesrv_program

    environment = Environment()
    program = namesrv_program(environment, file)
    if file is not None:
        say(f"load config properties file OK, {file}")
    if print_all:
        return _print(program)
    check_home(program.namesrv.rocketmq_home)

    from rocketpy.processes import set_title

    folder = _namesrv_logs()
    set_title("namesrv", _arguments(file))
    tell_java_options(environment, log)
    tell_settings(program.settings, program.file, log, folder and folder / "namesrv.log")

    from rocketpy.measured import measured_name_server
    from rocketpy.namesrv.name_server import NameServer
    from rocketpy.remoting.tls import Tls

    tls = Tls.of(environment)
    tell_tls(tls, log)
    boot_line = f"The Name Server boot success. serializeType={environment.serialize_type}"
    server = measured_name_server(NameServer(program.namesrv, program.server, tls=tls), log)
    return serve_until_signal(server, lambda: announce(boot_line, log), log)


@main.command(cls=UpstreamCommand, add_help_option=False)
@_file_option("Broker config properties file")
@NAMESRV_ADDR_OPTION
@PRINT_OPTION
@click.option("-m", "--printImportantConfig", "print_important", is_flag=True, help="Print important config item")
@HELP_OPTION
@IGNORED
def broker(
    file: str | None,
    namesrv_addr: str | None,
    print_all: bool,
    print_important: bool,
    ignored: Sequence[str],
    **_: Any,
) -> None:
    """Run a broker."""
    _tell_ignored(ignored)
    log = logging.getLogger("RocketmqBroker")
    is_printed = print_all or print_important
    run = partial(_run_broker, file, namesrv_addr, print_all, print_important, log)
    raise SystemExit(guarded(run, log, None if is_printed else _broker_logs))


def _broker_logs() -> Path | None:
    from rocketpy.logs import BROKER_FILES, open_logs

    return open_logs(BROKER_FILES, Environment())


def _run_broker(
    file: str | None, namesrv_addr: str | None, print_all: bool, print_important: bool, log: logging.Logger
) -> int:
    from rocketpy.config.checks import check_broker_settings, check_can_serve, check_home
    from rocketpy.config.programs import broker_program

    environment = Environment()
    program = broker_program(environment, file, namesrv_addr)
    check_home(program.broker.rocketmq_home)
    check_broker_settings(program.broker, program.store)
    if print_all or print_important:
        return _print(program, important=not print_all)
    check_can_serve(program.server, program.store)

    from rocketpy.processes import set_title

    folder = _broker_logs()
    set_title("broker", _arguments(file))
    tell_java_options(environment, log)
    tell_settings(program.settings, program.file, log, folder and folder / "broker.log")

    from rocketpy.broker.broker import Broker
    from rocketpy.measured import measured_broker
    from rocketpy.remoting.tls import Tls
    from rocketpy.settings_file import SettingsFile

    tls = Tls.of(environment)
    tell_tls(tls, log)
    kept = SettingsFile(Path(program.kept_in).absolute(), is_read=program.file is not None)
    parts = (program.broker, program.server, program.client, program.store)
    server = measured_broker(Broker(*parts, tls=tls, settings_file=kept), log)
    return serve_until_signal(server, lambda: _tell_broker(program, environment, log), log)


def _tell_broker(program: BrokerProgram, environment: Environment, log: logging.Logger) -> None:
    """Say which address clients are given and why, and that nobody finds it, then upstream's line."""
    from rocketpy.broker.namesrv_link import NO_NAME_SERVER
    from rocketpy.logs import is_on_stdout

    choice = program.advertised
    address = f"{choice.address}:{program.server.listen_port}"
    announce(f"clients are given the address {address} ({choice.reason})", log)
    if choice.warning:
        caution(choice.warning, log)
    name, name_servers = program.broker.broker_name, program.broker.namesrv_addr
    if name_servers is None and not program.broker.fetch_namesrv_addr_by_address_server and not is_on_stdout(log):
        warn(NO_NAME_SERVER)  # the link has logged it
    boot_line = f"The broker[{name}, {address}] boot success. serializeType={environment.serialize_type}"
    announce(boot_line + (f" and name server is {name_servers}" if name_servers is not None else ""), log)


def _arguments(file: str | None) -> tuple[str, ...]:
    return ("-c", file) if file else ()


def _print(program: BrokerProgram | NamesrvProgram, *, important: bool = False) -> int:
    """Every property in force on stdout; what of the file is not in force as written on stderr."""
    tell_remarks(program.file)
    for config in program.settings:
        for name, value in config.properties(nulls=True, important=important):
            say(f"{name}={value}")
    return 0


def _tell_ignored(ignored: Sequence[str]) -> None:
    if ignored:
        warn(f"ignored, since it belongs to no option: {' '.join(ignored)}")


@main.command()
@click.argument("program", required=False, default="")
@click.argument("ignored", nargs=-1)
def shutdown(program: str, ignored: Sequence[str]) -> None:
    """Stop this user's brokers or name servers: PROGRAM is broker or namesrv."""
    from rocketpy.processes import MAIN_CLASSES
    from rocketpy.processes import shutdown as stop_all

    if program not in MAIN_CLASSES:
        say("Useage: mqshutdown broker | namesrv")
        raise SystemExit(EXIT_USAGE)
    raise SystemExit(stop_all(program))


@main.command()
def health() -> None:
    """Ask this user's brokers and name servers whether they answer; exit code 1 when one does not, or none runs."""
    from rocketpy.health import check

    well, lines = check()
    for line in lines:
        say(line)
    raise SystemExit(0 if well else 1)


@main.command()
@click.option("--namesrv-port", default=NAMESRV_PORT, show_default=True, type=PORT, help="Port of the name server.")
@click.option(
    "--port", default=BROKER_PORT, show_default=True, type=PORT, help="Port of the broker; port-2 is its VIP port."
)
@click.option(
    "--store", type=click.Path(path_type=Path), help="Folder of the messages.  [default: ~/rocketpy-quickstart]"
)
def quickstart(namesrv_port: int, port: int, store: Path | None) -> None:
    """Run a name server and a broker in one process, check them with a message, and serve until Ctrl-C."""
    log = logging.getLogger("RocketmqBroker")
    raise SystemExit(guarded(lambda: _run_quickstart(namesrv_port, port, store, log), log))


def _run_quickstart(namesrv_port: int, port: int, store: Path | None, log: logging.Logger) -> int:
    import uvloop

    from rocketpy.logs import QUICKSTART_FILES, open_logs
    from rocketpy.processes import set_title
    from rocketpy.quickstart import Quickstart, default_store, serve

    environment = Environment()
    open_logs(QUICKSTART_FILES, environment)
    set_title("quickstart")
    tell_java_options(environment, log)
    asked = Quickstart(namesrv_port=namesrv_port, port=port, store=store or default_store(), say=say)
    uvloop.run(serve(asked))
    return 0


@main.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def mqadmin(arguments: Sequence[str]) -> None:
    """Look at a cluster and change it: mqadmin alone lists the commands."""
    from rocketpy.admin.cli import main as run_mqadmin

    run_mqadmin(list(arguments))


if __name__ == "__main__":
    main()
