"""Finds and stops RocketPy's own processes: those of this user whose title says so.

A title begins with `rocketpy: ` and holds upstream's main class, so that process lists are read as before and no Java
process is ever taken for ours. A process is signalled through its pidfd, which cannot become another process's; where
kernel (before 5.3) or Python have none, by its number, once more looked at.
"""

import contextlib
import os
import select
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TITLE = "rocketpy: "
MAIN_CLASSES = {
    "broker": "org.apache.rocketmq.broker.BrokerStartup",
    "namesrv": "org.apache.rocketmq.namesrv.NamesrvStartup",
}
STOP_TIMEOUT_S = 120
LOOK_AGAIN_S = 0.05


def set_title(program: str, arguments: Sequence[str] = ()) -> None:
    """Show this process as `rocketpy: <main class> <arguments>`."""
    import setproctitle

    setproctitle.setproctitle(" ".join((TITLE + MAIN_CLASSES.get(program, program), *arguments)))


@dataclass(frozen=True)
class Process:
    """One of our processes, held (where that can be) so that its number cannot pass to another."""

    pid: int
    program: str
    pidfd: int | None

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.pidfd is not None:
                signal.pidfd_send_signal(self.pidfd, signal.SIGTERM)
            elif _is_ours(self.pid, self.program):
                os.kill(self.pid, signal.SIGTERM)

    def wait(self, timeout_s: float) -> bool:
        """True once it is gone."""
        if self.pidfd is not None:
            return bool(select.select([self.pidfd], [], [], timeout_s)[0])
        end_s = time.monotonic() + timeout_s
        while _is_ours(self.pid, self.program):
            if time.monotonic() > end_s:
                return False
            time.sleep(LOOK_AGAIN_S)
        return True


def find_processes(program: str) -> list[Process]:
    """This user's processes of a program, by ascending pid."""
    pids = sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    found = (_hold(pid, program) for pid in pids if pid != os.getpid() and _is_ours(pid, program))
    return [process for process in found if process]


def _hold(pid: int, program: str) -> Process | None:
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    except (OSError, AttributeError):  # AttributeError: a Python built against old headers
        return Process(pid, program, None)
    if _is_ours(pid, program):  # it still is, and from here on cannot be another
        return Process(pid, program, pidfd)
    os.close(pidfd)
    return None


def _is_ours(pid: int, program: str) -> bool:
    folder = Path("/proc", str(pid))
    try:
        title = (folder / "cmdline").read_bytes().split(b"\0", 1)[0].decode(errors="replace")
        return folder.stat().st_uid == os.geteuid() and title.startswith(TITLE + MAIN_CLASSES[program])
    except OSError:
        return False


def shutdown(program: str) -> int:
    """`mqshutdown`: stop this user's processes of a program and wait until they are gone; the exit code."""
    processes = find_processes(program)
    if not processes:
        print(f"No mq{program} running.")
        return 255
    pids = " ".join(str(process.pid) for process in processes)
    print(f"The mq{program}({pids}) is running...", flush=True)
    for process in processes:
        process.stop()
    print(f"Send shutdown request to mq{program}({pids}) OK", flush=True)
    stuck = [process.pid for process in processes if not process.wait(STOP_TIMEOUT_S)]
    if stuck:
        print(f"mq{program}({' '.join(map(str, stuck))}) has not stopped within {STOP_TIMEOUT_S} s; see its log")
        return 1
    return 0
