"""plain_acl.yml as text and as a document; invariant: what cannot be read is an AclError that quotes nothing of it.

Every value is the text that stands there: `secretKey: 01234567` is those eight digits and no octal number. Only lists,
maps and null mean something of their own, and tags that name Python's types are refused.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from rocketpy.acl.errors import AclError

SIZE_LIMIT = 16 << 20
PLAIN = "tag:yaml.org,2002:"
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


READ = yaml.SafeLoader.yaml_constructors
AS_TEXT = ("str", "int", "bool", "float", "timestamp")


class _Loader(Base):  # type: ignore[misc]  # whichever of the two PyYAML was built with
    """Reads text, lists, maps and null."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in rows if tag in (f"{PLAIN}null", f"{PLAIN}merge")]
        for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors: dict[str | None, Any] = {  # noqa: RUF012
        None: READ[None],  # refuses every other tag
        **{PLAIN + tag: READ[PLAIN + tag] for tag in ("null", "seq", "map")},
        **{PLAIN + tag: READ[f"{PLAIN}str"] for tag in AS_TEXT},
    }


def load_text(data: bytes) -> dict[str, Any]:
    """The document in a file's bytes. AclError with line and column when it is not one map."""
    if len(data) > SIZE_LIMIT:
        raise AclError(f"it has {len(data)} bytes, {SIZE_LIMIT} are read at most")
    try:
        document = yaml.load(data.decode("utf-8-sig"), _Loader)  # a SafeLoader: no object is made
    except UnicodeDecodeError as error:
        raise AclError(f"it is not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise AclError("it is not YAML: nested too deep") from None
    except yaml.YAMLError as error:
        raise AclError(f"it is not YAML: {_why(error)}") from None
    if not isinstance(document, dict) or not document:
        raise AclError("it holds no rules")  # upstream: "file  is not data"
    return document


def _why(error: yaml.YAMLError) -> str:
    """Place and kind of the mistake. PyYAML's own text shows the line, and the line may hold a secret."""
    mark = getattr(error, "problem_mark", None)
    problem = QUOTED.sub("…", str(getattr(error, "problem", None) or "what stands there is no text"))
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark else problem


def dump_text(document: dict[str, Any]) -> str:
    """The document as YAML, its members in their order; comments are not part of a document."""
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, default_flow_style=False))
