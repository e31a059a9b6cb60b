"""Runs a server from its settings to its clean stop, and turns every start-up fault into one line and an exit code.

Order: settings, checks, logs, then the server's own start (lock, ports, load, serve). SIGTERM, SIGINT and SIGHUP stop
it once; more of them change nothing, so that no stop is torn. Heavy modules are imported by the caller, when it serves.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from rocketpy.config.checks import UpstreamRefused
from rocketpy.config.environment import OPTION_VARIABLES, Environment
from rocketpy.config.properties import PropertiesFile
from rocketpy.config.setting import Settings
from rocketpy.errors import RocketPyError, StartRefused, StoreError
from rocketpy.logs import is_on_stdout
from rocketpy.service_notice import READY, STOPPING, tell_manager

if TYPE_CHECKING:
    from rocketpy.remoting.tls import Tls

EXIT_FAULT = 255  # upstream's -1: any exception
EXIT_STORE = 253  # upstream's -3: the store could not be loaded


class Server(Protocol):
    """What can be started and stopped."""

    def start(self) -> Coroutine[Any, Any, None]: ...

    def stop(self) -> Coroutine[Any, Any, None]: ...


def keep_standard_streams() -> None:
    """Give closed ones of the descriptors 0 to 2 to /dev/null: a socket or a store file there would be written into."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free one, which is fd


def say(line: str) -> None:
    """A line on stdout; a closed stdout is no reason to stop serving."""
    _write(sys.stdout, line)


def warn(line: str) -> None:
    """A line on stderr."""
    _write(sys.stderr, line)


def _write(stream: TextIO | None, line: str) -> None:
    if stream is None:  # closed before the start
        return
    try:
        print(line, file=stream, flush=True)
    except BrokenPipeError:  # Python keeps the line, and would end a clean stop with an error over it
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, stream.fileno())
        os.close(devnull)
    except (OSError, ValueError):
        pass  # a full disk, or a stream that Python has closed: nobody is left to be told


def announce(line: str, log: logging.Logger) -> None:
    """A line on stdout and in the log; once, where the log is on stdout."""
    log.info("%s", line)
    if not is_on_stdout(log):
        say(line)


def caution(line: str, log: logging.Logger) -> None:
    """What an operator should act on: a line on stderr and in the log; in the log alone, where that is on stdout."""
    log.warning("%s", line)
    if not is_on_stdout(log):
        warn(line)


def guarded(run: Callable[[], int], log: logging.Logger, open_log: Callable[[], object] | None = None) -> int:
    """What `run` answers; a fault becomes one line on stderr and in the log, and its exit code.

    `open_log` opens the log for a fault that comes before it is open: who starts by a script often sees no stderr.
    """
    tell = warn
    try:
        return run()
    except UpstreamRefused as refused:
        line, code, tell = str(refused), refused.exit_code, say
    except StartRefused as refused:
        line, code = str(refused), refused.exit_code
    except StoreError as fault:
        line, code = str(fault), EXIT_STORE
    except RocketPyError as fault:
        line, code = str(fault), EXIT_FAULT
    except OSError as fault:
        line, code = _os_fault(fault), EXIT_FAULT
    except KeyboardInterrupt:
        line, code = "interrupted before it served", 130
    except Exception as fault:
        _open_late(log, open_log)
        log.exception("unexpected fault")  # on stderr where no log can be opened
        line, code = f"unexpected {type(fault).__name__}: {fault}; the log has the traceback", EXIT_FAULT
    tell(line)
    _open_late(log, open_log)
    if log.hasHandlers() and not is_on_stdout(log):
        log.error("%s", line)
    return code


def _open_late(log: logging.Logger, open_log: Callable[[], object] | None) -> None:
    if open_log is not None and not log.hasHandlers():
        with contextlib.suppress(StartRefused):  # of the two faults the first is told
            open_log()


def _os_fault(fault: OSError) -> str:
    where = f"{fault.filename}: " if fault.filename else ""
    return f"{where}{fault.strerror or fault}: check path, permissions and space"


def tell_remarks(file: PropertiesFile | None) -> None:
    """What an operator should act on, to stderr."""
    for remark in file.remarks if file else []:
        if not remark.quiet:
            warn(str(remark))


def tell_settings(
    settings: tuple[Settings, ...], file: PropertiesFile | None, log: logging.Logger, log_file: Path | None
) -> None:
    """Remarks on the file to the log, those that need action to stderr too; then every property to the log.

    `log_file` is None where the log is on stdout, and says all that stderr would.
    """
    remarks = file.remarks if file else []
    for remark in remarks:
        log.log(remark.level, "%s", remark)
    if log_file:
        tell_remarks(file)
    quiet = sum(remark.quiet for remark in remarks)
    if file and quiet and log_file:
        say(f"{file.path}: {quiet} values were read as they were meant, not as they are written: see {log_file}")
    for config in settings:
        for name, value in config.properties(nulls=True):
            log.info("%s=%s", name, value)


def tell_tls(tls: Tls, log: logging.Logger) -> None:
    """What of the TLS settings is not in force, to stderr and the log; then all in force to the log."""
    for remark in tls.remarks:
        caution(remark, log)
    for name, value in tls.config.properties(nulls=True):
        log.info("%s=%s", name, value)


def tell_java_options(environment: Environment, log: logging.Logger) -> None:
    """Scripts that set JAVA_OPT keep working, and are told once what of it has no effect."""
    idle = environment.idle_options
    if idle:
        names = " and ".join(name for name in OPTION_VARIABLES if environment.variables.get(name))
        caution(f"{names}: no JVM runs here, so these have no effect: {' '.join(idle)}", log)


def use_all_file_handles() -> None:
    """A broker holds a file a queue and a socket a client: take what the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def serve_until_signal(server: Server, tell_started: Callable[[], None], log: logging.Logger) -> int:
    """Start, have it told, and serve until a signal; 0 after a clean stop."""
    import uvloop

    use_all_file_handles()
    uvloop.run(_serve(server, tell_started, log))
    return 0


async def _serve(server: Server, tell_started: Callable[[], None], log: logging.Logger) -> None:
    stopping = asyncio.Event()
    _stop_on_signals(stopping, log)
    await server.start()
    tell_started()
    tell_manager(READY)
    await stopping.wait()
    tell_manager(STOPPING)
    await server.stop()
    log.info("stopped cleanly, pid %d", os.getpid())


def _stop_on_signals(stopping: asyncio.Event, log: logging.Logger) -> None:
    loop = asyncio.get_running_loop()

    def stop(number: signal.Signals) -> None:
        again = "already stopping" if stopping.is_set() else "stopping"
        log.info("%s: %s", number.name, again)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup: the terminal may go
            loop.add_signal_handler(number, stop, number)
