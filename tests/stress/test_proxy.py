"""The proxy passes bytes on, and holds them back while it is paused."""

import socket

import pytest

from tests.stress.proxy import PausingProxy


def test_bytes_wait_while_it_is_paused():
    with (
        socket.create_server(("127.0.0.1", 0)) as target,
        PausingProxy(target.getsockname()[1]) as proxy,
        socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as client,
        target.accept()[0] as served,
    ):
        client.sendall(b"one")
        assert served.recv(3) == b"one"

        proxy.pause()
        client.sendall(b"two")
        served.settimeout(0.3)
        with pytest.raises(TimeoutError):
            served.recv(3)

        proxy.resume()
        served.settimeout(5)
        assert served.recv(3) == b"two"
