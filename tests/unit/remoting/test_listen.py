"""Taking a port: kept while bound, and the refusal says who has it."""

import errno
import os
import socket

import pytest

from rocketpy.errors import StartRefused
from rocketpy.remoting.listen import bind, listening, refusal


def test_a_bound_port_is_kept_before_anyone_listens():
    sock = bind("127.0.0.1", 0)
    port = sock.getsockname()[1]
    with pytest.raises(StartRefused, match=f"port {port} is in use.*set listenPort"):
        bind("127.0.0.1", port)
    sock.close()


def test_the_refusal_names_the_process():
    sock = listening(bind("127.0.0.1", 0))
    sock.listen()
    with pytest.raises(StartRefused) as refused:
        bind("127.0.0.1", sock.getsockname()[1], "nsPort")
    assert f"by pid {os.getpid()} (" in str(refused.value)
    assert "set nsPort to another port" in str(refused.value)
    sock.close()


def test_other_causes_have_their_remedy():
    def line(number):
        return refusal("10.0.0.1", 80, "listenPort", OSError(number, os.strerror(number)))

    assert "may not be bound by this user" in line(errno.EACCES)
    assert "not one of this machine" in line(errno.EADDRNOTAVAIL)
    assert "cannot be bound: No buffer space" in line(errno.ENOBUFS)


def test_a_foreign_address_is_refused():
    with pytest.raises(StartRefused, match="not one of this machine"):
        bind("203.0.113.1", 0)


def test_ipv6_takes_ipv4_too():
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        sock = bind("::", 0)
    except StartRefused as refused:
        pytest.skip(str(refused))
    assert sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 0
    sock.close()
