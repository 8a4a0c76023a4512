"""Input that nobody should send, readers that do not read, and what stands on the two outputs."""

from __future__ import annotations

import fcntl
import json
import random
import re
import struct
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from conftest import Start
from raw_provider import RawProvider
from rkat_process import Folder, Message, Provider, Rkat, text_of, wait_until
from wires import KEYS, Wire

MIB = 1 << 20
NO_SESSION = "01936f8a-7b2c-7000-8000-000000000001"
INITIALIZE = '{"jsonrpc":"2.0","id":%s,"method":"initialize"}'


def answers_to(rkat: Rkat, *lines: bytes, count: int = 0) -> list[Message]:
    """What is said to some lines, `count` messages or more, until a request behind them is answered."""
    start = len(rkat.messages)
    for line in lines:
        rkat.write(line + b"\n")
    wait_until(lambda: len(rkat.messages) >= start + count)
    end = f"end-{uuid4()}"
    rkat.write((INITIALIZE % json.dumps(end)).encode() + b"\n")
    rkat.wait_for(lambda message: message.get("id") == end, start=start)
    return [message for message in rkat.messages[start:] if message.get("id") != end]


def only_error(rkat: Rkat, line: bytes) -> Message:
    """The one answer to a line, which is an error."""
    answers = answers_to(rkat, line, count=1)
    assert len(answers) == 1, answers
    assert set(answers[0]) == {"jsonrpc", "id", "error"}
    assert isinstance(answers[0]["error"]["message"], str)
    return answers[0]


# Lines

NOT_JSON = {
    "a word": b"hello",
    "half an object": b'{"jsonrpc":"2.0","id":1',
    "half a string": b'{"jsonrpc":"2.0","id":"',
    "two values": (INITIALIZE % 1).encode() * 2,
    "a comma too many": b'{"jsonrpc":"2.0","id":1,"method":"initialize",}',
    "single quotes": b"{'jsonrpc':'2.0'}",
    "NaN": b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"a":NaN}}',
    "a leading zero": b'{"jsonrpc":"2.0","id":01,"method":"initialize"}',
    "a bare minus": b'{"jsonrpc":"2.0","id":-,"method":"initialize"}',
    "a control character": b'{"jsonrpc":"2.0","id":"\x01","method":"initialize"}',
    "an odd escape": b'{"jsonrpc":"2.0","id":"\\x41","method":"initialize"}',
    "a byte order mark": b"\xef\xbb\xbf" + (INITIALIZE % 1).encode(),
    "a zero byte": b"\x00",
    "not UTF-8": b'{"jsonrpc":"2.0","id":1,"method":"initialize","x":"\xff\xfe"}',
    "an overlong form": b'{"jsonrpc":"2.0","id":1,"method":"initialize","x":"\xc0\xaf"}',
    "an encoded surrogate": b'{"jsonrpc":"2.0","id":1,"method":"initialize","x":"\xed\xa0\x80"}',
    "not UTF-8 in a name": b'{"jsonrpc":"2.0","id":1,"method":"initialize","\xff":1}',
    "deep arrays": b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"jsonrpc":"2.0","id":1,"method":"x","params":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "deep and open": b"[" * 100_000,
    "deep in an ignored member": b'{"jsonrpc":"2.0","id":1,"method":"x","y":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}

NO_REQUEST: dict[str, tuple[bytes, Any]] = {
    "a number": (b"1", None),
    "a string": (b'"initialize"', None),
    "null": (b"null", None),
    "an empty object": (b"{}", None),
    "a batch": (b"[" + (INITIALIZE % 1).encode() + b"]", None),
    "an empty batch": (b"[]", None),
    "no method": (b'{"jsonrpc":"2.0","id":5}', 5),
    "no version": (b'{"id":"a","method":"initialize"}', "a"),
    "a version that is no string": (b'{"jsonrpc":2.0,"id":5,"method":"initialize"}', 5),
    "a method that is no string": (b'{"jsonrpc":"2.0","id":5,"method":7}', 5),
    "a fractional id": ((INITIALIZE % "1.5").encode(), None),
    "a boolean id": ((INITIALIZE % "true").encode(), None),
    "an array as id": ((INITIALIZE % "[1]").encode(), None),
    "an object as id": ((INITIALIZE % "{}").encode(), None),
    "an id beyond 64 bits": ((INITIALIZE % "9223372036854775808").encode(), None),
    "an answer to nothing": (b'{"jsonrpc":"2.0","id":5,"result":{}}', None),
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_a_line_that_is_not_json(offline: Rkat, name: str) -> None:
    answer = only_error(offline, NOT_JSON[name])
    assert (answer["id"], answer["error"]["code"]) == (None, -32700)
    assert len(json.dumps(answer)) < 60_000


@pytest.mark.parametrize("name", NO_REQUEST)
def test_json_that_is_no_request(offline: Rkat, name: str) -> None:
    line, request = NO_REQUEST[name]
    answer = only_error(offline, line)
    if name != "an answer to nothing":
        assert answer["id"] == request
    assert answer["error"]["code"] == -32600


def test_a_line_of_65_mib_is_skipped(offline: Rkat) -> None:
    line = b'{"jsonrpc":"2.0","id":1,"method":"initialize","x":"' + b"x" * (65 * MIB) + b'"}'
    answer = only_error(offline, line)
    assert (answer["id"], answer["error"]["code"]) == (None, -32600)
    assert len(answer["error"]["message"]) < 1000


def test_a_line_just_under_the_limit_is_read(offline: Rkat) -> None:
    head, tail = b'{"jsonrpc":"2.0","id":1,"method":"initialize","x":"', b'"}'
    offline.write(head + b"x" * (64 * MIB - len(head) - len(tail)) + tail + b"\n")
    assert offline.result(1)["contract_version"] == "0.1.0"


def test_blank_lines_and_carriage_returns_say_nothing(offline: Rkat) -> None:
    assert answers_to(offline, b"", b" ", b"\t", b"\r", b" \r") == []
    answers = answers_to(offline, (INITIALIZE % 1).encode() + b"\r", b"  " + (INITIALIZE % 2).encode() + b" \t\r")
    assert [answer["id"] for answer in answers] == [1, 2]


@pytest.mark.parametrize(
    "request_id", ["0", "-1", "9223372036854775807", "-9223372036854775808", '""', '"1"', '"\\u00e9\\n\\ud83d\\ude00"'])
def test_an_id_comes_back_as_it_was(offline: Rkat, request_id: str) -> None:
    answers = answers_to(offline, (INITIALIZE % request_id).encode())
    assert [answer["id"] for answer in answers] == [json.loads(request_id)]
    assert type(answers[0]["id"]) is type(json.loads(request_id))


def test_an_id_that_is_used_twice_is_answered_twice(offline: Rkat) -> None:
    line = b'{"jsonrpc":"2.0","id":5,"method":"session/list"}'
    answers = answers_to(offline, line, line, count=2)
    assert [answer["id"] for answer in answers] == [5, 5]
    assert all("result" in answer for answer in answers)


@pytest.mark.parametrize("method", ["initialized", "initialize", "session/create", "no/such/method"])
@pytest.mark.parametrize("members", ["", ',"id":null'])
def test_a_notification_is_not_answered(offline: Rkat, method: str, members: str) -> None:
    line = '{"jsonrpc":"2.0"%s,"method":"%s","params":{"prompt":"Hello."}}' % (members, method)
    assert answers_to(offline, line.encode()) == []
    assert offline.call("session/list")["sessions"] == []


@pytest.mark.parametrize("method", ["", "no/such/method", "Initialize", "session/event", "turn/start "])
def test_an_unknown_method(offline: Rkat, method: str) -> None:
    error = offline.fail(method)
    assert error["code"] == -32601
    assert method in error["message"]


@pytest.mark.parametrize("method", ["comms/send", "comms/peers"])
def test_a_method_that_does_not_exist_yet(offline: Rkat, method: str) -> None:
    assert offline.fail(method)["code"] == -32020
    assert method not in offline.call("initialize")["methods"]


def test_ten_thousand_bad_lines_get_ten_thousand_errors(offline: Rkat) -> None:
    answers = answers_to(offline, *[b"x"] * 10_000, count=10_000)
    assert len(answers) == 10_000
    assert {answer["error"]["code"] for answer in answers} == {-32700}


# Parameters

WRONG: dict[str, list[Any]] = {
    "string": [1, 1.5, True, [], {}, ["x"]],
    "flag": [0, 1, "true", [], {}],
    "count": [-1, 1.5, "1", True, [], {}, 2**32, 2**70],
    "object": [1, "x", True, []],
    "names": ["x", 1, True, {}, [1], [None], ["x", []]],
    "id": [1, True, [], {}, "", "x", NO_SESSION[:-1], NO_SESSION + "0", "{" + NO_SESSION + "}"],
    "page": [-1, 0, 501, 1.5, "1", True, [], {}],
    "position": [-1, 1.5, "1", True, [], {}],
    "cursor": [1, True, [], {}, "x", "1/x"],
}

CREATE = {"prompt": "Hello."}
TURN = {"session_id": NO_SESSION, "prompt": "Hello."}
SESSION = {"session_id": NO_SESSION}
#: Of each method: parameters that are right, those that must be there, and the type of each.
METHODS: dict[str, tuple[dict[str, Any], set[str], dict[str, str]]] = {
    "session/create": (CREATE, {"prompt"}, {
        "prompt": "string", "model": "string", "provider": "string", "system_prompt": "string", "comms_name": "string",
        "max_tokens": "count", "structured_output_retries": "count",
        "enable_builtins": "flag", "enable_shell": "flag", "enable_subagents": "flag", "enable_memory": "flag",
        "host_mode": "flag", "output_schema": "object", "hooks_override": "object", "provider_params": "object",
        "preload_skills": "names", "skill_references": "names", "run_id": "id",
    }),
    "turn/start": (TURN, {"session_id", "prompt"}, {
        "session_id": "id", "prompt": "string", "skill_references": "names", "run_id": "id",
    }),
    "turn/interrupt": (SESSION, {"session_id"}, {"session_id": "id", "run_id": "id"}),
    "session/read": (SESSION, {"session_id"}, {"session_id": "id"}),
    "session/archive": (SESSION, {"session_id"}, {"session_id": "id"}),
    "session/delete": (SESSION, {"session_id"}, {"session_id": "id"}),
    "session/history": (SESSION, {"session_id"}, {"session_id": "id", "cursor": "position", "limit": "page"}),
    "session/list": ({}, set(), {"include_stored": "flag", "limit": "page", "cursor": "cursor"}),
}
PARAMETERS = [(method, name) for method, (_, _, types) in METHODS.items() for name in types]


@pytest.mark.parametrize(("method", "name"), PARAMETERS)
def test_a_parameter_of_the_wrong_type(offline: Rkat, method: str, name: str) -> None:
    right, required, types = METHODS[method]
    wrong = list(WRONG[types[name]])
    if name in required:
        wrong.append(None)
    for value in wrong:
        error = offline.fail(method, {**right, name: value})
        assert error["code"] == -32602, (value, error)
        assert error["data"]["code"] == "INVALID_PARAMS"
        assert error["data"]["details"]["field"] == name, (value, error)
    assert offline.call("session/list")["sessions"] == []


@pytest.mark.parametrize(("method", "name"), [(method, name) for method, name in PARAMETERS if name not in METHODS[method][1]])
def test_null_is_the_same_as_nothing(offline: Rkat, method: str, name: str) -> None:
    right = METHODS[method][0]
    response = offline.response(offline.send(method, {**right, name: None}))
    code = response.get("error", {}).get("code")
    assert code == (-32001 if "session_id" in right else None), response


@pytest.mark.parametrize(
    ("method", "name"), [(method, name) for method, (_, required, _) in METHODS.items() for name in sorted(required)])
def test_a_parameter_that_is_missing(offline: Rkat, method: str, name: str) -> None:
    params = {key: value for key, value in METHODS[method][0].items() if key != name}
    for error in (offline.fail(method, params), offline.fail(method, {**params, name.upper(): "x"})):
        assert error["code"] == -32602
        assert name in error["message"]


@pytest.mark.parametrize("method", [method for method, (_, required, _) in METHODS.items() if required])
@pytest.mark.parametrize("params", ["[]", "1", '"x"', "true", '[{"prompt":"Hello."}]', "null", None])
def test_parameters_that_are_no_object(offline: Rkat, method: str, params: str | None) -> None:
    members = "" if params is None else f',"params":{params}'
    answer = only_error(offline, ('{"jsonrpc":"2.0","id":1,"method":"%s"%s}' % (method, members)).encode())
    assert (answer["id"], answer["error"]["code"]) == (1, -32602)


@pytest.mark.parametrize("method", ["initialize", "config/get", "capabilities/get", "session/list"])
@pytest.mark.parametrize("params", ["[]", "1", '"x"', "null", '{"x":[1]}', None])
def test_methods_without_parameters_ignore_them(offline: Rkat, method: str, params: str | None) -> None:
    members = "" if params is None else f',"params":{params}'
    offline.write(('{"jsonrpc":"2.0","id":1,"method":"%s"%s}\n' % (method, members)).encode())
    offline.result(1)


@pytest.mark.parametrize("method", METHODS)
def test_unknown_members_are_ignored(offline: Rkat, method: str) -> None:
    right = METHODS[method][0]
    line = {
        "jsonrpc": "2.0", "x": [{"deep": None}], "id": "a", "method": method,
        "params": {"unknown": {"a": [1, "é", None]}, **right, "x" * 1000: 1e300}, "": 0,
    }
    offline.write(json.dumps(line).encode() + b"\n")
    response = offline.response("a")
    assert response.get("error", {}).get("code") == (-32001 if "session_id" in right else None), response


@pytest.mark.parametrize(
    "params",
    [
        {"nonsense": 1}, {"max_tokens": "many"}, {"agent": 1}, {"agent": {"model": 5}}, {"retry": {"max_retries": -1}},
        {"retry": {"initial_delay": "soon"}}, {"limits": {"max_open_sessions": 0}}, [], "x", 1,
    ],
    ids=str)
def test_a_configuration_that_is_wrong(folder: Folder, offline: Rkat, params: Any) -> None:
    before = offline.call("config/get")
    error = offline.fail("config/set", params)
    assert error["code"] == -32602
    if not isinstance(params, dict) or "nonsense" not in params:
        assert offline.fail("config/patch", params)["code"] == -32602
    assert offline.call("config/get") == before


FLAGS = {
    "enable_builtins": "builtins", "enable_shell": "shell", "enable_subagents": "sub_agents",
    "enable_memory": "memory_store", "host_mode": "comms",
}


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_for_something_that_is_not_there(offline: Rkat, flag: str) -> None:
    capabilities = {item["id"]: item["status"] for item in offline.call("capabilities/get")["capabilities"]}
    if capabilities[FLAGS[flag]] == "Available":
        pytest.skip(f"{FLAGS[flag]} is there")
    error = offline.fail("session/create", {"prompt": "Hello.", flag: True})
    assert error["code"] == -32020
    assert error["data"]["capability_hint"]["capability_id"] == FLAGS[flag]
    assert offline.stored_sessions() == []
    offline.call("session/create", {"prompt": "Hello.", flag: False})


def test_values_that_ask_for_nothing_are_never_refused(offline: Rkat) -> None:
    nothing = {
        "output_schema": {}, "hooks_override": {"entries": [], "disable": []}, "preload_skills": [],
        "skill_references": [], "provider_params": {}, **dict.fromkeys(FLAGS, False),
    }
    session = offline.call("session/create", {"prompt": "Hello.", **nothing})["session_id"]
    offline.call("turn/start", {"session_id": session, "prompt": "Hello.", "skill_references": []})


LONG = "Z" * MIB
LONG_INPUT: dict[str, Callable[[Rkat], Message]] = {
    "method": lambda rkat: rkat.fail(LONG),
    "session id": lambda rkat: rkat.fail("session/read", {"session_id": LONG}),
    "run id": lambda rkat: rkat.fail("turn/start", {**TURN, "run_id": LONG}),
    "member name": lambda rkat: rkat.fail("config/set", {LONG: {LONG: 1}}),
    "list cursor": lambda rkat: rkat.fail("session/list", {"include_stored": True, "cursor": LONG}),
    "flag": lambda rkat: rkat.fail("session/create", {"prompt": "Hello.", "enable_shell": LONG}),
    "number": lambda rkat: rkat.fail("session/create", {"prompt": "Hello.", "max_tokens": int("9" * 4000)}),
}


@pytest.mark.parametrize("place", LONG_INPUT)
def test_errors_quote_little(offline: Rkat, place: str) -> None:
    assert_quotes_little(LONG_INPUT[place](offline))


@pytest.mark.parametrize("params", [{"provider": LONG, "model": "x"}, {"model": LONG}], ids=["provider", "model"])
def test_errors_about_models_quote_little(rkat: Rkat, params: Message) -> None:
    error = rkat.fail("session/create", {"prompt": "Hello.", **params})
    assert error["code"] == -32010
    assert_quotes_little(error)


def assert_quotes_little(error: Message) -> None:
    text = json.dumps(error)
    assert len(text) < 60_000
    assert max(map(len, re.findall("Z+|9+", text)), default=0) <= 200


# Much


def test_ten_mib_in_and_out_arrive_whole(rkat: Rkat, provider: Provider) -> None:
    # Deltas of 1 MiB with some that are more than a byte: they are cut between characters.
    prompt = "é😀" * (10 * MIB // 6) + "@@n=10,size=1048576@@"
    request = rkat.send("session/create", {"prompt": prompt})
    result = rkat.result(request, 60)
    expected = ("w" * (MIB - 1) + " ") * 10
    assert result["text"] == expected
    assert provider.stats()["last_body_bytes"] > 10 * MIB

    events = rkat.events(request)
    deltas = [event["delta"] for event in events if event["type"] == "text_delta"]
    assert "".join(deltas) == expected
    assert max(len(delta.encode()) for delta in deltas) <= 32 * 1024
    assert [event["content"] for event in events if event["type"] == "text_complete"] == [expected]
    assert events[0]["prompt"] == prompt
    assert [text_of(message) for message in rkat.history(result["session_id"])] == [prompt, expected]


def test_a_thousand_turns_tell_all_before_they_are_answered(rkat: Rkat) -> None:
    chance = random.Random(1)
    sessions = [rkat.call("session/create", {"prompt": "Hello."})["session_id"] for _ in range(20)]
    open_turns: dict[int, str] = {}
    requests = []
    for _ in range(1000):
        session = chance.choice([session for session in sessions if session not in open_turns.values()])
        prompt = f"@@n={chance.randint(1, 5)},size={chance.randint(1, 40)}@@"
        requests.append(rkat.start_turn(session, prompt))
        open_turns[requests[-1]] = session
        while len(open_turns) > chance.randint(0, 15):
            request = chance.choice(list(open_turns))
            rkat.result(request)
            del open_turns[request]
    for request in requests:
        rkat.result(request)
    assert_in_order(rkat, requests)


def assert_in_order(rkat: Rkat, requests: list[int]) -> None:
    """Every run has a first and a last event, and all of them come before the response."""
    kinds: dict[Any, list[str]] = {request: [] for request in requests}
    answered = set()
    for message in rkat.messages:
        if "method" in message:
            request = message["params"]["request_id"]
            assert request not in answered
            if request in kinds:
                kinds[request].append(message["params"]["event"]["type"])
        else:
            answered.add(message["id"])
    for seen in kinds.values():
        assert seen[:2] == ["run_started", "turn_started"]
        assert seen[-3:] == ["text_complete", "turn_completed", "run_completed"]
        assert set(seen[2:-3]) == {"text_delta"}


def unread(rkat: Rkat) -> int:
    """Bytes that stand in the pipe."""
    assert rkat.process.stdout is not None
    return struct.unpack("i", fcntl.ioctl(rkat.process.stdout, termios.FIONREAD, b"\0" * 4))[0]


def fill_the_pipe(rkat: Rkat, session: str, prompt: str) -> int:
    """Starts a turn that says more than a pipe holds to a client that has stopped reading."""
    rkat.stop_reading()
    request = rkat.start_turn(session, prompt)
    wait_until(lambda: unread(rkat) > 48 * 1024)
    return request


LONG_STREAM = "@@n=20000,size=64@@"


def test_a_client_that_does_not_read_for_a_while_loses_nothing(rkat: Rkat, start: Start) -> None:
    session = rkat.call("session/create", {"prompt": "Hello."})["session_id"]
    request = fill_the_pipe(rkat, session, LONG_STREAM)
    other = rkat.send("session/list")
    rkat.go_on_reading()
    assert rkat.result(request)["text"] == ("w" * 63 + " ") * 20_000
    assert rkat.result(other)["sessions"]
    deltas = [event["delta"] for event in rkat.events(request) if event["type"] == "text_delta"]
    assert deltas == ["w" * 63 + " "] * 20_000
    assert_in_order(rkat, [request])


def test_an_interrupt_is_obeyed_while_nobody_reads(rkat: Rkat, start: Start) -> None:
    watcher = start()
    session = rkat.call("session/create", {"prompt": "Hello."})["session_id"]
    request = fill_the_pipe(rkat, session, "@@n=20000,size=64,gap_ms=0.01@@")
    assert watcher.call("session/read", {"session_id": session})["state"] == "running"
    interrupt = rkat.send("turn/interrupt", {"session_id": session})
    wait_until(lambda: watcher.call("session/read", {"session_id": session})["state"] == "idle", 5)

    rkat.go_on_reading()
    assert rkat.result(interrupt) == {"interrupted": True}
    assert rkat.failure(request)["data"]["details"]["reason"] == "cancelled"
    kinds = [event["type"] for event in rkat.events(request)]
    assert kinds[-1] == "run_failed"
    assert kinds.count("run_failed") == 1
    rkat.turn(session, "Go on. @@n=1@@")


# The two outputs


def test_stdout_has_only_messages_and_stderr_no_key(start: Start, provider: Provider) -> None:
    key = "sk-ant-" + "0123456789abcdef" * 3
    rkat = start(
        RKAT_LOG="trace", RUST_LOG="trace", ANTHROPIC_API_KEY=key, ANTHROPIC_BASE_URL=provider.url,
        RKAT_OPENAI_COMPATIBLE_API_KEY=key)
    for params in (
        {"model": "claude-sonnet-4-5"}, {"provider": "openai_compatible", "model": "fake-chat"},
        {"model": "gpt-5.2"}, {"model": "claude-sonnet-4-5", "provider_params": {"x": key[:6]}},
    ):
        rkat.response(rkat.send("session/create", {"prompt": "Hello.", **params}))
        rkat.response(rkat.send("session/create", {"prompt": "@@status=401@@", **params}))
    rkat.write(b"not json\n\xff\xfe\n[]\n")
    rkat.call("config/get")
    assert rkat.exit() == 0
    assert rkat.garbage == []
    assert all(message["jsonrpc"] == "2.0" for message in rkat.messages)
    assert rkat.stderr()
    assert key not in rkat.stderr()
    assert key not in json.dumps(rkat.messages)
    for file in rkat.folder.path.rglob("*"):
        if file.is_file():
            assert key.encode() not in file.read_bytes(), file


def test_a_process_without_a_level_says_nothing_on_stderr(rkat: Rkat) -> None:
    rkat.call("session/create", {"prompt": "Hello."})
    rkat.write(b"not json\n")
    assert rkat.exit() == 0
    assert rkat.stderr() == ""


def test_the_log_shows_what_a_terminal_would_obey(tmp_path: Path) -> None:
    text = "\x1b]0;owned\x07\x1b[2J\u202egnp.exe\r\n2026-01-01T00:00:00.000Z ERROR all is well"
    body = json.dumps({"error": {"message": text, "type": "x\x1b[31m"}}).encode()
    with RawProvider(lambda exchange: exchange.reply(400, body)) as provider:
        wire = Wire("chat", Folder(tmp_path), provider, **KEYS, RKAT_LOG="trace")
        with wire.rkat:
            failure = wire.failure()
            assert "owned" in failure.message
            log = wire.rkat.stderr()
    assert "owned" in log
    assert "\\u{1B}]0;owned\\u{7}" in log
    assert all(character == "\n" or character.isprintable() for character in log)
    assert all(line.startswith("20") for line in log.splitlines())
