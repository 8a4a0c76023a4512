"""The end of a process has a bound, whatever hangs."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from conftest import Start
from raw_provider import Listener
from rkat_process import Folder, Rkat

#: Set when the silent server has been asked something.
asked = threading.Event()
#: 64 MiB of text, more than anyone keeps.
FLOOD = "@@n=8192,size=8192@@"


@pytest.fixture
def silent() -> Iterator[Listener]:
    """A server that accepts connections and says nothing."""

    with Listener(hold, scheme="http") as listener:
        yield listener


def hold(connection: socket.socket) -> None:
    try:
        while connection.recv(1 << 16):
            asked.set()
    except OSError:
        pass  # the test is over


def unread(rkat: Rkat) -> None:
    """Starts a turn whose answer fills the pipe, which nobody reads."""
    session = rkat.call("session/create", {"prompt": "Hello."})["session_id"]
    request = rkat.start_turn(session, FLOOD)
    rkat.event("text_delta", request)
    rkat.stop_reading()


def held(folder: Folder, silent: Listener, start: Start) -> Rkat:
    text = f'[providers.held]\nkind = "openai_compatible"\nbase_url = "{silent.url}/v1"\n'
    (folder.path / ".rkat" / "config.toml").write_text(text)
    return start()


def write_until_full(rkat: Rkat) -> None:
    """Writes requests until the process has read none for a second."""
    assert rkat.process.stdin is not None
    descriptor = rkat.process.stdin.fileno()
    os.set_blocking(descriptor, False)
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "config/get", "params": {}}).encode() + b"\n"
    rest = b""
    while select.select([], [descriptor], [], 1)[1]:
        rest = rest or line * 100
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            pass  # it takes less than is there


def test_output_that_nobody_reads_does_not_hold_up_the_end(start: Start) -> None:
    rkat = start()
    unread(rkat)
    before = time.monotonic()
    rkat.close_input()
    assert rkat.process.wait(15) == 1
    assert 4 < time.monotonic() - before < 11


def test_requests_that_are_not_read_do_not_hold_up_the_end(start: Start) -> None:
    rkat = start()
    rkat.call("initialize")
    rkat.stop_reading()
    write_until_full(rkat)
    before = time.monotonic()
    rkat.close_input()
    assert rkat.process.wait(20) == 1
    assert time.monotonic() - before < 15


@pytest.mark.parametrize(
    ("method", "params"),
    [("models/list", {"provider": "held"}), ("session/create", {"provider": "held", "prompt": "Hello."})],
)
@pytest.mark.parametrize("ends_by_signal", [False, True])
def test_a_server_that_does_not_answer_does_not_hold_up_the_end(
    folder: Folder, silent: Listener, start: Start, method: str, params: dict[str, str], ends_by_signal: bool
) -> None:
    rkat = held(folder, silent, start)
    rkat.call("initialize")
    asked.clear()
    request = rkat.send(method, params)
    assert asked.wait(10)
    before = time.monotonic()
    if ends_by_signal:
        rkat.process.send_signal(signal.SIGTERM)
    else:
        rkat.close_input()
    assert rkat.process.wait(15) == 0
    assert time.monotonic() - before < (1 if ends_by_signal else 5)
    rkat.wait()
    assert "error" in rkat.response(request)


def test_a_signal_ends_a_process_whose_output_nobody_reads(start: Start) -> None:
    rkat = start()
    unread(rkat)
    before = time.monotonic()
    rkat.process.send_signal(signal.SIGTERM)
    assert rkat.process.wait(15) == 0
    assert time.monotonic() - before < 1


def test_a_locked_configuration_keeps_no_interrupt_waiting(folder: Folder, start: Start) -> None:
    rkat = start()
    session = rkat.call("session/create", {"prompt": "Hello."})["session_id"]
    request = rkat.start_turn(session, "@@n=10000,gap_ms=20@@")
    rkat.event("text_delta", request)
    descriptor = os.open(folder.path / ".rkat", os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    for number in range(3):
        rkat.send("config/patch", {"patch": {"agent": {"max_tokens_per_turn": 100 + number}}})
    assert rkat.call("turn/interrupt", {"session_id": session}, timeout=5) == {"interrupted": True}
    assert rkat.failure(request)["data"]["details"]["reason"] == "cancelled"
    os.close(descriptor)


def test_a_locked_database_keeps_no_interrupt_waiting(folder: Folder, start: Start) -> None:
    rkat = start()
    session = rkat.call("session/create", {"prompt": "Hello."})["session_id"]
    assert rkat.exit() == 0
    with closing(sqlite3.connect(folder.database)) as database:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")
        rkat = start()
        reads = [rkat.send("session/read", {"session_id": session}) for _ in range(6)]
        assert rkat.call("capabilities/get", timeout=5)
        for read in reads:
            assert rkat.failure(read, timeout=15)["data"]["details"]["reason"] == "store_busy"


@pytest.mark.parametrize("end", ["eof", "term"])
def test_a_run_that_cannot_be_stored_is_answered_at_the_end(folder: Folder, start: Start, end: str) -> None:
    rkat = start()
    session = rkat.call("session/create", {"prompt": "Hello."})["session_id"]
    request = rkat.start_turn(session, "@@n=10000,gap_ms=20@@")
    rkat.event("text_delta", request)
    with closing(sqlite3.connect(folder.database)) as database:
        database.execute("BEGIN IMMEDIATE")
        if end == "eof":
            rkat.close_input()
        else:
            rkat.process.send_signal(signal.SIGTERM)
        assert rkat.wait() == (1 if end == "eof" else 0)
        assert rkat.failure(request)["data"]["details"]["reason"] in ("closing", "store")
        assert all(event["type"] not in ("run_completed", "run_failed") for event in rkat.events(request))
        database.execute("ROLLBACK")
    assert start().call("session/read", {"session_id": session})["state"] == "interrupted"


def test_a_terminal_that_goes_away_ends_runs_like_a_signal_to_end(start: Start) -> None:
    def heed() -> None:
        # Whoever starts the tests may ignore the signal, and a child does as its parent.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    rkat = start(prepare=heed)
    session = rkat.call("session/create", {"prompt": "Hello."})["session_id"]
    request = rkat.start_turn(session, "@@n=10000,gap_ms=20@@")
    rkat.event("text_delta", request)
    rkat.process.send_signal(signal.SIGHUP)
    assert rkat.wait() == 0
    assert rkat.failure(request)["data"]["details"]["reason"] == "cancelled"
