"""Connections that a server has closed when the next request is put on them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from raw_provider import Exchange, Listener, chunk
from rkat_process import Folder
from wires import KEYS, Wire, answer_events, of_type

NO_RETRIES = "[retry]\nmax_retries = 0\n"


class KeptConnections:
    """Answers requests on connections that stay open; the answers are by connection and request."""

    def __init__(self, *connections: list[Callable[[Exchange, socket.socket], None]]) -> None:
        self._connections = list(connections)
        self._lock = threading.Lock()
        self.requests: list[Exchange] = []
        self._listener = Listener(self._serve, "http")
        self.url = self._listener.url

    def __enter__(self) -> KeptConnections:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            answers = self._connections.pop(0)
        for answer in answers:
            exchange = Exchange(connection)
            with self._lock:
                self.requests.append(exchange)
            answer(exchange, connection)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def kept(exchange: Exchange, connection: socket.socket) -> None:
    """A whole answer; the connection stays open."""
    exchange.send(HEAD + b"".join(map(chunk, answer_events("chat", n=3))) + b"0\r\n\r\n")


def closed(exchange: Exchange, connection: socket.socket) -> None:
    """No answer."""
    connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def keeping(
    tmp_path: Path, *connections: list[Callable[[Exchange, socket.socket], None]]
) -> Iterator[tuple[Wire, KeptConnections]]:
    with KeptConnections(*connections) as provider:
        wire = Wire("chat", Folder(tmp_path, NO_RETRIES), provider, **KEYS)
        with wire.rkat:
            yield wire, provider


def test_a_request_on_a_connection_that_was_closed_is_sent_again(tmp_path: Path) -> None:
    with keeping(tmp_path, [kept, closed], [kept]) as (wire, provider):
        session = wire.rkat.result(wire.create())["session_id"]
        request = wire.rkat.send("turn/start", {"session_id": session, "prompt": "Again."})
        result = wire.rkat.result(request)
        assert result["text"] == "wwwwwww " * 3
        assert [call["attempt"] for call in result["model_calls"]] == [1]
        assert of_type(wire.rkat.events(request), "retrying") == []
        first, second, third = provider.requests
        assert second.body == third.body


def test_it_is_sent_again_once(tmp_path: Path) -> None:
    with keeping(tmp_path, [kept, closed], [closed], [kept]) as (wire, provider):
        session = wire.rkat.result(wire.create())["session_id"]
        request = wire.rkat.send("turn/start", {"session_id": session, "prompt": "Again."})
        assert wire.rkat.failure(request)["data"]["details"]["reason"] == "connection"
        assert len(provider.requests) == 3


def test_a_new_connection_that_breaks_is_a_failure(tmp_path: Path) -> None:
    with keeping(tmp_path, [closed], [kept]) as (wire, provider):
        assert wire.failure().reason == "connection"
        assert len(provider.requests) == 1


@pytest.mark.parametrize(
    "said", [HEAD, HEAD[:1], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n",
             b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"])
def test_an_answer_that_has_begun_is_not_asked_for_again(tmp_path: Path, said: bytes) -> None:
    def begun(exchange: Exchange, connection: socket.socket) -> None:
        exchange.send(said)
        connection.shutdown(socket.SHUT_RDWR)

    with keeping(tmp_path, [kept, begun], [kept]) as (wire, provider):
        wire.rkat.result(wire.create())
        assert wire.failure().reason in ("connection", "incomplete")
        assert len(provider.requests) == 2
