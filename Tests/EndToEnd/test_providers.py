"""The providers over real sockets: answers, faults of the provider, TLS and interrupts."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import socket

import pytest
from raw_provider import Listener, RawProvider
from rkat_process import Folder, Provider, Rkat, self_signed_certificate, text_of, wait_until
from wires import (
    APIS, CONFIG, NOW, Failure, Wire, answer_events, endpoints, last_body, model, of_type, requests, said, tls_context,
)


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def wire(api: str, tmp_path: Path, provider: Provider) -> Iterator[Wire]:
    wire = Wire(api, Folder(tmp_path, CONFIG), provider)
    yield wire
    wire.rkat.discard()


def failed(wire: Wire, prompt: str) -> Failure:
    """The error that a new session's first turn ends with; the session goes on after it."""
    failure = wire.failure(prompt)
    assert wire.rkat.turn(failure.session, NOW)["text"] == "hello"
    return failure


# Answers


def test_a_conversation(wire: Wire, provider: Provider) -> None:
    request = wire.create("My name is Ada.")
    result = wire.rkat.result(request)
    assert result["text"] == "hello"
    assert (result["provider"], result["model"]) == (wire.model["provider"], wire.model["model"])
    assert result["endpoint"].startswith("127.0.0.1")
    assert result["usage"]["input_tokens"] == 25
    assert result["usage"]["total_tokens"] == 25 + result["usage"]["output_tokens"]
    kinds = [event["type"] for event in wire.rkat.events(request)]
    assert kinds == ["run_started", "turn_started", "text_delta", "text_complete", "turn_completed", "run_completed"]
    assert wire.rkat.events(request)[4]["stop_reason"] == "end_turn"

    session = result["session_id"]
    second = wire.rkat.turn(session, "What is my name? @@n=3@@")
    assert second["text"] == "wwwwwww " * 3
    assert second["usage"]["input_tokens"] == 50
    assert said(wire.api, last_body(provider)) == [
        ("user", "My name is Ada."), ("assistant", "hello"), ("user", "What is my name? @@n=3@@")]


def test_an_answer_that_is_not_streamed(wire: Wire) -> None:
    request = wire.create("@@n=3,whole=1@@")
    result = wire.rkat.result(request)
    assert result["text"] == "wwwwwww " * 3
    assert result["usage"]["input_tokens"] == 25
    assert [event["delta"] for event in of_type(wire.rkat.events(request), "text_delta")] == ["wwwwwww " * 3]
    assert wire.rkat.result(wire.create("@@tools=1,whole=1,name=no_such_tool@@"))["tool_calls"] == 1


def test_deltas_arrive_one_by_one_when_they_are_sent(wire: Wire) -> None:
    request = wire.create("@@n=40,gap_ms=25,ts=1@@")
    wire.rkat.result(request)
    arrivals, sent = [], []
    for message, arrival in zip(wire.rkat.messages, wire.rkat.times):
        if message.get("params", {}).get("event", {}).get("type") == "text_delta":
            arrivals.append(arrival)
            sent.append(int(message["params"]["event"]["delta"].strip("<>")) / 1e9)
    assert len(arrivals) == 40
    assert len(set(arrivals)) > 30
    assert arrivals[-1] - arrivals[0] > 0.7
    assert statistics.median(there - here for here, there in zip(sent, arrivals)) < 0.05


def test_a_tool_that_does_not_exist_is_an_answer_to_the_model(wire: Wire) -> None:
    request = wire.create("@@tools=2,name=no_such_tool,args=7b2261223a317d,par=2@@")
    result = wire.rkat.result(request)
    assert (result["text"], result["turns"], result["tool_calls"]) == ("hello", 2, 2)
    events = wire.rkat.events(request)
    assert [event["args"] for event in of_type(events, "tool_call_requested")] == [{"a": 1}, {"a": 1}]
    finished = of_type(events, "tool_execution_completed")
    assert all(event["is_error"] and "tool_not_found" in event["result"] for event in finished)
    history = wire.rkat.history(result["session_id"])
    asked = [block["data"]["id"] for message in history for block in message.get("blocks", [])
             if block["block_type"] == "tool_use"]
    answered = [item["tool_use_id"] for message in history for item in message.get("results", [])]
    assert answered == asked == [event["id"] for event in finished]
    assert len(set(asked)) == 2


# Faults


def test_an_overloaded_provider_is_asked_again_and_then_an_error(wire: Wire, provider: Provider) -> None:
    before = requests(provider)
    failure = failed(wire, "@@status=529@@")
    assert requests(provider) - before == 3 + 1  # and the turn that shows the session is usable
    assert (failure.reason, failure.details["status"]) == ("overloaded", 529)
    retries = failure.of_type("retrying")
    assert [(event["attempt"], event["max_attempts"]) for event in retries] == [(1, 3), (2, 3)]
    assert all(0 < event["delay_ms"] <= 150 for event in retries)
    assert failure.of_type("text_delta") == []


def test_a_rate_limit_without_a_hint_is_waited_for(wire: Wire) -> None:
    failure = failed(wire, "@@status=429@@")
    assert failure.duration >= 0.6
    assert (failure.reason, failure.details["status"]) == ("rate_limited", 429)
    assert [event["delay_ms"] >= 300 for event in failure.of_type("retrying")] == [True, True]


REFUSALS = {
    400: "invalid_request", 401: "authentication", 403: "permission_denied", 404: "model_not_found",
    413: "request_too_large",
}


@pytest.mark.parametrize("status", REFUSALS)
def test_a_refusal_is_not_repeated(wire: Wire, provider: Provider, status: int) -> None:
    before = requests(provider)
    failure = failed(wire, f"@@status={status}@@")
    assert requests(provider) - before == 1 + 1
    assert (failure.reason, failure.details["status"]) == (REFUSALS[status], status)
    assert failure.of_type("retrying") == []


@pytest.mark.parametrize("gap", ["", ",gap_ms=5"])
def test_a_cut_stream_fails_when_its_text_was_shown(wire: Wire, provider: Provider, gap: str) -> None:
    before = requests(provider)
    failure = failed(wire, f"@@n=10,cut=3{gap}@@")
    assert requests(provider) - before == 1 + 1
    assert failure.reason in ("incomplete", "connection")
    assert len(failure.of_type("text_delta")) == 3
    assert failure.of_type("text_complete") == []


def test_a_cut_stream_is_asked_for_again_when_the_client_discards_text(wire: Wire, provider: Provider) -> None:
    wire.rkat.call("initialize", {"client": {"discard_text": True}})
    before = requests(provider)
    failure = failed(wire, "@@n=10,cut=3@@")
    assert requests(provider) - before == 3 + 1
    assert failure.reason in ("incomplete", "connection")
    assert [event["discard_text"] for event in failure.of_type("retrying")] == [True, True]
    assert len(failure.of_type("text_delta")) == 9


def test_discarded_text_is_not_in_the_history(wire: Wire, provider: Provider) -> None:
    wire.rkat.call("initialize", {"client": {"discard_text": True}})
    session = wire.failure("@@n=10,cut=3@@").session
    wire.rkat.turn(session, NOW)
    assert [text_of(message) for message in wire.rkat.history(session)] == ["@@n=10,cut=3@@", NOW, "hello"]
    assert [role for role, _ in said(wire.api, last_body(provider))] in (["user"], ["user", "user"])


def test_a_provider_that_is_not_there(api: str, tmp_path: Path) -> None:
    with Provider() as provider:
        gone = Wire(api, Folder(tmp_path, CONFIG), provider)
    with gone.rkat:
        failure = gone.failure()
        assert failure.reason == "connection"
        assert len(failure.of_type("retrying")) == 2


# Interrupts


def test_an_interrupt_ends_a_stream_within_100_ms(wire: Wire) -> None:
    session = wire.rkat.result(wire.create(NOW))["session_id"]
    durations = []
    for _ in range(5):
        request = wire.rkat.start_turn(session, "@@n=10000,gap_ms=5@@")
        wire.rkat.event("text_delta", request)
        before = time.monotonic()
        assert wire.rkat.call("turn/interrupt", {"session_id": session}) == {"interrupted": True}
        durations.append(time.monotonic() - before)
        assert wire.rkat.failure(request)["data"]["details"]["reason"] == "cancelled"
        events = wire.rkat.events(request)
        assert events[-1]["type"] == "run_failed"
        assert of_type(events, "run_completed") == []
    assert statistics.median(durations) < 0.1
    assert wire.rkat.turn(session, NOW)["text"] == "hello"
    assert len(wire.rkat.history(session)) == 2 + 5 + 2


@pytest.mark.parametrize("prompt", ["@@first_ms=60000@@", "@@status=429@@"], ids=["no answer yet", "between attempts"])
def test_an_interrupt_ends_every_wait(wire: Wire, provider: Provider, prompt: str) -> None:
    session = wire.rkat.result(wire.create(NOW))["session_id"]
    before = requests(provider)
    request = wire.rkat.start_turn(session, prompt)
    if "status" in prompt:
        wire.rkat.event("retrying", request)
    else:
        wait_until(lambda: requests(provider) > before)
    before_interrupt = time.monotonic()
    assert wire.rkat.call("turn/interrupt", {"session_id": session}) == {"interrupted": True}
    assert time.monotonic() - before_interrupt < 0.2
    assert wire.rkat.failure(request)["data"]["details"]["reason"] == "cancelled"
    assert requests(provider) == before + 1


def test_an_interrupt_of_another_run_changes_nothing(wire: Wire) -> None:
    session = wire.rkat.result(wire.create(NOW))["session_id"]
    request = wire.rkat.start_turn(session, "@@n=20,gap_ms=10@@")
    wire.rkat.event("text_delta", request)
    params = {"session_id": session, "run_id": "5f0d4a3e-8f3b-4c58-9f4e-2d0f6d1c7a11"}
    assert wire.rkat.call("turn/interrupt", params) == {"interrupted": False}
    assert wire.rkat.result(request)["text"] == "wwwwwww " * 20


# More calls than the provider may be asked at once


@pytest.fixture
def one_at_a_time(api: str, tmp_path: Path) -> Iterator[tuple[Wire, Provider]]:
    """A provider of the configuration that may be asked once at a time, and no slower than in 400 ms."""
    with Provider() as provider:
        kind, name = model(api)["provider"], model(api)["model"]
        folder = Folder(tmp_path, f"""
            [providers.narrow]
            kind = "{kind}"
            base_url = "{provider.url}"
            models = ["{name}"]
            max_concurrent = 1
            [timeouts]
            first_token = "400ms"
            """)
        wire = Wire(api, folder, provider)
        wire.model = {"provider": "narrow", "model": name}
        with wire.rkat:
            yield wire, provider


def test_a_call_waits_for_its_place(one_at_a_time: tuple[Wire, Provider]) -> None:
    wire, provider = one_at_a_time
    first = wire.create("@@n=40,gap_ms=25@@")
    wire.rkat.event("text_delta", first)
    others = [wire.create("@@n=2@@") for _ in range(2)]
    assert wire.rkat.result(first)["text"] == "wwwwwww " * 40
    for other in others:
        assert wire.rkat.result(other)["text"] == "wwwwwww " * 2
    order = [message["params"]["request_id"] for message in wire.rkat.messages
             if message.get("params", {}).get("event", {}).get("type") == "text_delta"]
    assert list(dict.fromkeys(order)) in ([first, *others], [first, *reversed(others)])
    stats = provider.stats()
    assert (stats["requests"], stats["most_at_once"]) == (3, 1)


def test_an_interrupt_ends_the_wait_for_a_place(one_at_a_time: tuple[Wire, Provider]) -> None:
    wire, provider = one_at_a_time
    first, second = (wire.rkat.result(wire.create(NOW))["session_id"] for _ in range(2))
    long = wire.rkat.start_turn(first, "@@n=10000,gap_ms=5@@")
    wire.rkat.event("text_delta", long)
    waiting = wire.rkat.start_turn(second, NOW)
    wire.rkat.event("turn_started", waiting)
    before = time.monotonic()
    assert wire.rkat.call("turn/interrupt", {"session_id": second}) == {"interrupted": True}
    assert time.monotonic() - before < 0.2
    assert wire.rkat.failure(waiting)["data"]["details"]["reason"] == "cancelled"
    assert requests(provider) == 3
    assert wire.rkat.call("turn/interrupt", {"session_id": first}) == {"interrupted": True}
    assert wire.rkat.failure(long)["data"]["details"]["reason"] == "cancelled"
    assert wire.rkat.turn(second, NOW)["text"] == "hello"
    assert provider.stats()["most_at_once"] == 1


# TLS


@pytest.fixture(scope="module")
def tls_provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    with Provider(tls_directory=str(tmp_path_factory.mktemp("tls"))) as provider:
        yield provider


def test_https_with_a_certificate_of_ones_own(api: str, tmp_path: Path, tls_provider: Provider) -> None:
    wire = Wire(api, Folder(tmp_path), tls_provider, SSL_CERT_FILE=str(tls_provider.certificate))
    with wire.rkat as rkat:
        result = rkat.result(wire.create("Hello. @@n=3@@"))
        assert result["text"] == "wwwwwww " * 3
        assert rkat.turn(result["session_id"], NOW)["text"] == "hello"


@pytest.mark.parametrize("trusts", ["the system's", "another one"])
def test_a_certificate_that_is_not_trusted_is_a_typed_error(
    api: str, tmp_path: Path, tls_provider: Provider, trusts: str
) -> None:
    environment = {}
    if trusts == "another one":
        (tmp_path / "other").mkdir()
        environment["SSL_CERT_FILE"] = str(self_signed_certificate(str(tmp_path / "other")))
    wire = Wire(api, Folder(tmp_path, CONFIG), tls_provider, **environment)
    with wire.rkat as rkat:
        failure = wire.failure()
        assert failure.reason == "connection"
        assert "certificate" in failure.message.lower()
        assert rkat.call("initialize")["contract_version"] == "0.1.0"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_certificate_of_another_host_is_a_typed_error(api: str, tmp_path: Path, host: str) -> None:
    certificate = self_signed_certificate(str(tmp_path), "DNS:somewhere.example")
    tls = tls_context(str(certificate), str(certificate.with_name("key.pem")))
    with RawProvider(lambda exchange: exchange.stream(answer_events(api)), tls=tls) as other:
        other.url = other.url.replace("127.0.0.1", host)
        wire = Wire(api, Folder(tmp_path, CONFIG), other, SSL_CERT_FILE=str(certificate))
        with wire.rkat:
            failure = wire.failure()
            assert failure.reason == "connection"
            assert "certificate" in failure.message
    assert other.requests == []


def close_at_once(connection: socket) -> None:
    connection.recv(4096)


def break_off(connection: socket) -> None:
    connection.recv(1)  # what is left unread makes the end a reset


def speak_plainly(connection: socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")


def say_nothing(connection: socket) -> None:
    while connection.recv(4096):
        pass


@pytest.mark.parametrize("serve", [close_at_once, break_off, speak_plainly, say_nothing])
def test_a_handshake_that_fails_is_a_typed_error(
    api: str, tmp_path: Path, serve: Callable[[socket], None]
) -> None:
    with Listener(serve) as listener:
        wire = Wire(api, Folder(tmp_path, CONFIG + '[timeouts]\nconnect = "300ms"\n'), listener)
        with wire.rkat:
            failure = wire.failure()
            assert failure.reason in (("timeout", "connection") if serve is say_nothing else ("connection",))
            assert len(failure.of_type("retrying")) == 2
            assert failure.duration < 5


def test_plain_http_to_another_host_is_refused(api: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    with Rkat(folder, **endpoints("http://192.0.2.1:9")) as rkat:
        error = rkat.fail("session/create", {"prompt": "Hello.", **model(api)})
        assert error["code"] == -32010
        assert rkat.stored_sessions() == []


# Providers that are shipped


def test_a_shipped_provider_needs_no_table_and_has_its_dialect(tmp_path: Path, provider: Provider) -> None:
    wire = Wire("chat", Folder(tmp_path, CONFIG), provider, RKAT_MISTRAL_BASE_URL=provider.url, MISTRAL_API_KEY="x")
    with wire.rkat as rkat:
        result = rkat.call("session/create", {"prompt": NOW, "provider": "mistral", "model": "m"})
        assert (result["provider"], result["model"], result["text"]) == ("mistral", "m", "hello")
        assert list(last_body(provider)) == ["model", "stream", "max_tokens", "messages"]


def test_a_provider_without_an_endpoint_says_what_is_missing(tmp_path: Path) -> None:
    with Rkat(Folder(tmp_path), AZURE_OPENAI_API_KEY="x") as rkat:
        error = rkat.fail("session/create", {"prompt": "Hello.", "provider": "azure_openai", "model": "m"})
        assert error["code"] == -32010
        assert "providers.base_urls.azure_openai" in error["message"]


def test_a_provider_that_does_not_exist_names_those_that_do(tmp_path: Path) -> None:
    with Rkat(Folder(tmp_path)) as rkat:
        error = rkat.fail("session/create", {"prompt": "Hello.", "provider": "nobody", "model": "m"})
        assert error["code"] == -32010
        assert "openrouter" in error["message"]
