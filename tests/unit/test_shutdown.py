"""bin/mqshutdown stops a real broker and a real name server, each alone, and waits until they have stopped cleanly.

Everything happens in a process namespace of its own: brokers of this machine are not to be seen, let alone stopped.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.needs import need_root
from tests.ports import free_broker_port, free_port

REPO = Path(__file__).parents[2]
LIMIT_S = 50
ALONE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
SCRIPT = """
[ $$ = 1 ] || exit 99
cd "$HOME/bin" || exit 98
booted() { # what it says once it serves, in its output
  tries=300
  until grep -q "$1" "$2"; do
    sleep 0.1
    tries=$((tries - 1))
    [ $tries -gt 0 ] || { cat "$2"; exit 97; }
  done
}
stop() { sh mqshutdown $1; echo "exit code $?"; }
nohup sh mqnamesrv -c ../namesrv.conf >../namesrv.out 2>&1 &
booted 'The Name Server boot success' ../namesrv.out
nohup sh mqbroker -c ../broker.conf >../broker.out 2>&1 &
broker=$!
booted 'boot success' ../broker.out
[ -e ../store/abort ] && echo serving
stop broker
wait $broker
echo "the broker's exit code $?"
[ -e ../store/abort ] || echo "stopped cleanly"
stop broker
stop namesrv
stop namesrv
"""


def make_release(folder: Path) -> None:
    """The scripts, and settings on free ports."""
    shutil.copytree(REPO / "bin", folder / "bin")
    shutil.copytree(REPO / "conf", folder / "conf")
    namesrv, port = free_port(), free_broker_port()
    (folder / "namesrv.conf").write_text(f"listenPort={namesrv}\n")
    (folder / "broker.conf").write_text(
        f"listenPort={port}\nbrokerIP1=127.0.0.1\nnamesrvAddr=127.0.0.1:{namesrv}\nstorePathRootDir={folder}/store\n"
        f"storePathCommitLog={folder}/store/commitlog\nmappedFileSizeCommitLog=1048576\nmaxIndexNum=400\nmaxHashSlotNum=100\n"
    )


def test_it_stops_what_it_is_told_to_stop(tmp_path: Path) -> None:
    need_root("mqshutdown is run in a process namespace")
    folder = tmp_path / "mq"
    make_release(folder)
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": str(folder), "ROCKETPY_PYTHON": sys.executable,
        "PYTHONPATH": str(REPO),
    }
    done = subprocess.run(
        [*ALONE, "sh", "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    said = [line for line in done.stdout.splitlines() if "running..." not in line and "shutdown request" not in line]
    assert said == [
        "serving", "exit code 0", "the broker's exit code 0", "stopped cleanly",
        "No mqbroker running.", "exit code 255",
        "exit code 0", "No mqnamesrv running.", "exit code 255",
    ], done.stdout + done.stderr
    for program in ("broker", "namesrv"):
        assert done.stdout.count(f"Send shutdown request to mq{program}(") == 1
