"""The scripts of bin/ under dash, in a copy of the release, with a Python that only says how it was called."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
SHELL = shutil.which("dash") or "sh"
TELLING = (
    '#!/bin/sh\necho "home=$ROCKETMQ_HOME safe=$PYTHONSAFEPATH who=$0"\nfor word in "$@"; do echo "[$word]"; done\n'
)
PATH = "/usr/bin:/bin"
TOOLS = tuple("cat cp dirname find grep id mkdir mktemp mv readlink rm tail tee touch".split())


def make_program(path: Path, text: str = TELLING) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


class Release:
    """A copy of bin/ and conf/ somewhere, as an operator unpacks it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(REPO / "bin", folder / "bin")
        shutil.copytree(REPO / "conf", folder / "conf")

    def run(
        self, *command: str, cwd: Path | None = None, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": PATH, "HOME": str(self.folder), **(variables or {})}
        return subprocess.run(
            command, cwd=cwd or "/", env=environment, capture_output=True, text=True, check=False, timeout=30
        )


@pytest.fixture(params=["rocketmq-4.5.2", "with a space"])
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Release:
    release = Release(tmp_path / request.param)
    make_program(release.folder / ".venv" / "bin" / "python")
    return release


def expected(release: Release, *words: str, home: str = "") -> str:
    python = release.folder / ".venv" / "bin" / "python"
    first = f"home={home or release.folder} safe=1 who={python}\n"
    return first + "".join(f"[{word}]\n" for word in ("-m", "rocketpy.cli", *words))


@pytest.mark.parametrize(
    ("script", "program"), [("mqbroker", "broker"), ("mqnamesrv", "namesrv"), ("mqshutdown", "shutdown")]
)
def test_from_any_folder(release: Release, script: str, program: str) -> None:
    path = release.folder / "bin" / script
    assert release.run(str(path)).stdout == expected(release, program)
    assert release.run(SHELL, str(path)).stdout == expected(release, program)
    assert release.run(SHELL, script, cwd=path.parent).stdout == expected(release, program)
    assert release.run("nohup", "sh", script, cwd=path.parent).stdout == expected(release, program)
    assert release.run(SHELL, f"bin/{script}", cwd=release.folder).stdout == expected(release, program)
    on_path = {"PATH": f"{path.parent}:{PATH}"}
    assert release.run("/bin/sh", "-c", script, variables=on_path).stdout == expected(release, program)


def test_arguments_are_handed_on_as_they_are(release: Release) -> None:
    done = release.run(str(release.folder / "bin" / "mqbroker"), "-c", "a b.conf", "-n", "h:1;i:2", "*", "$x", "")
    assert done.stdout == expected(release, "broker", "-c", "a b.conf", "-n", "h:1;i:2", "*", "$x", "")


def test_through_symlinks(release: Release, tmp_path: Path) -> None:
    (tmp_path / "links").mkdir()
    absolute = tmp_path / "links" / "mqbroker"
    absolute.symlink_to(release.folder / "bin" / "mqbroker")
    relative = tmp_path / "links" / "again"
    relative.symlink_to("mqbroker")
    folder = tmp_path / "current"
    folder.symlink_to(release.folder)
    for path in (absolute, relative, folder / "bin" / "mqbroker"):
        assert release.run(SHELL, str(path)).stdout == expected(release, "broker")


def test_a_home_that_is_set_stays(release: Release) -> None:
    path = str(release.folder / "bin" / "mqbroker")
    assert release.run(path, variables={"ROCKETMQ_HOME": "/opt/mq"}).stdout == expected(
        release, "broker", home="/opt/mq"
    )
    assert release.run(path, variables={"ROCKETMQ_HOME": ""}).stdout == expected(release, "broker")


def test_a_python_given_by_hand_comes_first(release: Release, tmp_path: Path) -> None:
    python = make_program(tmp_path / "my python")
    done = release.run(str(release.folder / "bin" / "mqbroker"), variables={"ROCKETPY_PYTHON": str(python)})
    assert f"who={python}\n" in done.stdout


def test_a_python3_that_has_rocketpy_will_do(tmp_path: Path) -> None:
    release = Release(tmp_path / "mq")
    make_program(tmp_path / "bin" / "python3")
    done = release.run(str(release.folder / "bin" / "mqbroker"), variables={"PATH": f"{tmp_path}/bin:{PATH}"})
    assert f"who={tmp_path}/bin/python3\n" in done.stdout


def test_no_python_is_told_with_the_remedy(tmp_path: Path) -> None:
    release = Release(tmp_path / "mq")
    make_program(tmp_path / "bin" / "python3", "#!/bin/sh\nexit 1\n")
    done = release.run(str(release.folder / "bin" / "mqbroker"), variables={"PATH": f"{tmp_path}/bin:{PATH}"})
    assert done.returncode == 255
    assert done.stdout == ""
    assert done.stderr == (
        f"RocketPy is not installed for {release.folder}: run '{release.folder}/bin/quickstart' once, "
        "or set ROCKETPY_PYTHON to a Python that has the package rocketpy-mq\n"
    )
    missing = release.run(str(release.folder / "bin" / "mqbroker"), variables={"ROCKETPY_PYTHON": "/nowhere/python"})
    assert missing.stderr.startswith("ROCKETPY_PYTHON=/nowhere/python is no program: ")


class Checkout(Release):
    """A release with sources, and a Python whose pip and venv only write down what they were told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for name in ("setup.py", "pyproject.toml", "rocketpy/cli.py", "rocketpy/_core/frame.pyx"):
            make_program(folder / name, "")
        venv = f'mkdir -p "$4/bin"; cp "$0" "$4/bin/python"; touch "$4/pyvenv.cfg"; echo "venv" >>{folder}/calls'
        pip = (
            f'echo "pip $*" >>{folder}/calls; echo "Collecting uvloop"; '
            "echo '[1/1] Cythonizing rocketpy/_core/frame.pyx'; "
            "echo \"  building 'rocketpy._core.frame' extension\"; "
            'echo "noise"; echo "Successfully installed rocketpy-mq"; '
            f"exit $(cat {folder}/pip-exit 2>/dev/null || echo 0)"
        )
        self.python = make_program(
            folder / "fake" / "python3",
            "#!/bin/sh\ncase $*:$1:$2 in\n"
            f"  '-m venv'*) {venv} ;;\n"
            f"  *'-m pip'*install*) {pip} ;;\n"
            "  '-c import sysconfig'*) echo /usr/include ;;\n"
            f"  '-c '*) lack=$(cat {folder}/lacks 2>/dev/null || echo none); case $2 in *$lack*) exit 1 ;; esac ;;\n"
            f"  '-m pytest'*) echo \"ran $*\"; exit $(cat {folder}/pytest-exit 2>/dev/null || echo 0) ;;\n"
            f"  '-m rocketpy.quickstart_ports'*) exit $(cat {folder}/ports-exit 2>/dev/null || echo 0) ;;\n"
            '  --version*) echo "Python 3.12.0" ;;\n'
            '  *) echo "ran $*" ;;\n'
            "esac\n",
        )
        make_program(folder / "fake" / "cc", "#!/bin/sh\n")
        self.variables = {"PATH": f"{folder}/fake:{PATH}"}

    def quickstart(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(self.folder / "bin" / "quickstart"), *arguments, variables=self.variables)

    def test(self, *arguments: str, lacking: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """bin/test where nothing but the tools that the script itself uses is found, or all it asks for as well."""
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        for name in TOOLS:
            (tools / name).unlink(missing_ok=True)
            (tools / name).symlink_to(shutil.which(name) or name)
        for name in () if lacking else ("javac", "mvn", "go", "ip", "mkfs.ext4", "systemd-analyze"):
            make_program(tools / name)
        variables = {"PATH": f"{self.folder}/fake:{tools}", **variables}
        return self.run("/bin/sh", str(self.folder / "bin" / "test"), *arguments, variables=variables)

    @property
    def calls(self) -> list[str]:
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "mq")


def test_quickstart_installs_once(checkout: Checkout) -> None:
    first = checkout.quickstart("--port", "20911")
    assert first.returncode == 0, first.stderr
    lines = first.stdout.splitlines()
    assert lines[0] == "making .venv with Python 3.12.0"
    assert "  to C: rocketpy/_core/frame.pyx" in lines
    assert "  compiling rocketpy._core.frame" in lines
    assert "noise" not in lines
    assert lines[-1] == "ran -m rocketpy.cli quickstart --port 20911"
    assert "noise" in (checkout.folder / ".venv" / "install.log").read_text()
    assert checkout.quickstart().stdout == "ran -m rocketpy.cli quickstart\n"
    assert [call.split()[0] for call in checkout.calls] == ["venv", "pip"]


def test_ports_are_looked_at_before_the_build(checkout: Checkout) -> None:
    (checkout.folder / "ports-exit").write_text("255")
    assert checkout.quickstart().returncode == 255
    assert checkout.calls == []
    (checkout.folder / "ports-exit").write_text("0")
    assert checkout.quickstart().returncode == 0
    (checkout.folder / "ports-exit").write_text("255")
    assert checkout.quickstart().returncode == 0  # nothing is to be built: the quickstart itself looks


@pytest.mark.parametrize(("words", "told"), [(["--port", "ten"], "--port"), (["--prot", "20911"], "--prot")])
def test_a_mistake_in_the_options_is_told_before_the_build(tmp_path: Path, words: list[str], told: str) -> None:
    release = Release(tmp_path / "mq")
    shutil.copytree(REPO / "rocketpy", release.folder / "rocketpy", ignore=shutil.ignore_patterns("*.so", "*.c"))
    shutil.copy(REPO / "setup.py", release.folder)
    done = release.run(str(release.folder / "bin" / "quickstart"), *words, variables={"PYTHON": sys.executable})
    assert done.returncode == 255
    assert done.stderr.startswith("quickstart: ")
    assert told in done.stderr
    assert not (release.folder / ".venv").exists()


def test_quickstart_builds_again_when_a_source_is_newer(checkout: Checkout) -> None:
    checkout.quickstart()
    later = (checkout.folder / ".venv" / ".installed-quickstart").stat().st_mtime + 10
    os.utime(checkout.folder / "rocketpy" / "cli.py", (later, later))
    checkout.quickstart()
    assert [call.split()[0] for call in checkout.calls] == ["venv", "pip", "pip"]


def test_a_failed_build_is_told_and_tried_again(checkout: Checkout) -> None:
    (checkout.folder / "pip-exit").write_text("1")
    failed = checkout.quickstart()
    assert failed.returncode == 1
    assert "the installation failed; its last lines:" in failed.stderr
    assert ".venv/install.log" in failed.stderr
    (checkout.folder / "pip-exit").write_text("0")
    assert checkout.quickstart().returncode == 0


@pytest.mark.parametrize(("lack", "words"), [("ensurepip", "python3-venv"), ("version_info", "is too old")])
def test_a_python_that_will_not_do_is_told(checkout: Checkout, lack: str, words: str) -> None:
    make_program(checkout.folder / "fake" / "apt-get")
    (checkout.folder / "lacks").write_text(lack)
    done = checkout.quickstart()
    assert done.returncode == 1
    assert words in done.stderr
    assert checkout.calls == []


@pytest.mark.parametrize(("header", "package"), [("Python.h", "python3-dev"), ("zlib.h", "zlib1g-dev")])
def test_a_missing_header_is_told_with_its_package(checkout: Checkout, header: str, package: str) -> None:
    make_program(checkout.folder / "fake" / "apt-get")
    make_program(checkout.folder / "fake" / "cc", f"#!/bin/sh\nif grep -q '<{header}>'; then exit 1; fi\n")
    done = checkout.quickstart()
    assert done.returncode == 1
    assert f"the C header {header} is missing; install it with: " in done.stderr
    assert f"apt-get install -y {package}" in done.stderr
    assert [call.split()[0] for call in checkout.calls] == ["venv"]


def test_a_missing_compiler_is_told_with_its_package(checkout: Checkout) -> None:
    make_program(checkout.folder / "fake" / "apt-get")
    checkout.variables["CC"] = "no-such-cc -O2"
    done = checkout.quickstart()
    assert done.returncode == 1
    assert "a C compiler is missing; install it with: " in done.stderr
    assert done.stderr.endswith("apt-get install -y gcc libc6-dev\n")
    assert [call.split()[0] for call in checkout.calls] == ["venv"]


def test_what_the_tests_lack_is_named_with_the_command_that_installs_it(checkout: Checkout) -> None:
    make_program(checkout.folder / "fake" / "apt-get")
    done = checkout.test()
    assert done.returncode == 0
    assert done.stdout.endswith(
        "ran -m pytest tests/unit\nran -m pytest tests/golden tests/property tests/house tests/crash\n"
        "ran -m pytest tests/compat --durations=20 --durations-min=10\n"
    )
    wanted = {"a JDK": "default-jdk-headless", "Maven": "maven", "Go": "golang-go", "mkfs.ext4": "e2fsprogs"}
    for what, package in wanted.items():
        told = f"  {what} is missing, so the tests that need it are skipped; install it with: "
        (line,) = (line for line in done.stderr.splitlines() if line.startswith(told))
        assert line.endswith(f"apt-get install -y {package}")
    assert f"-e {checkout.folder}[test,lint]" in checkout.calls[-1]


def test_ci_does_not_take_a_skip_for_a_success(checkout: Checkout) -> None:
    assert checkout.test(ROCKETPY_REQUIRE_TOOLS="1").returncode == 1
    assert checkout.test(ROCKETPY_REQUIRE_TOOLS="1", lacking=False).returncode == 0
    ci = (REPO / ".ci" / "run").read_text()
    assert "\nexport ROCKETPY_REQUIRE_TOOLS=1\n" in ci
    assert ci.endswith("\nexec bin/test\n")


def test_the_tests_exit_code_is_pytests(checkout: Checkout) -> None:
    (checkout.folder / "pytest-exit").write_text("3")
    for lacking in (True, False):
        done = checkout.test(lacking=lacking)
        assert done.returncode == 3
        assert done.stdout.endswith("failed: see above.\n")
    assert checkout.test(lacking=False).stderr == ""


def test_the_fast_tests_need_no_tools(checkout: Checkout) -> None:
    done = checkout.test("fast", "-x", ROCKETPY_REQUIRE_TOOLS="1")
    assert done.stdout.endswith(
        "ran -m pytest tests/unit --ignore=tests/unit/store --ignore=tests/unit/store_tool -x\n"
        "ran -m pytest tests/golden tests/property tests/house tests/unit/store tests/unit/store_tool -x\n"
    )
    assert (done.returncode, done.stderr) == (0, "")
    (checkout.folder / "pytest-exit").write_text("3")
    assert checkout.test("fast").returncode == 3


def test_something_else_in_the_place_of_venv_is_left_alone(checkout: Checkout) -> None:
    (checkout.folder / ".venv").mkdir()
    (checkout.folder / ".venv" / "precious").write_text("x")
    done = checkout.quickstart()
    assert done.returncode == 1
    assert "move it away" in done.stderr
    assert (checkout.folder / ".venv" / "precious").exists()


def test_mqadmin_is_a_module_of_its_own(release: Release) -> None:
    done = release.run(str(release.folder / "bin" / "mqadmin"), "topicRoute", "-t", "a b")
    assert done.stdout == expected(release, "topicRoute", "-t", "a b").replace("rocketpy.cli", "rocketpy.admin")


def test_the_store_tool_is_a_module_of_its_own(release: Release) -> None:
    done = release.run(str(release.folder / "bin" / "mqstore"), "check", "a b", "--json")
    assert done.stdout == expected(release, "check", "a b", "--json").replace("rocketpy.cli", "rocketpy.store_tool")
