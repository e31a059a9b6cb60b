# Sourced by the scripts of this folder, with `here` set to it. Sets `folder` (the release), ROCKETMQ_HOME where it is
# unset, and `python`: one that has rocketpy. POSIX sh only.

folder=$(dirname -- "$here")
: "${ROCKETMQ_HOME:=$folder}"
export ROCKETMQ_HOME
# Without this, `python -m` would import whatever stands in the folder one happens to be in.
export PYTHONSAFEPATH=1

install_hint() {
  echo "$1: run '$here/quickstart' once, or set ROCKETPY_PYTHON to a Python that has the package rocketpy-mq" >&2
  exit 255
}

if [ -n "${ROCKETPY_PYTHON:-}" ]; then
  python=$ROCKETPY_PYTHON
  command -v "$python" >/dev/null || install_hint "ROCKETPY_PYTHON=$python is no program"
elif [ -x "$folder/.venv/bin/python" ]; then
  python=$folder/.venv/bin/python
elif python3 -c 'import rocketpy.cli' 2>/dev/null; then
  python=python3
else
  install_hint "RocketPy is not installed for $folder"
fi
