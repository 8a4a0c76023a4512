"""The APIs that rkat speaks to providers, and an rkat process that speaks one of them."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any, Protocol

from rkat_process import Folder, Message, Provider, Rkat

from driver import MODELS, endpoints  # isort: skip # rkat_process has put it on the path
from fake_provider import ID, Question, Script, rendered, tls_context  # isort: skip

__all__ = [
    "APIS", "CONFIG", "FINISH", "KEY", "KEYS", "KEY_HEADERS", "NOW", "PATHS", "Failure", "Wire", "answer_events",
    "endpoints", "finish_of", "last_body", "model", "of_type", "requests", "said", "tls_context",
]

#: Short waits between attempts.
CONFIG = """
[retry]
max_retries = 2
initial_delay = "20ms"
max_delay = "100ms"
rate_limit_floor = "300ms"
"""
APIS = tuple(MODELS)
#: Says "hello" at once; the last marker of the whole conversation counts.
NOW = "@@n=1@@"
KEY = "key-0123456789-of-a-test"
#: Where an API wants its key.
KEY_HEADERS = {
    "messages": ("x-api-key", KEY), "chat": ("authorization", f"Bearer {KEY}"),
    "responses": ("authorization", f"Bearer {KEY}"), "gemini": ("x-goog-api-key", KEY),
}
KEYS = dict.fromkeys(
    ("ANTHROPIC_API_KEY", "RKAT_OPENAI_COMPATIBLE_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"), KEY)
PATHS = {
    "messages": "/v1/messages", "chat": "/v1/chat/completions", "responses": "/v1/responses",
    "gemini": "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
}
#: What only the event has with which an answer is whole.
FINISH = {
    "messages": b'"stop_reason":"end_turn"', "chat": b'"finish_reason":"stop"', "responses": b'"response.completed"',
    "gemini": b'"finishReason"',
}


class HasURL(Protocol):
    url: str


class Wire:
    """An rkat process, a provider, and the API between the two."""

    def __init__(self, api: str, folder: Folder, provider: HasURL, **environment: str) -> None:
        self.api = api
        self.model = model(api)
        self.rkat = Rkat(folder, **{**endpoints(provider.url), **environment})

    def create(self, prompt: str = "Hello.") -> int:
        return self.rkat.send("session/create", {"prompt": prompt, **self.model})

    def failure(self, prompt: str = "Hello.") -> Failure:
        """The error that a new session's first turn ends with."""
        start = time.monotonic()
        request = self.create(prompt)
        error = self.rkat.failure(request)
        duration = time.monotonic() - start
        assert error["code"] == -32010
        assert error["data"]["code"] == "PROVIDER_ERROR"
        assert error["data"]["details"]["provider"] == self.model["provider"]
        events = self.rkat.events(request)
        assert events[-1]["type"] == "run_failed"
        assert sum(event["type"] in ("run_failed", "run_completed") for event in events) == 1
        session = error["data"]["session_id"]
        assert self.rkat.call("session/read", {"session_id": session})["state"] == "idle"
        return Failure(error, events, duration)


class Failure:
    """How a run has failed."""

    def __init__(self, error: Message, events: list[Message], duration: float) -> None:
        self.events = events
        self.duration = duration
        self.message: str = error["message"]
        self.session: str = error["data"]["session_id"]
        self.details: Message = error["data"]["details"]

    @property
    def reason(self) -> str:
        return self.details["reason"]

    def of_type(self, kind: str) -> list[Message]:
        return of_type(self.events, kind)


def model(api: str) -> dict[str, str]:
    return dict(zip(("model", "provider"), MODELS[api]))


def of_type(events: list[Message], kind: str) -> list[Message]:
    return [event for event in events if event["type"] == kind]


def requests(provider: Provider) -> int:
    return provider.stats()["requests"]


def last_body(provider: Provider) -> Message:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(provider.url + "/_last") as response:
        return json.load(response)


def said(api: str, body: Message) -> list[tuple[str, str]]:
    """The roles and texts of a request, those of the system left out."""
    if api == "gemini":
        names = {"user": "user", "model": "assistant"}
        return [(names[content["role"]], plain(content["parts"])) for content in body["contents"]]
    messages = body["input"] if api == "responses" else body["messages"]
    return [(message["role"], plain(message["content"])) for message in messages if message["role"] != "system"]


def plain(content: Any) -> str:
    """The text of a message, however the API has it."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def answer_events(api: str, has_usage: bool = True, **script: Any) -> list[bytes]:
    """The events of an answer, as the fake provider streams it; `script` is what a marker says."""
    question = Question(api, model(api)["model"], is_streamed=True, has_usage=has_usage)
    answer = rendered(Script(**script), question, False)
    rest = answer.whole.partition(b"\r\n\r\n")[2].replace(ID, b"0" * len(ID))
    events = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        events.append(rest[:int(size, 16)])
        rest = rest[int(size, 16) + 2:]
    return events[:-1]


def finish_of(api: str, events: list[bytes]) -> int:
    """The position of the event with which the answer is whole."""
    return next(position for position, event in enumerate(events) if FINISH[api] in event)
