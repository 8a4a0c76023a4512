"""One database under several processes: nothing that was answered is lost, whoever comes and goes."""

from __future__ import annotations

import json
import os
import resource
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Start
from rkat_process import Folder, Provider, Rkat, text_of, wait_until
from test_processes import assert_owned_elsewhere, create, streaming
from test_shell import assert_gone, processes, running

ENDLESS = "@@n=10000,gap_ms=20@@"


def deleted_files(rkat: Rkat) -> list[str]:
    """Files of the database that the process has open and that nobody else can find any more."""
    found = []
    for descriptor in Path(f"/proc/{rkat.process.pid}/fd").iterdir():
        try:
            target = os.readlink(descriptor)
        except OSError:
            continue
        if "meerkat.db" in target and target.endswith("(deleted)"):
            found.append(target)
    return found


def assert_stored(start: Start, sessions: list[str]) -> None:
    """A new process finds every session, each with its answered turn."""
    rkat = start()
    assert {entry["session_id"] for entry in rkat.stored_sessions()} == set(sessions)
    for session in sessions:
        assert [text_of(message) for message in rkat.history(session)] == ["Hello.", "hello"]


def test_processes_that_exit_take_nothing_with_them(start: Start) -> None:
    creator = start()
    sessions = [create(creator)]
    first = start()
    # The first process reads before it writes.
    assert len(first.stored_sessions()) == 1
    sessions.append(create(first))
    assert creator.exit() == 0
    assert deleted_files(first) == []
    for _ in range(5):
        sessions.append(create(first))
        other = start()
        sessions.append(create(other))
        assert other.exit() == 0
        assert deleted_files(first) == []
    first.kill()
    assert_stored(start, sessions)


def test_a_foreign_client_that_reads_and_leaves_does_no_harm(folder: Folder, start: Start) -> None:
    sessions = [create(creator := start())]
    assert creator.exit() == 0
    rkat = start()
    assert len(rkat.stored_sessions()) == 1
    sessions.append(create(rkat))
    read = "import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); print(len(d.execute('SELECT * FROM entries').fetchall()))"
    for _ in range(5):
        client = [sys.executable, "-c", f"{read}; d.close()", str(folder.database)]
        assert int(subprocess.run(client, capture_output=True, check=True).stdout) > 0
        assert deleted_files(rkat) == []
        sessions.append(create(rkat))
    rkat.kill()
    assert_stored(start, sessions)


def test_a_tool_that_searches_the_folder_of_the_database_takes_no_lock_away(folder: Folder, start: Start) -> None:
    rkat = start()
    sessions = [create(rkat)]
    tools = rkat.call("session/create", {"initial_turn": False, "enable_builtins": True})["session_id"]
    for name, arguments in [
        ("search_files", {"pattern": "hello", "path": ".rkat"}),
        ("read_file", {"path": str(folder.database.relative_to(folder.path))}),
        ("read_file", {"path": f"{folder.database}-shm"}),
    ]:
        rkat.turn(tools, f"@@tools=1,name={name},args={json.dumps(arguments).encode().hex()}@@")
    other = start()
    other.stored_sessions()
    assert other.exit() == 0
    assert deleted_files(rkat) == []
    sessions.append(create(rkat))
    rkat.kill()
    listed = {entry["session_id"] for entry in start().stored_sessions()}
    assert listed == {*sessions, tools}


def test_a_database_that_is_removed_is_an_error_and_not_a_loss_in_silence(folder: Folder, start: Start) -> None:
    rkat = start()
    session = create(rkat)
    for file in folder.sessions.glob("meerkat.db*"):
        file.unlink()
    assert rkat.fail("turn/start", {"session_id": session, "prompt": "Still there?"})["code"] == -32001
    error = rkat.fail("session/create", {"prompt": "Hello."})
    assert error["data"]["details"]["reason"] == "store_replaced"
    # Whoever was told that goes on with a new file.
    kept = create(rkat)
    rkat.kill()
    assert [entry["session_id"] for entry in start().stored_sessions()] == [kept]


def test_the_first_start_waits_for_a_writer_of_the_empty_file(folder: Folder, start: Start) -> None:
    folder.sessions.mkdir(parents=True)
    held, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(folder.database)) as database:
            database.isolation_level = None
            database.execute("BEGIN IMMEDIATE")
            held.set()
            leave.wait()
            database.execute("ROLLBACK")

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    rkat = start()
    request = rkat.send("session/create", {"prompt": "Hello."})
    with pytest.raises(TimeoutError):
        rkat.response(request, timeout=0.5)
    leave.set()
    holder.join()
    assert rkat.result(request)["text"] == "hello"


def test_a_file_that_a_newer_version_has_raised_is_not_written(folder: Folder, start: Start) -> None:
    rkat = start()
    session = create(rkat)
    with closing(sqlite3.connect(folder.database)) as database:
        before = database.execute("SELECT count(*) FROM entries").fetchone()
        database.execute("PRAGMA user_version = 99")
        database.commit()
    for method in ("turn/start", "session/create"):
        error = rkat.fail(method, {"session_id": session, "prompt": "More."})
        assert (error["code"], error["data"]["details"]["reason"]) == (-32013, "store_format")
    with closing(sqlite3.connect(folder.database)) as database:
        assert database.execute("SELECT count(*) FROM entries").fetchone() == before


def test_without_descriptors_a_living_run_is_not_taken_for_dead(start: Start) -> None:
    one, other = start(), start()
    session = create(one)
    # The other process has the database open and has looked at the session before.
    assert other.turn(session, "Before. @@n=1@@")["text"] == "hello"
    request = streaming(one, session, ENDLESS)
    pid = other.process.pid
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
    for method in ("turn/start", "turn/resume", "session/compact", "session/archive", "session/delete"):
        error = other.fail(method, {"session_id": session, "prompt": "Mine?"})
        assert error["code"] == -32002, error
        assert error["data"]["details"]["reason"] == "owner_unknown"
    assert other.call("session/read", {"session_id": session})["state"] == "running"
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    assert_owned_elsewhere(other.fail("turn/start", {"session_id": session, "prompt": "Mine?"}), session)
    assert one.call("turn/interrupt", {"session_id": session}) == {"interrupted": True}
    assert one.failure(request)["data"]["details"]["reason"] == "cancelled"
    assert other.turn(session, "Mine now. @@n=1@@")["text"] == "hello"


@pytest.mark.parametrize("in_background", [False, True])
@pytest.mark.parametrize("method", ["turn/start", "session/compact", "session/delete"])
def test_what_another_process_runs_is_not_ended(start: Start, method: str, in_background: bool) -> None:
    one, other = start(), start()
    number = 7_000_000 + os.getpid() * 10 + int(in_background)
    if in_background:
        session = one.call("session/create", {"initial_turn": False, "enable_shell": True})["session_id"]
        arguments = json.dumps({"command": f"sleep {number}", "background": True}).encode().hex()
        request = one.start_turn(session, f"@@tools=1,name=shell,args={arguments}@@")
        wait_until(lambda: len(processes(number)) == 1)
        one.result(request)
    else:
        session, request = running(one, number)
    before = processes(number)
    answer = other.response(other.send(method, {"session_id": session, "prompt": "Mine? @@n=1@@"}))
    if in_background:
        # The job belongs to a living process, and the session to nobody: both go on.
        assert "result" in answer, answer
    else:
        assert_owned_elsewhere(answer["error"], session)
        one.call("turn/interrupt", {"session_id": session})
        one.failure(request)
    if in_background:
        assert processes(number) == before
        one.exit()
    assert_gone(number, 5)


def test_one_id_asked_for_in_two_processes_runs_once(start: Start, provider: Provider) -> None:
    pair = [start(), start()]
    for number in range(20):
        run = f"01936f8a-7b2c-7000-8000-{number:012}"
        before = provider.stats()["requests"]
        asked = [(rkat, rkat.send("session/create", {"prompt": "Hello.", "run_id": run})) for rkat in pair]
        answers = [rkat.response(request) for rkat, request in asked]
        results = [answer["result"] for answer in answers if "result" in answer]
        assert results
        for answer in answers:
            if "error" in answer:
                assert answer["error"]["data"]["details"]["reason"] == "owned_elsewhere"
        for rkat in pair:
            assert rkat.call("session/create", {"prompt": "Hello.", "run_id": run}) == results[0]
        assert provider.stats()["requests"] == before + 1


def test_an_index_that_is_removed_under_a_process_destroys_nothing(folder: Folder, start: Start) -> None:
    one = start()
    sessions = [create(one)]
    one.stored_sessions()
    (folder.sessions / "meerkat.db-shm").unlink()
    other = start()
    sessions.append(create(other))
    # Both continue; the first one gets one error, which says that its files were replaced.
    reasons = []
    for _ in range(10):
        for rkat in (one, other):
            response = rkat.response(rkat.send("session/create", {"prompt": "Hello."}))
            if "result" in response:
                sessions.append(response["result"]["session_id"])
            else:
                reasons.append((rkat is one, response["error"]["data"]["details"]["reason"]))
    assert reasons == [(True, "store_replaced")]
    assert one.exit() == 0
    assert other.exit() == 0
    with closing(sqlite3.connect(folder.database)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert_stored(start, sessions)


def test_a_store_that_cannot_be_looked_at_is_not_empty(folder: Folder, start: Start) -> None:
    rkat = start()
    session = create(rkat)
    assert rkat.exit() == 0
    folder.database.rename(folder.sessions / "other.db")
    folder.database.symlink_to(folder.database)
    again = start()
    for method in ("session/list", "session/read", "turn/start"):
        error = again.fail(method, {"session_id": session, "include_stored": True, "prompt": "x"})
        assert error["data"]["details"]["reason"] == "store_failed", error


def test_a_journal_with_a_gap_is_damaged(folder: Folder, start: Start) -> None:
    rkat = start()
    session = create(rkat)
    assert rkat.exit() == 0
    with closing(sqlite3.connect(folder.database)) as database:
        database.execute("DELETE FROM entries WHERE key & 4294967295 = 3")
        database.commit()
    again = start()
    for method in ("session/history", "turn/start", "session/fork"):
        error = again.fail(method, {"session_id": session, "prompt": "x"})
        assert error["data"]["details"]["reason"] == "store_corrupt", error


@pytest.mark.parametrize("column", ["number", "fence", "next_seq", "message_count", "restart_seq"])
@pytest.mark.parametrize("value", [-1, 2**31, 2**63 - 1])
def test_a_row_that_makes_no_sense_ends_no_process(folder: Folder, start: Start, column: str, value: int) -> None:
    rkat = start()
    session = create(rkat)
    assert rkat.exit() == 0
    with closing(sqlite3.connect(folder.database)) as database:
        database.execute(f"UPDATE sessions SET {column} = ?", (value,))
        database.commit()
    again = start()
    for method in ("session/read", "session/history", "turn/start", "session/fork", "session/archive", "session/delete"):
        again.response(again.send(method, {"session_id": session, "prompt": "x"}))
    # New sessions are numbered after the last one.
    assert column == "number" or create(again)
    assert again.call("capabilities/get")


@pytest.mark.parametrize("kept", ['"call":0', '"seq":5'])
def test_a_number_in_an_entry_ends_no_process(folder: Folder, start: Start, kept: str) -> None:
    rkat = start()
    session = create(rkat)
    assert rkat.exit() == 0
    name = kept.split(":")[0]
    with closing(sqlite3.connect(folder.database)) as database:
        rows = database.execute("SELECT key, body FROM entries").fetchall()
        for key, body in rows:
            changed = bytes(body).replace(kept.encode(), f"{name}:9223372036854775807".encode())
            database.execute("UPDATE entries SET body = ? WHERE key = ?", (changed, key))
        database.commit()
    again = start()
    for method in ("session/history", "turn/start", "session/fork", "session/archive"):
        again.response(again.send(method, {"session_id": session, "prompt": "x"}))
    assert create(again)
