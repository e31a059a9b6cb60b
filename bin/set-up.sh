# Sourced by quickstart and test, with `here` set to this folder. Makes .venv and installs into it what is missing, with
# short lines on stdout and everything in .venv/install.log. POSIX sh only.

folder=$(dirname -- "$here")
venv=$folder/.venv
log=$venv/install.log
case ${TERM:-dumb} in dumb) bold='' plain='' ;; *) bold=$(printf '\033[1m') plain=$(printf '\033[0m') ;; esac
[ -t 1 ] || bold='' plain=''

step() { printf '%s%s%s\n' "$bold" "$1" "$plain"; }

die() {
  printf '%s\n' "$@" >&2
  exit 1
}

# The command that installs packages here: their names for apt, dnf and apk.
install_command() {
  sudo=''
  [ "$(id -u)" = 0 ] || sudo='sudo '
  if command -v apt-get >/dev/null; then
    echo "${sudo}apt-get install -y $1"
  elif command -v dnf >/dev/null; then
    echo "${sudo}dnf install -y $2"
  elif command -v apk >/dev/null; then
    echo "${sudo}apk add $3"
  else
    echo "your package manager: $1"
  fi
}

check_python() {
  command -v "${PYTHON:-python3}" >/dev/null ||
    die "Python 3.10 or later is missing; install it with: $(install_command 'python3 python3-venv python3-dev' 'python3 python3-devel' 'python3 python3-dev')"
  "${PYTHON:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    die "$("${PYTHON:-python3}" --version) is too old: RocketPy needs 3.10 or later; give one with PYTHON=/path/to/python3"
}

# Ends the script when the ports that its options ask for are taken.
ask_for_ports() {
  asking=$venv/bin/python
  [ -x "$asking" ] || { check_python && asking=${PYTHON:-python3}; }
  PYTHONPATH=$folder PYTHONSAFEPATH=1 PYTHONDONTWRITEBYTECODE=1 "$asking" -m rocketpy.quickstart_ports "$@" || exit
}

make_venv() {
  if [ -x "$venv/bin/python" ] && "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    return
  fi
  [ ! -e "$venv" ] || [ -f "$venv/pyvenv.cfg" ] || die "$venv is in the way and no virtual environment: move it away"
  check_python
  "${PYTHON:-python3}" -c 'import ensurepip, venv' 2>/dev/null ||
    die "Python's venv is missing; install it with: $(install_command python3-venv python3 python3)"
  step "making .venv with $("${PYTHON:-python3}" --version)"
  "${PYTHON:-python3}" -m venv --clear "$venv" || die "$venv could not be made: check permissions and space"
}

check_compiler() {
  compiler=${CC:-cc}
  # shellcheck disable=SC2086 # CC may hold options
  command -v ${compiler%% *} >/dev/null ||
    die "a C compiler is missing; install it with: $(install_command 'gcc libc6-dev' gcc 'gcc musl-dev')"
  include=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
  for header in stdio.h:'libc6-dev':'glibc-devel':'musl-dev' Python.h:'python3-dev':'python3-devel':'python3-dev' \
    zlib.h:'zlib1g-dev':'zlib-devel':'zlib-dev'; do
    name=${header%%:*}
    packages=${header#*:}
    # shellcheck disable=SC2086
    printf '#include <%s>\n' "$name" | $compiler -E -I"$include" - >/dev/null 2>&1 && continue
    apt=${packages%%:*} others=${packages#*:}
    die "the C header $name is missing; install it with: $(install_command "$apt" "${others%%:*}" "${others#*:}")"
  done
}

# Is the stamp $1 there, and nothing newer than it that the installation is made from? An editable installation
# (stamp .installed-test) takes changed Python as it is.
is_current() {
  [ -f "$venv/$1" ] || return 1
  newer=$(find "$folder/rocketpy" "$folder/setup.py" "$folder/pyproject.toml" -newer "$venv/$1" -type f \
    \( -name '*.pyx' -o -name '*.pxd' -o -name '*.h' -o -name 'setup.py' -o -name 'pyproject.toml' \) -print)
  [ "$1" = .installed-test ] ||
    newer=$newer$(find "$folder/rocketpy" -newer "$venv/$1" -type f \( -name '*.py' -o -name '*.pyi' \) -print)
  [ -z "$newer" ]
}

# Runs pip with its output in the log and what matters of it on stdout.
run_pip() {
  result=$venv/.pip-result
  {
    "$venv/bin/python" -m pip --disable-pip-version-check --no-input install --progress-bar off -v "$@" 2>&1
    echo $? >"$result"
  } | tee -a "$log" | while IFS= read -r line; do
    case $line in
      *Cythonizing*) printf '  to C: %s\n' "${line##*Cythonizing }" ;;
      *"building '"*"' extension"*) line=${line#*building \'} && printf '  compiling %s\n' "${line%%\'*}" ;;
      *"Downloading "*) line=${line#*Downloading } && printf '  downloading %s\n' "${line##*/}" ;;
      *"Successfully installed"*rocketpy*) printf '  installed\n' ;;
    esac
  done
  code=$(cat "$result")
  rm -f "$result"
  [ "$code" = 0 ]
}

# Installs the checkout: $1 names the stamp, the rest are pip's arguments.
install_checkout() {
  stamp=$1
  shift
  is_current "$stamp" && return
  check_compiler
  step "building and installing RocketPy (full output: $log)"
  : >"$log"
  touch "$venv/.started" # sources changed while pip works are newer than the stamp
  if ! run_pip "$@"; then
    printf '%s\n' "the installation failed; its last lines:" >&2
    grep -v '^ *$' "$log" | tail -n 15 >&2
    die "all of it is in $log; start again once the cause is mended"
  fi
  rm -f "$venv"/.installed-*
  mv "$venv/.started" "$venv/$stamp"
}
