"""One request or response of the wire as a Python object, and the full decoder of its header.

A plain frame becomes a Command straight from the scanner's slices; an odd one is read the way fastjson reads it. What
comes out is the same kind of thing either way: int fields, text, and an ext of str to str.
"""

import json
import re
import struct

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport INT32_MAX, int32_t

from rocketpy._core.frame cimport (
    FLAG_ONEWAY,
    FLAG_RESPONSE,
    JSON,
    Frame,
    scan_frame,
    slice_text,
)
from rocketpy._core.frame import reason_text
from rocketpy._core.json_reader import join_surrogates, read_json
from rocketpy._core.out_buffer cimport OutBuffer, out_append
from rocketpy.errors import ProtocolError

LANGUAGES = ("JAVA", "CPP", "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY", "OTHER", "HTTP", "GO", "PHP", "OMS")
LANGUAGE_CODES = {name: code for code, name in enumerate(LANGUAGES)}

# What fastjson escapes: quote, backslash, control characters of both blocks, and the two line separators.
ESCAPED = re.compile('["\\\\\x00-\x1f\x7f-\x9f\u2028\u2029]')
SHORT_ESCAPES = {
    '"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t",
}


def escape(match) -> str:
    return SHORT_ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04X}"


cpdef str quote(str text):
    """A JSON string as fastjson writes it."""
    return f'"{ESCAPED.sub(escape, text)}"'


cdef class Command:
    def __init__(self, code, ext=None, body=None, *, opaque=0, flag=0, language="JAVA", version=VERSION, remark=None):
        self.code = code
        self.ext = ext
        self.body = body or None
        self.opaque = opaque
        self.flag = flag
        self.language = language
        self.version = version
        self.remark = remark

    @property
    def is_response(self) -> bool:
        return self.flag & FLAG_RESPONSE != 0

    @property
    def is_oneway(self) -> bool:
        return self.flag & FLAG_ONEWAY != 0

    def encode(self, serialize_type: int = JSON) -> bytes:
        header = json_header(self) if serialize_type == JSON else binary_header(self)
        return frame_prefix(header, self.body, serialize_type) + header + (self.body or b"")

    @staticmethod
    def decode(const unsigned char[::1] frame not None) -> Command:
        cdef Frame scanned
        cdef const char* at = <const char*>&frame[0] if frame.shape[0] else NULL
        cdef Py_ssize_t length = scan_frame(at, frame.shape[0], &scanned)
        if length < 0:
            raise ProtocolError(f"malformed frame: {reason_text(length)}")
        if length == 0 or length != frame.shape[0]:
            raise ProtocolError(f"not one frame: {frame.shape[0]} bytes")
        return frame_command(&scanned)

    def __eq__(self, other) -> bool:
        return isinstance(other, Command) and fields(self) == fields(other)

    def __repr__(self) -> str:
        code, ext, body, opaque, flag, language, version, remark = fields(self)
        size = len(body) if body else 0
        if ext and "secretKey" in ext:      # of code 50: no secret in a log or a failed assertion
            ext = {**ext, "secretKey": "***"}
        return (f"Command(code={code}, ext={ext}, body={size} bytes, opaque={opaque}, flag={flag}, "
                f"language={language}, version={version}, remark={remark!r})")


cdef tuple fields(Command c):
    return (c.code, c.ext, c.body, c.opaque, c.flag, c.language, c.version, c.remark)


def request(code, ext=None, body=None):
    return Command(code, ext, body)


def response(code=0, remark=None, ext=None, body=None):
    return Command(code, ext, body, flag=FLAG_RESPONSE, remark=remark)


cdef int to_i16(int32_t value) noexcept:
    return (value & 0xFFFF) - ((value & 0x8000) << 1)


cdef bytes json_header(Command command):
    cdef list parts = [f'{{"code":{command.code}']
    if command.ext is not None:
        pairs = [f"{quote(key)}:{quote(value)}" for key, value in command.ext.items() if value is not None]
        parts.append(f',"extFields":{{{",".join(pairs)}}}')
    parts.append(f',"flag":{command.flag},"language":{quote(command.language)},"opaque":{command.opaque}')
    if command.remark is not None:
        parts.append(f',"remark":{quote(command.remark)}')
    parts.append(f',"serializeTypeCurrentRPC":"JSON","version":{command.version}}}')
    return "".join(parts).encode("utf-8", "replace")


cdef bytes binary_header(Command command):
    remark = (command.remark or "").encode("utf-8", "replace")
    entries = []
    for key, value in (command.ext or {}).items():
        if value is not None:
            key, value = key.encode("utf-8", "replace"), value.encode("utf-8", "replace")
            entries += (struct.pack(">h", len(key)), key, struct.pack(">i", len(value)), value)
    ext = b"".join(entries)
    language = LANGUAGE_CODES.get(command.language, LANGUAGE_CODES["OTHER"])
    fixed = struct.pack(">hBhii", to_i16(command.code), language, to_i16(command.version), command.opaque, command.flag)
    return b"".join((fixed, struct.pack(">i", len(remark)), remark, struct.pack(">i", len(ext)), ext))


cdef bytes frame_prefix(bytes header, bytes body, int serialize_type):
    cdef Py_ssize_t header_size = PyBytes_GET_SIZE(header)
    cdef Py_ssize_t size = 4 + header_size + (PyBytes_GET_SIZE(body) if body is not None else 0)
    if header_size > 0xFFFFFF or size > INT32_MAX:
        raise ValueError(f"a frame of {size} bytes with a header of {header_size} cannot be written")
    return struct.pack(">II", size, serialize_type << 24 | header_size)


cdef int put_bytes(OutBuffer* out, bytes data) except -1:
    if out_append(out, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)) < 0:
        raise MemoryError
    return 0


cdef int put_command(OutBuffer* out, Command command, int serialize_type) except -1:
    cdef bytes header = json_header(command) if serialize_type == JSON else binary_header(command)
    put_bytes(out, frame_prefix(header, command.body, serialize_type))
    put_bytes(out, header)
    if command.body is not None:
        put_bytes(out, command.body)
    return 0


# ---- decoding

cdef Command frame_command(const Frame* frame):
    cdef Command command = Command.__new__(Command)
    cdef int i
    if frame.odd:
        header = PyBytes_FromStringAndSize(frame.header, frame.header_size)
        if frame.serialize_type == JSON:
            read_odd_json(command, header)
        else:
            read_odd_binary(command, header)
    else:
        command.code, command.version, command.opaque = frame.code, frame.version, frame.opaque
        command.flag, command.language = frame.flag, LANGUAGES[frame.language]
        command.remark = slice_text(&frame.remark)
        if frame.has_ext:
            command.ext = {slice_text(&frame.ext_key[i]): slice_text(&frame.ext_value[i])
                           for i in range(frame.ext_count)}
    if frame.body_size:
        command.body = PyBytes_FromStringAndSize(frame.body, frame.body_size)
    return command


cdef read_odd_json(Command command, bytes header):
    members = read_json(header.decode("utf-8", "replace"))
    if not isinstance(members, dict):
        raise ProtocolError("malformed frame: its header is not a JSON object")
    ext = members.get("extFields")
    if ext is not None and not isinstance(ext, dict):
        raise ProtocolError("malformed frame: extFields is not a JSON object")
    command.code, command.version = to_i32(members, "code"), to_i32(members, "version")
    command.opaque, command.flag = to_i32(members, "opaque"), to_i32(members, "flag")
    language = members.get("language", "JAVA")
    command.language = language if language in LANGUAGE_CODES else "OTHER"
    command.remark = to_text(members.get("remark"))
    if ext is not None:
        command.ext = {to_text(key): to_text(value) for key, value in ext.items() if value is not None}


def to_i32(members: dict, name: str) -> int:
    """A number as Java casts it: text is parsed, what is too large loses its upper bits, null is 0."""
    value = members.get(name)
    try:
        number = 0 if value is None or value == "" else int(value)
    except (TypeError, ValueError, OverflowError):
        raise ProtocolError(f"malformed frame: {name} is not a number") from None
    return (number + 0x80000000) % 0x100000000 - 0x80000000


def to_text(value) -> str | None:
    """What fastjson makes of a member whose type is String."""
    if value is None:
        return None
    if isinstance(value, str):
        return join_surrogates(value)
    return join_surrogates(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


cdef read_odd_binary(Command command, bytes header):
    # The scanner has checked every length; what made it odd is text that is not UTF-8, or the number of entries.
    code, language, version, opaque, flag, size = struct.unpack_from(">hBhiii", header)
    at = 17
    remark_end = at + max(size, 0)
    command.code, command.version, command.opaque, command.flag = code, version, opaque, flag
    command.language = LANGUAGES[language] if language < len(LANGUAGES) else "OTHER"
    command.remark = header[at:remark_end].decode("utf-8", "replace") if size > 0 else None
    size, = struct.unpack_from(">i", header, remark_end)
    at = remark_end + 4
    end = at + max(size, 0)
    command.ext = {} if size > 0 else None
    while at < end:
        key, at = sized_text(header, at, ">h", 2)
        command.ext[key], at = sized_text(header, at, ">i", 4)


def sized_text(data: bytes, at: int, size_format: str, width: int) -> tuple:
    size, = struct.unpack_from(size_format, data, at)
    at += width
    return data[at:at + size].decode("utf-8", "replace"), at + size
