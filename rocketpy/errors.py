"""Errors by the side that is wrong: the peer's bytes, the request, the disk, the operator; anything else is us."""


class RocketPyError(Exception):
    """Root of every error RocketPy raises on purpose."""


class ProtocolError(RocketPyError):
    """The peer's bytes are wrong: its connection is closed with one log line."""


class RequestRefused(RocketPyError):
    """The request is wrong: it is answered with `code` (a ResponseCode) and `remark`."""

    def __init__(self, code: int, remark: str) -> None:
        super().__init__(code, remark)
        self.code = code
        self.remark = remark


class StoreError(RocketPyError):
    """The disk is wrong: an I/O error, or a store that cannot be opened."""


class CorruptMessage(StoreError):
    """Stored bytes are not a record; names the file and the offset."""


class StartRefused(RocketPyError):
    """The operator asked for what cannot start: one line with path or port and remedy, and the exit code."""

    def __init__(self, message: str, exit_code: int = 255) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class RemotingError(RocketPyError):
    """A call to a peer did not come about or was not answered."""


class RemotingConnectError(RemotingError):
    """The peer cannot be reached at its address."""


class RemotingSendError(RemotingError):
    """The connection went before the answer came; the peer may have seen the request."""


class RemotingTimeout(RemotingError):
    """The peer did not answer in time."""


class FilterSyntaxError(RocketPyError, ValueError):
    """An SQL92 expression that upstream's compiler refuses, or that passes our bounds; `remark` names the place."""

    def __init__(self, remark: str, line: int, column: int) -> None:
        super().__init__(remark)
        self.remark = remark
        self.line = line
        self.column = column


class FilterEvaluationError(RocketPyError):
    """An SQL92 expression meets a property that it cannot compare; the message counts as no match."""

    def __init__(self, message: str, upstream: str) -> None:
        super().__init__(message)
        self.upstream = upstream  # the class of what upstream throws
