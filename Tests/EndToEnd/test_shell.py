"""Commands of the shell tool: whatever ends them, nothing of them is left."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
from pathlib import Path

import pytest
from conftest import Start
from rkat_process import Folder, Rkat, wait_until

#: So long that nothing ends by itself; each test has its own number, by which its processes are found.
_seconds = itertools.count(5_000_000 + os.getpid() * 1000)


#: A sandbox would keep a command from its supervisor.
UNCONFINED = '[shell]\nsandbox = "off"\n'


def call(tool: str, **arguments: object) -> str:
    """A prompt upon which the provider asks for one call of a tool."""
    return f"@@tools=1,name={tool},args={json.dumps(arguments).encode().hex()}@@"


def stubborn(number: int) -> str:
    """A command that ignores TERM, with children in sessions of their own and orphans."""
    sleep = f"sleep {number}"
    return f"trap '' TERM; setsid {sleep} & ( ( setsid {sleep} & ) & ); nohup {sleep} >/dev/null 2>&1 & {sleep}"


def processes(number: int) -> list[int]:
    """The ids of the processes that sleep for so long."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if arguments[:2] == [b"sleep", str(number).encode()]:
            found.append(int(entry.name))
    return found


def running(rkat: Rkat, number: int, **arguments: object) -> tuple[str, int]:
    """Starts a turn that runs the stubborn command, and waits until all its processes are there."""
    session = rkat.call("session/create", {"initial_turn": False, "enable_shell": True})["session_id"]
    request = rkat.start_turn(session, call("shell", command=stubborn(number), timeout_secs=600, **arguments))
    wait_until(lambda: len(processes(number)) == 4)
    return session, request


def assert_gone(number: int, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while left := processes(number):
        assert time.monotonic() < deadline, f"left after {seconds} s: {left}"
        time.sleep(0.02)


@pytest.fixture
def number() -> int:
    return next(_seconds)


def test_a_command_runs_in_the_working_directory_of_its_session(rkat: Rkat, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    result = rkat.call(
        "session/create",
        {
            "prompt": call("shell", command="echo 'Hello, world' > hello.txt; pwd; cat; echo oops >&2; exit 3"),
            "enable_shell": True, "cwd": str(work),
        },
    )
    assert result["tool_calls"] == 1
    assert (work / "hello.txt").read_text() == "Hello, world\n"
    shown = json.loads(rkat.events(1)[5]["result"])
    assert shown["stdout"] == f"{work}\n"
    assert shown["stderr"] == "oops\n"
    assert shown["exit_code"] == 3
    assert shown["timed_out"] is False


def test_the_whole_of_a_long_output_is_kept_until_its_session_is_deleted(rkat: Rkat) -> None:
    prompt = call("shell", command="seq 100000")
    session = rkat.call("session/create", {"prompt": prompt, "enable_shell": True})["session_id"]
    result = next(event for event in rkat.events(1) if event["type"] == "tool_execution_completed")
    shown = json.loads(result["result"])
    file = Path(shown["output_file"])
    assert len(shown["stdout"]) < 101_000
    assert shown["stdout"].startswith("1\n2\n") and shown["stdout"].endswith("99999\n100000\n")
    assert file.read_text().splitlines() == [str(number) for number in range(1, 100_001)]
    assert file.stat().st_mode & 0o777 == 0o600
    rkat.turn(session, call("shell", command="true"))
    rkat.call("session/delete", {"session_id": session})
    assert not file.parent.exists()


def test_a_long_output_can_be_read_with_the_file_tool(rkat: Rkat) -> None:
    session = rkat.call(
        "session/create",
        {"prompt": call("shell", command="seq 100000"), "enable_shell": True, "enable_builtins": True},
    )["session_id"]
    completed = [event for event in rkat.events(1) if event["type"] == "tool_execution_completed"]
    file = json.loads(completed[0]["result"])["output_file"]
    request = rkat.start_turn(session, call("read_file", path=file, offset=50_000, limit=2))
    rkat.result(request)
    completed = [event for event in rkat.events(request) if event["type"] == "tool_execution_completed"]
    assert json.loads(completed[0]["result"])["content"] == "50000\n50001\n"


def test_keys_are_not_seen_through_the_system(start: Start, folder: Folder) -> None:
    (folder.path / ".rkat" / "config.toml").write_text(UNCONFINED)
    rkat = start(ANTHROPIC_API_KEY="sk-secret")
    command = "cat /proc/$PPID/environ /proc/$(cut -d' ' -f4 /proc/$PPID/stat)/environ | tr '\\0' '\\n'"
    prompt = call("shell", command=command)
    rkat.call("session/create", {"prompt": prompt, "model": "default", "provider": "openai_compatible",
                                 "enable_shell": True})
    result = next(event for event in rkat.events(1) if event["type"] == "tool_execution_completed")
    assert "RKAT_LOCAL_URL" in result["result"] or os.geteuid() != 0
    assert "sk-secret" not in result["result"]


def test_a_command_that_stops_its_supervisor_is_ended_all_the_same(start: Start, folder: Folder, number: int) -> None:
    (folder.path / ".rkat" / "config.toml").write_text(UNCONFINED)
    rkat = start()
    command = f"trap 'kill -STOP $PPID' TERM; while :; do sleep {number} & wait; done"
    rkat.call("session/create", {"prompt": call("shell", command=command, timeout_secs=1), "enable_shell": True})
    assert processes(number) == []


def test_what_a_stopped_supervisor_holds_is_ended_by_the_next_rkat(
    start: Start, folder: Folder, number: int
) -> None:
    (folder.path / ".rkat" / "config.toml").write_text(UNCONFINED)
    first = start()
    session = first.call("session/create", {"initial_turn": False, "enable_shell": True})["session_id"]
    first.start_turn(session, call("shell", command=f"kill -STOP $PPID; sleep {number}", timeout_secs=600))
    wait_until(lambda: len(processes(number)) == 1)
    first.kill()
    second = start()
    assert second.turn(session, "Go on. @@n=1@@")["text"] == "hello"
    assert processes(number) == []


def test_keys_do_not_reach_commands(start: Start, folder: Folder) -> None:
    config = '[shell]\nenv_allow = ["MY_*", "ANTHROPIC_API_KEY"]\n[providers.mine]\nbase_url = "https://example.com"\n'
    (folder.path / ".rkat" / "config.toml").write_text(config + 'api_key_env = "MY_KEY"\n')
    rkat = start(ANTHROPIC_API_KEY="a", RKAT_OPENAI_API_KEY="b", HARMLESS="x", MY_KEY="c", MY_NAME="d", LC_TIME="C")
    rkat.call("session/create", {"prompt": call("shell", command="env"), "model": "default", "provider":
                                 "openai_compatible", "enable_shell": True})
    result = next(event for event in rkat.events(1) if event["type"] == "tool_execution_completed")
    names = {line.split("=")[0] for line in json.loads(result["result"])["stdout"].splitlines()}
    assert {"LC_TIME", "MY_NAME"} <= names
    assert not {name for name in names if "KEY" in name or name == "HARMLESS" or name.startswith("RKAT")}


def test_an_interrupt_ends_the_tree_within_a_second(rkat: Rkat, number: int) -> None:
    session, request = running(rkat, number)
    began = time.monotonic()
    assert rkat.call("turn/interrupt", {"session_id": session}) == {"interrupted": True}
    assert time.monotonic() - began < 1
    assert processes(number) == []
    assert rkat.failure(request)["data"]["details"] == {"reason": "cancelled"}
    assert rkat.turn(session, "Go on. @@n=1@@")["text"] == "hello"


def test_a_timeout_ends_the_tree_and_is_no_error(rkat: Rkat, number: int) -> None:
    prompt = call("shell", command=stubborn(number), timeout_secs=1)
    result = rkat.call("session/create", {"prompt": prompt, "enable_shell": True})
    assert result["tool_calls"] == 1
    assert processes(number) == []
    shown = next(event for event in rkat.events(1) if event["type"] == "tool_execution_completed")
    assert shown["is_error"] is False
    assert json.loads(shown["result"])["timed_out"] is True


def test_the_end_of_a_command_is_the_end_of_what_it_has_left(rkat: Rkat, number: int) -> None:
    prompt = call("shell", command=f"setsid sleep {number} & (setsid nohup sleep {number} &) ; echo done")
    rkat.call("session/create", {"prompt": prompt, "enable_shell": True})
    assert processes(number) == []


@pytest.mark.parametrize("end", ["input", "terminate", "kill"])
def test_the_end_of_rkat_is_the_end_of_its_commands(rkat: Rkat, number: int, end: str) -> None:
    running(rkat, number)
    if end == "input":
        rkat.process.stdin.close()
        assert_gone(number, 6)
        rkat.process.wait(6)
    elif end == "terminate":
        began = time.monotonic()
        rkat.process.send_signal(signal.SIGTERM)
        assert rkat.process.wait(5) == 0
        assert time.monotonic() - began < 1.5
        assert_gone(number, 0.1)
    else:
        rkat.process.kill()
        assert_gone(number, 2)


@pytest.mark.parametrize("end", ["archive", "delete", "terminate", "kill"])
def test_background_jobs_end_with_their_session(rkat: Rkat, number: int, end: str) -> None:
    session, request = running(rkat, number, background=True)
    assert rkat.result(request)["tool_calls"] == 1
    assert len(processes(number)) == 4
    if end == "terminate":
        rkat.process.send_signal(signal.SIGTERM)
        assert rkat.process.wait(5) == 0
    elif end == "kill":
        rkat.process.kill()
    else:
        rkat.call(f"session/{end}", {"session_id": session})
    assert_gone(number, 2)


def test_a_job_that_ends_is_told_in_the_next_turn(rkat: Rkat) -> None:
    session = rkat.call("session/create", {"initial_turn": False, "enable_shell": True})["session_id"]
    rkat.turn(session, call("shell", command="echo ready", background=True))
    wait_until(lambda: len(rkat.history(session)) == 5)
    message = rkat.history(session)[4]
    assert (message["role"], message["origin"]) == ("user", "job")
    assert "ready" in json.dumps(message)
    rkat.turn(session, "And? @@n=1@@")
    assert [message["role"] for message in rkat.history(session)][4:] == ["user", "user", "block_assistant"]


def test_after_a_kill_the_run_goes_on_where_it_stood(start: Start, number: int) -> None:
    first = start()
    session, _ = running(first, number)
    run = first.call("session/read", {"session_id": session})["run_id"]
    first.kill()
    second = start()
    shown = second.call("session/read", {"session_id": session})
    assert (shown["state"], shown["run_id"]) == ("interrupted", run)
    result = second.call("turn/resume", {"session_id": session})
    # The next step waits until the command is gone, and does not run it again.
    assert processes(number) == []
    assert result["run_id"] == run
    assert result["tool_calls"] == 1
    results = [message for message in second.history(session) if message["role"] == "tool_results"]
    assert "whether it had its effect is unknown" in json.dumps(results)
