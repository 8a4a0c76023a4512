"""Answers without an end and bodies that grow."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from raw_provider import Answer, Exchange, RawProvider, chunk, event
from rkat_process import Folder, Rkat
from wires import APIS, CONFIG, KEYS, Wire, answer_events, finish_of

MEGABYTE = 1 << 20
#: Failures are not repeated, and an answer has at most a megabyte.
SMALL = "[retry]\nmax_retries = 0\n[limits]\nmax_answer_bytes = 1048576\n"


@contextmanager
def served(
    tmp_path: Path, *answers: Answer, api: str = "chat", config: str = CONFIG
) -> Iterator[tuple[Wire, RawProvider]]:
    with RawProvider(*answers) as provider:
        wire = Wire(api, Folder(tmp_path, config), provider, **KEYS)
        with wire.rkat:
            yield wire, provider


def peak(rkat: Rkat) -> int:
    """The most memory that the process has had, in bytes."""
    status = Path(f"/proc/{rkat.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


#: What an endless answer repeats, after the beginning of an answer.
ENDLESS = {
    "messages": {
        "text": {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "w" * 4000}},
    },
    "chat": {
        "text": {"choices": [{"index": 0, "delta": {"content": "w" * 4000}}]},
        "reasoning": {"choices": [{"index": 0, "delta": {"reasoning_content": "w" * 4000}}]},
        "arguments": {"choices": [{"index": 0, "delta": {"tool_calls": [
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": "[" * 4000}}]}}]},
        "calls": {"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}] * 50}}]},
    },
    "responses": {
        "text": {"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0,
                 "delta": "w" * 4000},
    },
    "gemini": {"text": {"candidates": [{"content": {"role": "model", "parts": [{"text": "w" * 4000}]}}]}},
}
CASES = [(api, kind) for api in APIS for kind in ENDLESS[api]]


def without_end(piece: bytes, begin: list[bytes]) -> Answer:
    """Sends the piece until the client leaves."""
    def answer(exchange: Exchange) -> None:
        exchange.begin(begin)
        while True:
            exchange.send(piece)

    return answer


@pytest.mark.parametrize(("api", "kind"), CASES, ids=["-".join(case) for case in CASES])
def test_an_endless_answer_ends_at_the_limit(tmp_path: Path, api: str, kind: str) -> None:
    value = ENDLESS[api][kind]
    piece = chunk(event(value, value.get("type")) * 16)
    events = answer_events(api, n=3)
    begin = events[:finish_of(api, events) - 1] if api == "messages" else []
    again = lambda exchange: exchange.stream(events)  # noqa: E731
    with served(tmp_path, without_end(piece, begin), again, api=api, config=SMALL) as (wire, provider):
        failure = wire.failure()
        assert failure.reason == "answer_too_large"
        assert "max_answer_bytes" in failure.message or "blocks" in failure.message
        assert failure.of_type("retrying") == []
        shown = sum(len(event["delta"]) for event in failure.events if "delta" in event)
        assert shown <= MEGABYTE
        assert len(provider.requests) == 1
        assert peak(wire.rkat) < 150 * MEGABYTE
        # The session goes on.
        assert wire.rkat.call(
            "turn/start", {"session_id": failure.session, "prompt": "Again."})["text"] == "wwwwwww " * 3


@pytest.fixture(scope="module")
def spaces() -> bytes:
    """400 MB of white space in a JSON text, compressed."""
    compressor = zlib.compressobj(wbits=31)
    pieces = [compressor.compress(piece) for piece in [b'{"choices":[', *[b" " * MEGABYTE] * 400]]
    return b"".join(pieces) + compressor.flush()


@pytest.mark.parametrize("status", [200, 500])
def test_a_body_that_grows_when_it_is_decompressed(tmp_path: Path, spaces: bytes, status: int) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.reply(status, spaces, "content-encoding: gzip")

    with served(tmp_path, answer, config=SMALL) as (wire, provider):
        failure = wire.failure()
        assert failure.reason == ("answer_too_large" if status == 200 else "server_error")
        assert len(provider.requests) == 1
        assert peak(wire.rkat) < 150 * MEGABYTE
