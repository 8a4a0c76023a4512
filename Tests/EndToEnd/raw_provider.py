"""A provider on loopback that answers byte for byte as a test says, one connection a request."""

from __future__ import annotations

import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any

#: Seconds that a connection of the server may take to say something or to end.
PATIENCE = 30.0


class Listener:
    """Accepts connections on a free port; each is served by a thread of its own and closed after that."""

    def __init__(self, serve: Callable[[socket.socket], None], scheme: str = "https") -> None:
        self._serve = serve
        self._connections: list[socket.socket] = []
        self._lock = threading.Lock()
        self._has_ended = False
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"{scheme}://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends everything, whatever it is waiting for."""
        with self._lock:
            self._has_ended = True
            connections = self._connections
        # Wakes those who wait for it.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        self._socket.close()
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it is closed already

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.settimeout(PATIENCE)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                if self._has_ended:
                    return connection.close()
                self._connections.append(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._serve(connection)
            except OSError:
                pass  # the client has left, or does not like the certificate


class Exchange:
    """A request, and the connection on which it is answered."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        head, self.body = self._read()
        request_line, *fields = head.decode().split("\r\n")
        self.path = request_line.split(" ")[1]
        #: By name in lower case.
        self.headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}

    def _read(self) -> tuple[bytes, bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        while len(body) < int(lengths[0]):
            body += self._receive()
        return head, body

    def _receive(self) -> bytes:
        data = self._connection.recv(1 << 16)
        if not data:
            raise ConnectionError("the client has left")
        return data

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def reply(self, status: int, body: bytes, *fields: str, kind: str | None = "application/json") -> None:
        """A whole answer."""
        self.send(head(status, f"content-length: {len(body)}", *fields, kind=kind) + body)

    def stream(self, events: Iterable[bytes], *fields: str, kind: str | None = "text/event-stream") -> None:
        """A whole stream, with one piece of the body for each event."""
        self.begin(events, *fields, kind=kind)
        self.send(b"0\r\n\r\n")

    def begin(self, events: Iterable[bytes] = (), *fields: str, kind: str | None = "text/event-stream") -> None:
        """A stream that does not end."""
        self.send(head(200, "transfer-encoding: chunked", *fields, kind=kind) + b"".join(map(chunk, events)))

    def is_there(self, seconds: float) -> bool:
        """Waits, and tells whether the client has not left meanwhile."""
        readable, _, _ = select.select([self._connection], [], [], seconds)
        return not readable

    def hold(self) -> None:
        """Says nothing more until the client leaves."""
        while self._connection.recv(1 << 16):
            pass


Answer = Callable[[Exchange], None]


class RawProvider:
    """Gives its answers in their order; the last one again and again."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self._answers = list(answers)
        self._tls = tls
        self._lock = threading.Lock()
        #: All requests that have been read.
        self.requests: list[Exchange] = []
        self._listener = Listener(self._serve, "https" if tls else "http")
        self.url = self._listener.url

    def __enter__(self) -> RawProvider:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        if self._tls:
            with self._tls.wrap_socket(connection, server_side=True) as encrypted:
                self._answer(encrypted)
        else:
            self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        exchange = Exchange(connection)
        with self._lock:
            self.requests.append(exchange)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        answer(exchange)


def head(status: int, *fields: str, kind: str | None) -> bytes:
    content_type = [f"content-type: {kind}"] if kind else []
    lines = [f"HTTP/1.1 {status} Status", "connection: close", *content_type, *fields, "", ""]
    return "\r\n".join(lines).encode()


def chunk(payload: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(payload), payload)


def event(value: Any, name: str | None = None) -> bytes:
    """An event of a stream."""
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(value).encode() + b"\n\n"
