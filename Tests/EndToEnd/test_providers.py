"""The providers over real sockets: both wires, faults, TLS and interrupts."""

from __future__ import annotations

import json
import statistics
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rkat_process import Folder, Message, Provider, Rkat, self_signed_certificate, text_of, wait_until

#: Short waits between attempts.
CONFIG = """
[retry]
max_retries = 2
initial_delay = "20ms"
max_delay = "100ms"
rate_limit_floor = "300ms"
"""
MODELS = {
    "messages": {"provider": "anthropic", "model": "claude-sonnet-4-5"},
    "chat": {"provider": "openai_compatible", "model": "fake-chat"},
}
#: Says "hello" at once; the last marker of the whole conversation counts.
NOW = "@@n=1@@"


class Wire:
    """An rkat process, a provider, and the API between the two."""

    def __init__(self, api: str, folder: Folder, provider: Provider, **environment: str) -> None:
        self.model = MODELS[api]
        self.provider = provider
        self.rkat = Rkat(folder, **endpoints(provider), **environment)

    def create(self, prompt: str) -> int:
        return self.rkat.send("session/create", {"prompt": prompt, **self.model})

    def requests(self) -> int:
        return self.provider.stats()["requests"]

    def last_body(self) -> Message:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(self.provider.url + "/_last") as response:
            return json.load(response)

    def failure(self, prompt: str) -> tuple[Message, list[Message]]:
        """The error that a new session's first turn ends with, and its events."""
        request = self.create(prompt)
        error = self.rkat.failure(request)
        assert error["code"] == -32010
        assert error["data"]["code"] == "PROVIDER_ERROR"
        assert error["data"]["details"]["provider"] == self.model["provider"]
        events = self.rkat.events(request)
        assert events[-1]["type"] == "run_failed"
        assert sum(event["type"] in ("run_failed", "run_completed") for event in events) == 1
        session = error["data"]["session_id"]
        assert self.rkat.call("session/read", {"session_id": session})["state"] == "idle"
        assert self.rkat.turn(session, NOW)["text"] == "hello"
        return error["data"]["details"], events


def endpoints(provider: Provider) -> dict[str, str]:
    return {"ANTHROPIC_API_KEY": "x", "ANTHROPIC_BASE_URL": provider.url, "RKAT_LOCAL_URL": provider.url + "/v1"}


def of_type(events: list[Message], kind: str) -> list[Message]:
    return [event for event in events if event["type"] == kind]


@pytest.fixture(params=MODELS)
def api(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def wire(api: str, tmp_path: Path, provider: Provider) -> Iterator[Wire]:
    wire = Wire(api, Folder(tmp_path, CONFIG), provider)
    yield wire
    wire.rkat.discard()


# Answers


def test_a_conversation(wire: Wire) -> None:
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
    body = wire.last_body()
    assert body["model"] == wire.model["model"]
    said = [(message["role"], plain(message["content"])) for message in body["messages"] if message["role"] != "system"]
    assert said == [("user", "My name is Ada."), ("assistant", "hello"), ("user", "What is my name? @@n=3@@")]


def plain(content: Any) -> str:
    """The text of a message as either wire has it."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


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


def test_an_overloaded_provider_is_asked_again_and_then_an_error(wire: Wire) -> None:
    before = wire.requests()
    details, events = wire.failure("@@status=529@@")
    assert wire.requests() - before == 3 + 1  # and the turn that shows the session is usable
    assert (details["reason"], details["status"]) == ("overloaded", 529)
    retries = of_type(events, "retrying")
    assert [(event["attempt"], event["max_attempts"]) for event in retries] == [(1, 3), (2, 3)]
    assert all(0 < event["delay_ms"] <= 150 for event in retries)
    assert of_type(events, "text_delta") == []


def test_a_rate_limit_without_a_hint_is_waited_for(wire: Wire) -> None:
    before = time.monotonic()
    details, events = wire.failure("@@status=429@@")
    assert time.monotonic() - before >= 0.6
    assert (details["reason"], details["status"]) == ("rate_limited", 429)
    assert [event["delay_ms"] >= 300 for event in of_type(events, "retrying")] == [True, True]


@pytest.mark.parametrize(
    ("status", "reason"), [(400, "invalid_request"), (401, "authentication"), (403, "permission_denied")])
def test_a_refusal_is_not_repeated(wire: Wire, status: int, reason: str) -> None:
    before = wire.requests()
    details, events = wire.failure(f"@@status={status}@@")
    assert wire.requests() - before == 1 + 1
    assert (details["reason"], details["status"]) == (reason, status)
    assert of_type(events, "retrying") == []


@pytest.mark.parametrize("gap", ["", ",gap_ms=5"])
def test_a_cut_stream_fails_when_its_text_was_shown(wire: Wire, gap: str) -> None:
    before = wire.requests()
    details, events = wire.failure(f"@@n=10,cut=3{gap}@@")
    assert wire.requests() - before == 1 + 1
    assert details["reason"] in ("incomplete", "connection")
    assert len(of_type(events, "text_delta")) == 3
    assert of_type(events, "text_complete") == []


def test_a_cut_stream_is_asked_for_again_when_the_client_discards_text(wire: Wire) -> None:
    wire.rkat.call("initialize", {"client": {"discard_text": True}})
    before = wire.requests()
    details, events = wire.failure("@@n=10,cut=3@@")
    assert wire.requests() - before == 3 + 1
    assert details["reason"] in ("incomplete", "connection")
    assert [event["discard_text"] for event in of_type(events, "retrying")] == [True, True]
    assert len(of_type(events, "text_delta")) == 9


def test_discarded_text_is_not_in_the_history(wire: Wire) -> None:
    wire.rkat.call("initialize", {"client": {"discard_text": True}})
    error = wire.rkat.failure(wire.create("@@n=10,cut=3@@"))
    session = error["data"]["session_id"]
    wire.rkat.turn(session, NOW)
    assert [text_of(message) for message in wire.rkat.history(session)] == ["@@n=10,cut=3@@", NOW, "hello"]
    said = [message["role"] for message in wire.last_body()["messages"] if message["role"] != "system"]
    assert said in (["user"], ["user", "user"])


def test_a_provider_that_is_not_there(api: str, tmp_path: Path) -> None:
    with Provider() as provider:
        gone = Wire(api, Folder(tmp_path, CONFIG), provider)
    with gone.rkat as rkat:
        request = gone.create("Hello.")
        error = rkat.failure(request)
        assert (error["code"], error["data"]["details"]["reason"]) == (-32010, "connection")
        assert len(of_type(rkat.events(request), "retrying")) == 2


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
def test_an_interrupt_ends_every_wait(wire: Wire, prompt: str) -> None:
    session = wire.rkat.result(wire.create(NOW))["session_id"]
    before = wire.requests()
    request = wire.rkat.start_turn(session, prompt)
    if "status" in prompt:
        wire.rkat.event("retrying", request)
    else:
        wait_until(lambda: wire.requests() > before)
    before_interrupt = time.monotonic()
    assert wire.rkat.call("turn/interrupt", {"session_id": session}) == {"interrupted": True}
    assert time.monotonic() - before_interrupt < 0.2
    assert wire.rkat.failure(request)["data"]["details"]["reason"] == "cancelled"
    assert wire.requests() == before + 1


def test_an_interrupt_of_another_run_changes_nothing(wire: Wire) -> None:
    session = wire.rkat.result(wire.create(NOW))["session_id"]
    request = wire.rkat.start_turn(session, "@@n=20,gap_ms=10@@")
    wire.rkat.event("text_delta", request)
    params = {"session_id": session, "run_id": "5f0d4a3e-8f3b-4c58-9f4e-2d0f6d1c7a11"}
    assert wire.rkat.call("turn/interrupt", params) == {"interrupted": False}
    assert wire.rkat.result(request)["text"] == "wwwwwww " * 20


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
        request = wire.create("Hello.")
        error = rkat.failure(request)
        assert error["code"] == -32010
        assert error["data"]["details"]["reason"] == "connection"
        assert "certificate" in error["message"].lower()
        assert rkat.call("initialize")["contract_version"] == "0.1.0"


def test_plain_http_to_another_host_is_refused(api: str, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    environment = {
        "ANTHROPIC_API_KEY": "x", "ANTHROPIC_BASE_URL": "http://192.0.2.1:9", "RKAT_LOCAL_URL": "http://192.0.2.1:9/v1"}
    with Rkat(folder, **environment) as rkat:
        error = rkat.fail("session/create", {"prompt": "Hello.", **MODELS[api]})
        assert error["code"] == -32010
        assert rkat.stored_sessions() == []


# Providers that are shipped


def test_a_shipped_provider_needs_no_table_and_has_its_dialect(tmp_path: Path, provider: Provider) -> None:
    wire = Wire("chat", Folder(tmp_path, CONFIG), provider, RKAT_MISTRAL_BASE_URL=provider.url, MISTRAL_API_KEY="x")
    with wire.rkat as rkat:
        result = rkat.call("session/create", {"prompt": NOW, "provider": "mistral", "model": "m"})
        assert (result["provider"], result["model"], result["text"]) == ("mistral", "m", "hello")
        assert list(wire.last_body()) == ["model", "stream", "max_tokens", "messages"]


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
