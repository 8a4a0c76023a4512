"""Several processes on one folder, and the ways in which a process ends."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time

import pytest
from conftest import Start
from rkat_process import RKAT, Folder, Message, Provider, Rkat, text_of

#: An answer of about a second, and one that outlasts every test.
SECOND = "@@n=50,gap_ms=20@@"
ENDLESS = "@@n=10000,gap_ms=20@@"
#: Says "hello" at once; the last marker of the whole conversation counts.
GO_ON = "Go on. @@n=1@@"


def create(rkat: Rkat, prompt: str = "Hello.") -> str:
    return rkat.call("session/create", {"prompt": prompt})["session_id"]


def streaming(rkat: Rkat, session: str, prompt: str) -> int:
    """Starts a turn and waits until its answer has begun."""
    request = rkat.start_turn(session, prompt)
    rkat.event("text_delta", request)
    return request


def roles(messages: list[Message]) -> list[str]:
    return ["assistant" if message["role"] == "block_assistant" else message["role"] for message in messages]


def assert_owned_elsewhere(error: Message, session: str) -> None:
    assert error["code"] == -32002
    assert error["data"]["code"] == "SESSION_BUSY"
    assert error["data"]["details"]["reason"] == "owned_elsewhere"
    assert error["data"]["session_id"] == session


# Two processes on one folder


def test_an_interrupt_reaches_no_run_of_another_process(start: Start) -> None:
    one, other = start(), start()
    session = create(one)
    other.turn(session, GO_ON)
    request = streaming(one, session, SECOND)
    # The session is open in the other process as well, which has run it before.
    assert other.call("turn/interrupt", {"session_id": session}) == {"interrupted": False}
    assert one.result(request)["text"] == "wwwwwww " * 50


def test_a_session_runs_in_one_process_at_a_time(start: Start) -> None:
    one, other = start(), start()
    session = create(one)
    request = streaming(one, session, "First. " + SECOND)

    assert_owned_elsewhere(other.fail("turn/start", {"session_id": session, "prompt": "Second."}), session)
    assert other.call("session/read", {"session_id": session})["state"] == "running"

    answer = one.result(request)["text"]
    assert answer == "wwwwwww " * 50
    assert other.turn(session, GO_ON)["text"] == "hello"
    history = other.history(session)
    assert [text_of(message) for message in history] == [
        "Hello.", "hello", "First. " + SECOND, answer, GO_ON, "hello",
    ]
    assert one.history(session) == history


def test_the_first_process_sees_what_the_other_one_added(start: Start, provider: Provider) -> None:
    one, other = start(), start()
    session = create(one, "From one.")
    other.turn(session, "From the other.")
    one.turn(session, "From one again.")
    texts = [text_of(message) for message in one.history(session)]
    assert texts == ["From one.", "hello", "From the other.", "hello", "From one again.", "hello"]
    assert one.call("session/read", {"session_id": session})["message_count"] == 6


def test_a_stopped_process_keeps_its_session(start: Start) -> None:
    one, other = start(), start()
    session = create(one)
    request = streaming(one, session, SECOND)
    one.pause()
    try:
        assert other.call("session/read", {"session_id": session})["state"] == "running"
        assert_owned_elsewhere(other.fail("turn/start", {"session_id": session, "prompt": "Mine?"}), session)
    finally:
        one.resume()
    assert one.result(request)["text"] == "wwwwwww " * 50
    other.turn(session, GO_ON)


def test_a_killed_process_frees_its_session_at_once(start: Start) -> None:
    one, other = start(), start()
    session = create(one)
    assert other.call("session/read", {"session_id": session})["state"] == "idle"
    streaming(one, session, "Cut off. " + ENDLESS)
    one.kill()

    assert other.call("session/read", {"session_id": session})["state"] == "interrupted"
    before = time.monotonic()
    assert other.turn(session, GO_ON)["text"] == "hello"
    assert time.monotonic() - before < 1
    history = other.history(session)
    assert [text_of(message) for message in history] == ["Hello.", "hello", "Cut off. " + ENDLESS, GO_ON, "hello"]
    assert other.call("session/read", {"session_id": session})["state"] == "idle"


def test_a_run_that_was_cut_off_is_reported_as_interrupted(start: Start, provider: Provider) -> None:
    one, other = start(), start()
    session = create(one)
    run = "5f0d4a3e-8f3b-4c58-9f4e-2d0f6d1c7a11"
    request = one.start_turn(session, ENDLESS, run)
    one.event("text_delta", request)
    one.kill()
    asked = provider.stats()["requests"]

    def ask_again() -> Message:
        return other.fail("turn/start", {"session_id": session, "prompt": ENDLESS, "run_id": run})

    for error in (ask_again(), ask_again()):
        assert error["code"] == -32013
        assert error["data"]["details"]["reason"] == "interrupted"
        assert error["data"]["session_id"] == session
        assert error["data"]["run_id"] == run
    assert provider.stats()["requests"] == asked
    other.turn(session, GO_ON)
    assert ask_again()["data"]["details"]["reason"] == "interrupted"


@pytest.mark.parametrize("is_new_process", [False, True])
def test_a_finished_run_can_be_asked_for_many_times_at_once(
    start: Start, provider: Provider, is_new_process: bool
) -> None:
    rkat = start()
    params = {"prompt": "Hello.", "run_id": "5f0d4a3e-8f3b-4c58-9f4e-2d0f6d1c7a11"}
    created = rkat.call("session/create", params)
    turn = {"session_id": created["session_id"], "prompt": "More.", "run_id": "c1b6a0f4-0c5e-4d0b-8a6f-7f1e52a9d3b8"}
    more = rkat.call("turn/start", turn)
    asked = provider.stats()["requests"]
    if is_new_process:
        rkat = start()
    requests = []
    for _ in range(20):
        requests += [rkat.send("session/create", params), rkat.send("turn/start", turn)]
    assert [rkat.result(request) for request in requests] == [created, more] * 20
    assert provider.stats()["requests"] == asked
    assert len(rkat.history(created["session_id"])) == 4


def test_two_processes_take_turns_without_losing_one(start: Start) -> None:
    processes = [start(), start()]
    session = create(processes[0])
    expected = ["Hello.", "hello"]
    for number in range(40):
        processes[number % 2].turn(session, f"Turn {number}.")
        expected += [f"Turn {number}.", "hello"]
    assert [text_of(message) for message in processes[1].history(session)] == expected


def test_two_processes_that_want_the_same_session_get_it_one_after_the_other(start: Start) -> None:
    processes = [start(), start()]
    session = create(processes[0])
    won = 1
    for number in range(30):
        requests = [(rkat, rkat.start_turn(session, f"Turn {number}.")) for rkat in processes]
        responses = [rkat.response(request) for rkat, request in requests]
        for response in responses:
            if "result" in response:
                won += 1
            elif response["error"]["code"] == -32013:
                # The other one's turn ended just then, twice.
                assert response["error"]["data"]["details"]["reason"] == "conflict"
            else:
                assert_owned_elsewhere(response["error"], session)
        assert any("result" in response for response in responses)
    history = processes[0].history(session)
    assert roles(history) == ["user", "assistant"] * won


# The end of a process


def test_a_clean_exit_leaves_one_database_and_no_owner(folder: Folder, start: Start) -> None:
    rkat = start()
    create(rkat)
    assert len(folder.owners()) == 1
    assert rkat.exit() == 0
    assert sorted(os.listdir(folder.sessions)) == ["meerkat.db", "owners"]
    assert folder.owners() == []
    assert folder.database.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(folder.database) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_sigterm_ends_a_running_turn_and_keeps_its_prompt(start: Start) -> None:
    rkat = start()
    session = create(rkat)
    request = streaming(rkat, session, "Unfinished. " + ENDLESS)
    before = time.monotonic()
    rkat.process.send_signal(signal.SIGTERM)
    assert rkat.wait() == 0
    assert time.monotonic() - before < 1
    assert rkat.failure(request)["data"]["details"]["reason"] == "cancelled"
    assert rkat.events(request)[-1]["type"] == "run_failed"

    other = start()
    assert other.call("session/read", {"session_id": session})["state"] == "idle"
    assert [text_of(message) for message in other.history(session)] == ["Hello.", "hello", "Unfinished. " + ENDLESS]
    other.turn(session, GO_ON)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_process(start: Start, number: signal.Signals) -> None:
    rkat = start()
    rkat.call("initialize")
    before = time.monotonic()
    rkat.process.send_signal(number)
    assert rkat.wait() == 0
    assert time.monotonic() - before < 1


def test_a_turn_may_finish_after_the_end_of_the_input(start: Start) -> None:
    rkat = start()
    session = create(rkat)
    request = streaming(rkat, session, SECOND)
    before = time.monotonic()
    assert rkat.exit() == 0
    assert time.monotonic() - before < 3
    assert rkat.result(request)["text"] == "wwwwwww " * 50


def test_a_turn_is_cancelled_four_seconds_after_the_end_of_the_input(start: Start) -> None:
    rkat = start()
    session = create(rkat)
    request = streaming(rkat, session, "Unfinished. " + ENDLESS)
    before = time.monotonic()
    assert rkat.exit() == 0
    assert 3.5 < time.monotonic() - before < 5
    assert rkat.failure(request)["data"]["details"]["reason"] == "cancelled"
    assert text_of(start().history(session)[-1]) == "Unfinished. " + ENDLESS


def test_sigterm_cuts_the_grace_short(start: Start) -> None:
    rkat = start()
    session = create(rkat)
    streaming(rkat, session, ENDLESS)
    rkat.close_input()
    before = time.monotonic()
    rkat.process.send_signal(signal.SIGTERM)
    assert rkat.wait() == 0
    assert time.monotonic() - before < 1


def test_what_was_piped_in_is_answered_before_the_exit(start: Start) -> None:
    rkat = start()
    requests = [rkat.send("initialize"), rkat.send("capabilities/get"), rkat.send("config/get")]
    requests += [rkat.send("session/create", {"prompt": f"Session {number}."}) for number in range(20)]
    requests.append(rkat.send("session/list"))
    assert rkat.exit() == 0
    for request in requests:
        rkat.result(request)
    assert len(start().stored_sessions()) == 20


def test_the_last_line_needs_no_line_end(start: Start) -> None:
    rkat = start()
    rkat.write(b'{"jsonrpc":"2.0","id":1,"method":"initialize"}')
    assert rkat.exit() == 0
    assert rkat.result(1)["contract_version"] == "0.1.0"


@pytest.mark.parametrize("is_streaming", [False, True])
def test_the_process_ends_when_nobody_reads(folder: Folder, provider: Provider, is_streaming: bool) -> None:
    assert RKAT
    environment = {"PATH": os.defpath, "HOME": str(folder.path), "RKAT_LOCAL_URL": provider.url + "/v1"}
    process = subprocess.Popen(
        [RKAT, "rpc"], cwd=folder.path, env=environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdin and process.stdout and process.stderr
        prompt = ENDLESS if is_streaming else "Hello."
        line = '{"jsonrpc":"2.0","id":1,"method":"session/create","params":{"prompt":"%s"}}\n' % prompt
        if is_streaming:
            process.stdin.write(line.encode())
            process.stdin.flush()
            process.stdout.readline()
            process.stdout.close()
        else:
            process.stdout.close()
            process.stdin.write(line.encode())
            process.stdin.flush()
        assert process.wait(6) == 1
        assert process.stderr.read() == b""
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stderr.close()


# Folders that cannot be written to


def assert_serves_without_a_store(rkat: Rkat) -> None:
    error = rkat.fail("session/create", {"prompt": "Hello."})
    assert error["code"] == -32013
    assert error["data"]["details"]["reason"]
    assert "session_id" not in error["data"]
    assert rkat.call("initialize")["contract_version"] == "0.1.0"
    assert rkat.call("session/list")["sessions"] == []
    assert rkat.exit() == 0


def test_a_read_only_folder_is_an_answer_and_not_the_end(folder: Folder, start: Start) -> None:
    folder.sessions.mkdir(parents=True)
    folder.sessions.chmod(0o555)
    try:
        if os.access(folder.sessions, os.W_OK):
            pytest.skip("permissions do not hold for this user")
        assert_serves_without_a_store(start())
    finally:
        folder.sessions.chmod(0o755)


def test_a_database_that_may_only_be_read_is_left_alone(folder: Folder, start: Start) -> None:
    first = start()
    session = create(first)
    assert first.exit() == 0
    before = folder.database.read_bytes()
    folder.database.chmod(0o444)
    folder.sessions.chmod(0o555)
    try:
        if os.access(folder.sessions, os.W_OK):
            pytest.skip("permissions do not hold for this user")
        rkat = start()
        error = rkat.fail("turn/start", {"session_id": session, "prompt": "More."})
        assert error["code"] == -32013
        assert error["data"]["details"]["reason"] == "store_read_only"
        assert rkat.call("initialize")["contract_version"] == "0.1.0"
        assert rkat.exit() == 0
        assert folder.database.read_bytes() == before
    finally:
        folder.sessions.chmod(0o755)


def test_a_file_in_the_place_of_the_folder_is_an_answer_and_not_the_end(folder: Folder, start: Start) -> None:
    folder.sessions.parent.mkdir(parents=True)
    folder.sessions.write_text("not a folder")
    assert_serves_without_a_store(start())


def test_a_file_that_is_no_database_is_an_answer_and_not_the_end(folder: Folder, start: Start) -> None:
    folder.sessions.mkdir(parents=True)
    folder.database.write_bytes(b"this is no database" * 1000)
    assert_serves_without_a_store(start())
    assert folder.database.read_bytes() == b"this is no database" * 1000
