"""What servers do that is not in their documentation: odd bodies, silence, cuts, redirects and errors of all kinds."""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from raw_provider import Answer, Exchange, RawProvider, chunk, event, head
from rkat_process import Folder
from wires import (
    APIS, CONFIG, KEY, KEY_HEADERS, KEYS, PATHS, Failure, Wire, answer_events, finish_of, of_type,
)

NO_RETRIES = "[retry]\nmax_retries = 0\n"
#: One more attempt; 300 ms of silence are too much.
IMPATIENT = """
[retry]
max_retries = 1
initial_delay = "20ms"
[timeouts]
first_token = "300ms"
idle = "300ms"
"""
#: Most seconds for what has to end after two such silences.
SOON = 4.0
TEXT = "wwwwwww " * 3

Serve = Callable[..., tuple[Wire, RawProvider]]


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def serve(api: str, tmp_path: Path) -> Iterator[Serve]:
    """Starts a provider that gives the answers, and an rkat process that asks it."""
    with ExitStack() as stack:

        def serve(*answers: Answer, config: str = CONFIG) -> tuple[Wire, RawProvider]:
            provider = stack.enter_context(RawProvider(*answers))
            wire = Wire(api, Folder(tmp_path, config), provider, **KEYS)
            stack.enter_context(wire.rkat)
            return wire, provider

        yield serve


@pytest.fixture
def events(api: str) -> list[bytes]:
    """Those of an answer of three deltas."""
    return answer_events(api, n=3)


def text(wire: Wire) -> str:
    """The answer to the first turn of a new session."""
    return wire.rkat.result(wire.create())["text"]


def whole(events: list[bytes]) -> Answer:
    return lambda exchange: exchange.stream(events)


def test_the_request(api: str, serve: Serve, events: list[bytes]) -> None:
    wire, provider = serve(whole(events))
    assert text(wire) == TEXT
    request, = provider.requests
    assert request.path == PATHS[api]
    name, value = KEY_HEADERS[api]
    assert request.headers[name] == value
    assert [name for name, value in request.headers.items() if KEY in value] == [name]
    assert KEY.encode() not in request.body
    assert request.headers["content-type"] == "application/json"


# Bodies


@pytest.mark.parametrize(("coding", "window"), [("gzip", 31), ("deflate", 15)])
def test_a_compressed_stream_is_shown_while_it_comes(
    serve: Serve, events: list[bytes], coding: str, window: int
) -> None:
    seen = threading.Event()

    def answer(exchange: Exchange) -> None:
        compressor = zlib.compressobj(wbits=window)
        *first, last = [compressor.compress(event) + compressor.flush(zlib.Z_SYNC_FLUSH) for event in events]
        exchange.begin(first[:-1], f"content-encoding: {coding}")
        seen.wait()
        exchange.send(chunk(first[-1]) + chunk(last + compressor.flush()) + b"0\r\n\r\n")

    wire, _ = serve(answer)
    request = wire.create()
    try:
        wire.rkat.event("text_delta", request)
    finally:
        seen.set()
    assert wire.rkat.result(request)["text"] == TEXT


def test_a_stream_that_comes_byte_by_byte(serve: Serve, events: list[bytes]) -> None:
    def answer(exchange: Exchange) -> None:
        for byte in head(200, "transfer-encoding: chunked", kind="text/event-stream"):
            exchange.send(bytes([byte]))
        for byte in b"".join(events):
            exchange.send(chunk(bytes([byte])))
        exchange.send(b"0\r\n\r\n")

    wire, _ = serve(answer)
    assert text(wire) == TEXT


def test_an_event_of_several_megabytes(api: str, serve: Serve) -> None:
    wire, _ = serve(whole(answer_events(api, size=5_000_000)))
    result = wire.rkat.result(wire.create())
    assert result["text"] == "w" * 4_999_999 + " "
    history = wire.rkat.history(result["session_id"])
    assert len(history) == 2


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
def test_other_line_ends(serve: Serve, events: list[bytes], line_end: bytes) -> None:
    wire, _ = serve(whole([event.replace(b"\n", line_end) for event in events]))
    assert text(wire) == TEXT


def test_a_stream_of_another_content_type(serve: Serve, events: list[bytes]) -> None:
    kinds = ["application/json", "text/html", "text/plain; charset=latin-1", None]
    wire, _ = serve(*(lambda exchange, kind=kind: exchange.stream(events, kind=kind) for kind in kinds))
    assert [text(wire) for _ in kinds] == [TEXT] * len(kinds)


@pytest.mark.parametrize("kind", ["text/html", "text/event-stream"])
def test_a_web_page_is_no_answer(serve: Serve, kind: str) -> None:
    page = b"<!DOCTYPE html>\n<html><body>Sign in to the network</body></html>"
    wire, provider = serve(lambda exchange: exchange.reply(200, page, kind=kind))
    failure = wire.failure()
    assert failure.reason == "malformed_response"
    assert "web page" in failure.message
    assert "Sign in" not in failure.message
    assert len(provider.requests) == 3


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
def test_a_body_without_an_answer(serve: Serve, kind: str) -> None:
    bodies = [b"", b"  \n", b"null", b"42", b"[]", b"{}", b"hello", b"data: {\n\n", b"\xff\xfe\x00"]
    wire, _ = serve(
        *(lambda exchange, body=body: exchange.reply(200, body, kind=kind) for body in bodies), config=NO_RETRIES)
    for _ in bodies:
        failure = wire.failure()
        assert failure.reason in ("malformed_response", "incomplete")
        assert failure.of_type("text_delta") == []


def without_usage(value: Any) -> Any:
    if isinstance(value, list):
        return [without_usage(item) for item in value]
    if isinstance(value, dict):
        return {key: without_usage(item) for key, item in value.items() if key not in ("usage", "usageMetadata")}
    return value


def test_an_answer_without_usage(api: str, serve: Serve) -> None:
    def bare(event: bytes) -> bytes:
        before, mark, data = event.partition(b"data: ")
        if b"[DONE]" in data:
            return event
        return before + mark + json.dumps(without_usage(json.loads(data))).encode() + b"\n\n"

    events = [bare(event) for event in answer_events(api, has_usage=False, n=3)]
    assert not any(b"usage" in event for event in events)
    wire, _ = serve(whole(events))
    result = wire.rkat.result(wire.create())
    assert result["text"] == TEXT
    assert result["usage"] == {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}


def test_events_of_the_future(serve: Serve, events: list[bytes]) -> None:
    strange = [
        event({"type": "response.mystery.delta", "delta": "no", "item_id": "m1"}, "response.mystery.delta"),
        event({"type": "mystery", "text": "no", "content": [{"text": "no"}]}), event({}),
        b"event: mystery\nid: 7\nretry: 10\ndata: {\"x\":\ndata: [1]}\n\n", b": a comment\n\n", b"mystery\n\n", b"\n\n",
    ]
    mixed = [piece for event in events for piece in [*strange, event]] + strange
    wire, _ = serve(whole(mixed), config=NO_RETRIES)
    request = wire.create()
    assert wire.rkat.result(request)["text"] == TEXT
    assert "".join(event["delta"] for event in of_type(wire.rkat.events(request), "text_delta")) == TEXT


# Cuts


@pytest.mark.parametrize("end", [b"", b"5\r\ndat", b"0\r\n\r\n"], ids=["cut", "cut in a piece", "ended"])
def test_a_stream_counts_from_its_finish_on(api: str, serve: Serve, events: list[bytes], end: bytes) -> None:
    def cut_after(count: int) -> Answer:
        def answer(exchange: Exchange) -> None:
            exchange.begin(events[:count])
            exchange.send(end)

        return answer

    finish = finish_of(api, events)
    wire, provider = serve(*map(cut_after, range(len(events) + 1)), config=NO_RETRIES)
    for _ in range(finish + 1):
        assert wire.failure().reason in ("incomplete", "connection")
    assert [text(wire) for _ in events[finish:]] == [TEXT] * (len(events) - finish)
    assert len(provider.requests) == len(events) + 1


# Silence


def assert_silence_ends(failure: Failure, provider: RawProvider, attempts: int) -> None:
    assert failure.reason == "timeout"
    assert len(provider.requests) == attempts
    assert 0.3 * attempts <= failure.duration < SOON


@pytest.mark.parametrize("says_hello", [False, True], ids=["no head", "a head"])
def test_a_silent_server(serve: Serve, says_hello: bool) -> None:
    def answer(exchange: Exchange) -> None:
        if says_hello:
            exchange.begin()
        exchange.hold()

    wire, provider = serve(answer, config=IMPATIENT)
    assert_silence_ends(wire.failure(), provider, 2)


def test_a_stream_that_goes_silent(api: str, serve: Serve, events: list[bytes]) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin(events[:finish_of(api, events) - 1])
        exchange.hold()

    wire, provider = serve(answer, config=IMPATIENT)
    failure = wire.failure()
    assert_silence_ends(failure, provider, 1)
    assert failure.of_type("text_delta") != []


def test_an_idle_limit_begins_anew_with_each_part(serve: Serve, events: list[bytes]) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin()
        for event in events:
            if b"ping" not in event:
                exchange.send(chunk(event))
                exchange.is_there(0.1)
        exchange.send(b"0\r\n\r\n")

    wire, _ = serve(answer, config=IMPATIENT)
    assert text(wire) == TEXT


#: What a server says to keep a connection alive.
SIGNS_OF_LIFE = {
    "messages": event({"type": "ping"}, "ping"),
    "chat": event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}),
    "responses": event({"type": "keepalive", "sequence_number": 3}, "keepalive"),
    "gemini": event({"responseId": "r", "modelVersion": "m"}),
}


@pytest.mark.parametrize("sign", ["a comment", "an event"])
@pytest.mark.parametrize("has_begun", [False, True], ids=["before the answer", "inside the answer"])
def test_signs_of_life_are_no_answer(
    api: str, serve: Serve, events: list[bytes], sign: str, has_begun: bool
) -> None:
    beat = chunk(b": keep-alive\n\n" if sign == "a comment" else SIGNS_OF_LIFE[api])

    def answer(exchange: Exchange) -> None:
        exchange.begin(events[:finish_of(api, events)] if has_begun else [])
        while exchange.is_there(0.05):
            exchange.send(beat)

    wire, provider = serve(answer, config=IMPATIENT)
    assert_silence_ends(wire.failure(), provider, 1 if has_begun else 2)


@pytest.mark.parametrize(("api", "last"), [
    ("messages", "finish"), ("messages", "end"), ("chat", "finish"), ("chat", "end"), ("responses", "end"),
    ("gemini", "end"),
])
def test_a_whole_answer_counts_when_the_connection_stays_open(
    api: str, serve: Serve, events: list[bytes], last: str
) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin(events[:finish_of(api, events) + 1] if last == "finish" else events)
        exchange.hold()

    wire, provider = serve(answer, config=IMPATIENT)
    before = time.monotonic()
    assert text(wire) == TEXT
    assert time.monotonic() - before < SOON
    assert len(provider.requests) == 1


# Errors

OVERLOADED = {
    "messages": {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
    "chat": {"error": {"message": "Overloaded", "type": "overloaded_error", "code": 503}},
    "responses": {
        "error": {"message": "Overloaded", "type": "service_unavailable_error", "code": "server_is_overloaded"}},
    "gemini": {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}},
}
UNAUTHENTICATED = {
    "messages": {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}},
    "chat": {"error": {"message": "Incorrect key", "type": "invalid_request_error", "code": "invalid_api_key"}},
    "responses": {"error": {"message": "Incorrect key", "type": "invalid_request_error", "code": "invalid_api_key"}},
    "gemini": {"error": {"code": 401, "message": "Wrong key", "status": "UNAUTHENTICATED"}},
}
OVERLOADED_EVENTS = {
    "messages": [event(OVERLOADED["messages"], "error")],
    "chat": [event(OVERLOADED["chat"]), event(OVERLOADED["chat"], "error")],
    "responses": [
        event({"type": "error", "sequence_number": 2, "code": "server_is_overloaded", "message": "Overloaded",
               "param": None}, "error"),
        event({"type": "error", "sequence_number": 2, **OVERLOADED["responses"]}, "error"),
        event({"type": "response.failed", "sequence_number": 2, "response": {
            "id": "resp_1", "object": "response", "status": "failed", "output": [],
            "error": {"code": "server_is_overloaded", "message": "Overloaded"}}}, "response.failed"),
    ],
    "gemini": [event(OVERLOADED["gemini"])],
}


def test_an_error_in_a_body_of_status_200(api: str, serve: Serve, events: list[bytes]) -> None:
    def refuse(value: Any) -> Answer:
        return lambda exchange: exchange.reply(200, json.dumps(value).encode())

    wire, provider = serve(refuse(UNAUTHENTICATED[api]), refuse(OVERLOADED[api]), whole(events))
    failure = wire.failure()
    assert failure.reason == "authentication"
    assert len(provider.requests) == 1
    request = wire.create()
    assert wire.rkat.result(request)["text"] == TEXT
    assert len(of_type(wire.rkat.events(request), "retrying")) == 1


def test_an_overload_inside_a_stream_is_one(api: str, serve: Serve, events: list[bytes]) -> None:
    errors = OVERLOADED_EVENTS[api]
    begun = [] if api in ("chat", "gemini") else events[:1]
    wire, _ = serve(
        *(answer for error in errors for answer in (whole([*begun, error]), whole(events))), whole([*begun, errors[0]]))
    for _ in errors:
        request = wire.create()
        assert wire.rkat.result(request)["text"] == TEXT
        assert len(of_type(wire.rkat.events(request), "retrying")) == 1
    failure = wire.failure()
    assert failure.reason == "overloaded"
    assert len(failure.of_type("retrying")) == 2


def test_a_key_that_the_server_repeats_is_not_told(api: str, serve: Serve) -> None:
    body = json.dumps(UNAUTHENTICATED[api]).replace("key", f"key {KEY} ({KEY[:10]}***{KEY[-10:]})").encode()
    wire, _ = serve(lambda exchange: exchange.reply(401, body))
    failure = wire.failure()
    assert failure.reason == "authentication"
    for part in (KEY[:10], KEY[-10:]):
        assert part not in json.dumps(wire.rkat.messages)
        assert part not in wire.rkat.stderr()


def test_what_may_pass_is_asked_again(serve: Serve, events: list[bytes]) -> None:
    def fail(status: int) -> Answer:
        return lambda exchange: exchange.reply(status, b"<html>Later.</html>", kind="text/html")

    statuses = [408, 409, 500, 502, 503, 504]
    wire, provider = serve(*(answer for status in statuses for answer in (fail(status), whole(events))))
    assert [text(wire) for _ in statuses] == [TEXT] * len(statuses)
    assert len(provider.requests) == 2 * len(statuses)


# Redirects


def test_a_redirect_is_not_followed(api: str, serve: Serve, events: list[bytes]) -> None:
    statuses = [301, 302, 303, 307, 308]
    with RawProvider(whole(events)) as other:

        def send_to(status: int, place: str) -> Answer:
            return lambda exchange: exchange.reply(status, b"", f"location: {place}{exchange.path}")

        places = [other.url, other.url.replace("127.0.0.1", "localhost")]
        wire, provider = serve(*(send_to(status, place) for place in places for status in statuses))
        for _ in places:
            for status in statuses:
                assert wire.failure().details["status"] == status
        assert len(provider.requests) == len(places) * len(statuses)
        assert all(request.headers[KEY_HEADERS[api][0]] == KEY_HEADERS[api][1] for request in provider.requests)
        assert other.requests == []


# Rate limits


def delay_of(wire: Wire) -> int:
    """How long the next attempt is put off; the run is ended then."""
    request = wire.create()
    retrying = wire.rkat.event("retrying", request)
    wire.rkat.call("turn/interrupt", {"session_id": retrying["session_id"]})
    assert wire.rkat.failure(request)["data"]["details"]["reason"] == "cancelled"
    return retrying["event"]["delay_ms"]


def limit(*fields: str, body: Any = None) -> Answer:
    body = {"error": {"message": "Slow down."}} if body is None else body
    return lambda exchange: exchange.reply(429, json.dumps(body).encode(), *fields)


def test_retry_after_is_obeyed(serve: Serve, events: list[bytes]) -> None:
    wire, provider = serve(limit("retry-after: 1"), whole(events))
    before = time.monotonic()
    assert text(wire) == TEXT
    assert 1 <= time.monotonic() - before < SOON
    assert len(provider.requests) == 2


def test_retry_after_in_all_its_forms(serve: Serve) -> None:
    now = time.time()

    def date(seconds: float) -> str:
        return formatdate(now + seconds, usegmt=True)

    def server_clock(seconds: float) -> tuple[str, str]:
        return f"date: {date(-3600)}", f"retry-after: {date(seconds - 3600)}"

    cases = [
        (limit("retry-after: 40"), range(40_000, 40_001)),
        (limit("Retry-After: 2.5"), range(2_500, 2_501)),
        (limit("retry-after-ms: 1234"), range(1_234, 1_235)),
        (limit(f"retry-after: {date(50)}"), range(10_000, 50_001)),
        (limit(*server_clock(50)), range(50_000, 50_001)),
        # Nothing that can be obeyed: the shortest wait after a rate limit counts.
        (limit(*server_clock(-50)), range(300, 331)),
        (limit("retry-after: soon"), range(300, 331)),
        (limit("retry-after: -7"), range(300, 331)),
        (limit("retry-after: 0"), range(300, 331)),
    ]
    wire, _ = serve(*(answer for answer, _ in cases))
    delays = [delay_of(wire) for _ in cases]
    assert [delay in wanted for delay, (_, wanted) in zip(delays, cases)] == [True] * len(cases), delays


def test_the_wish_of_a_server_is_in_the_error(serve: Serve) -> None:
    wire, _ = serve(limit("retry-after: 40"), config=NO_RETRIES)
    failure = wire.failure()
    assert failure.reason == "rate_limited"
    assert (failure.details["status"], failure.details["retry_after_ms"]) == (429, 40_000)


def quota_error(delay: str) -> Any:
    """An error as Google words it."""
    details = [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaValue": "10"}]},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
    ]
    return {"error": {"code": 429, "message": "Quota.", "status": "RESOURCE_EXHAUSTED", "details": details}}


@pytest.mark.parametrize("api", ["gemini"])
def test_retry_info_of_gemini(serve: Serve) -> None:
    wire, _ = serve(
        limit(body=quota_error("34.4s")), limit(body=[quota_error("2s")]),
        lambda exchange: exchange.stream([event(quota_error("3s"))]))
    assert [delay_of(wire) for _ in range(3)] == [34_400, 2_000, 3_000]
