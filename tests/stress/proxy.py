"""A proxy between a process and its database, which can stop to let anything through."""

import select
import socket
import threading
from typing import Self


class PausingProxy:
    """
    Passes bytes between a port of its own and another one.

    A pause is a cut network cable: nothing comes through in either direction, nobody is told, and
    new connections are taken but not answered. What was on its way arrives after the pause.
    """

    def __init__(self, target_port: int) -> None:
        self._target = ("127.0.0.1", target_port)
        self._flowing = threading.Event()
        self._flowing.set()
        self._is_closed = False
        self._server = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._server.settimeout(0.1)
        self.port: int = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._is_closed = True
        self._flowing.set()
        self._thread.join()
        self._server.close()

    def pause(self) -> None:
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def _accept(self) -> None:
        while not self._is_closed:
            try:
                client, _ = self._server.accept()
            except TimeoutError:
                continue
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            self._flowing.wait()
            try:
                server = socket.create_connection(self._target, timeout=5)
            except OSError:
                return
            with server:
                self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        while not self._is_closed:
            self._flowing.wait()
            readable, _, _ = select.select(list(other), [], [], 0.1)
            # The pause may have begun while this was waiting.
            self._flowing.wait()
            try:
                for end in readable:
                    data = end.recv(65536)
                    if not data:
                        return
                    other[end].sendall(data)
            except OSError:
                return
