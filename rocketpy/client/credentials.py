"""The account in whose name requests are made, and its file as mqadmin keeps it (conf/tools.yml)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rocketpy._core.command import Command
from rocketpy.errors import RocketPyError

TOOLS_FILE = "conf/tools.yml"


class CredentialsFault(RocketPyError):
    """The file of the account cannot be used; the line names it and holds nothing of its secret."""


@dataclass(frozen=True)
class Credentials:
    """An access key with its secret."""

    access_key: str
    secret_key: str = field(repr=False)

    def signed(self, command: Command) -> Command:
        """A copy of the request that carries the account's signature."""
        from rocketpy.acl.signature import signed

        ext = signed(command.ext or {}, command.body, self.access_key, self.secret_key)
        return Command(
            command.code,
            ext,
            command.body,
            opaque=command.opaque,
            flag=command.flag,
            language=command.language,
            version=command.version,
            remark=command.remark,
        )


def read_credentials(path: Path) -> Credentials | None:
    """The account in a file; None when there is no file, or no account in it (AclUtils.getAclRPCHook)."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise CredentialsFault(f"{path} cannot be read ({fault.strerror}): check its permissions") from None
    if not data.strip():
        return None
    from rocketpy.acl.errors import AclError
    from rocketpy.acl.yaml_text import load_text

    try:
        document = load_text(data)
    except AclError as fault:
        raise CredentialsFault(f"{path}: {fault}") from None
    access, secret = (str(document.get(name) or "").strip() for name in ("accessKey", "secretKey"))
    if not access and not secret:
        return None
    if not access or not secret:
        raise CredentialsFault(f"{path} has no {'secretKey' if access else 'accessKey'}: give both, or remove the file")
    return Credentials(access, secret)
