"""Accounts, TLS, progress: what a session takes from its surroundings."""

import io
import sys

import pytest

from rocketpy._core.command import request
from rocketpy.acl.signature import Signer, is_signed
from rocketpy.admin.command import CommandFailed
from rocketpy.admin.session import Session, credentials, tls
from rocketpy.client.credentials import Credentials, CredentialsFault, read_credentials
from rocketpy.config.environment import Environment


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def home(folder, text):
    (folder / "conf").mkdir(exist_ok=True)
    (folder / "conf" / "tools.yml").write_text(text)
    return Environment({"ROCKETMQ_HOME": str(folder)})


def test_an_account_is_read_from_tools_yml(tmp_path):
    account = credentials(home(tmp_path, "accessKey: rocketmq2\nsecretKey: 01234567\n"))
    assert account == Credentials("rocketmq2", "01234567")
    assert "01234567" not in repr(account)


@pytest.mark.parametrize("text", ["", "\n", "accessKey:\nsecretKey:\n", "other: x\n"])
def test_no_account_is_no_fault(tmp_path, text):
    assert credentials(home(tmp_path, text)) is None
    assert credentials(Environment({})) is None
    assert read_credentials(tmp_path / "absent.yml") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [("accessKey: a\n", "has no secretKey"), ("secretKey: geheim\n", "has no accessKey"), ("a: [", "it is not YAML")],
)
def test_half_an_account_is_told_and_no_secret_shown(tmp_path, text, told):
    with pytest.raises(CredentialsFault, match=told) as fault:
        credentials(home(tmp_path, text))
    assert "geheim" not in str(fault.value)


def test_requests_are_signed_as_the_java_hook_signs_them():
    signed = Credentials("rocketmq2", "12345678").signed(request(17, {"topic": "T", "perm": "6"}, b"body"))
    assert signed.ext is not None
    assert signed.ext["AccessKey"] == "rocketmq2"
    assert is_signed(signed.ext, b"body", Signer(b"12345678"))
    assert (signed.code, signed.body, signed.ext["topic"]) == (17, b"body", "T")


def test_the_tool_tells_a_wrong_file_in_one_line(mqadmin, tmp_path, monkeypatch):
    home(tmp_path, "accessKey: a\n")
    monkeypatch.setenv("ROCKETMQ_HOME", str(tmp_path))
    found = mqadmin("topicList")
    assert found.code == 1
    assert found.err == (
        f"mqadmin: topicList: {tmp_path}/conf/tools.yml has no secretKey: give both, or remove the file\n"
    )


def test_a_signed_request_is_served(mqadmin, cluster, tmp_path, monkeypatch):
    home(tmp_path, "accessKey: rocketmq2\nsecretKey: 12345678\n")
    monkeypatch.setenv("ROCKETMQ_HOME", str(tmp_path))
    seen = []
    monkeypatch.setattr(Credentials, "signed", lambda self, command: seen.append(command.code) or command)
    assert mqadmin("topicRoute", "-t", "TBW102").code == 0
    assert seen == [105]


def test_tls_is_spoken_when_java_opt_says_so(mqadmin, cluster, monkeypatch):
    assert tls(Environment({})) is None
    assert tls(Environment({"JAVA_OPT": "-Dtls.enable=true"})) is not None
    monkeypatch.setenv("JAVA_OPT", "-Dtls.enable=true")
    assert mqadmin("topicRoute", "-t", "TBW102").code == 0


def test_tls_that_cannot_be_used_is_one_line(tmp_path):
    options = f"-Dtls.enable=true -Dtls.test.mode.enable=false -Dtls.client.certPath={tmp_path}/x.pem"
    with pytest.raises(CommandFailed, match="or leave out -Dtls"):
        tls(Environment({"JAVA_OPT": options}))


def test_an_address_server_names_the_name_servers(no_servers, cluster, address_server, monkeypatch):
    monkeypatch.setenv("JAVA_OPT", f"-Drocketmq.namesrv.domain={address_server.domain}")
    address_server.pages["/rocketmq/nsaddr"] = cluster.namesrv_addr
    assert no_servers("topicRoute", "-t", "TBW102").code == 0
    address_server.pages["/rocketmq/nsaddr"] = (503, "")
    found = no_servers("topicRoute", "-t", "TBW102")
    url = f"http://{address_server.domain}/rocketmq/nsaddr"
    assert found.err == f"mqadmin: topicRoute: {url} gives no name servers: it answers with status 503\n"


def test_progress_is_for_terminals_alone(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Session().progress("topics", 2) as step:
        step()
    assert sys.stderr.getvalue() == ""
    monkeypatch.setattr(sys, "stderr", Tty())
    monkeypatch.setenv("TERM", "xterm")
    with Session(progress_shown=True).progress("topics", 2) as step:
        step()
    assert "topics" in sys.stderr.getvalue()
