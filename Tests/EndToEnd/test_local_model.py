"""A real llama.cpp server through each of the formats that it speaks; opt in with `MEERKAT_LIVE_TESTS=1`.

The server deviates from each of them: it counts tokens otherwise, names items otherwise, leaves members out, and takes
no notice of a schema except over Chat Completions.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rkat_process import Folder, Rkat

KINDS = {"messages": "anthropic", "responses": "openai", "chat": "openai_compatible"}
PATIENCE = 600.0


@pytest.fixture
def rkat(tmp_path: Path, live_url: str) -> Iterator[Rkat]:
    # The likeliest words, so that the small model does the same each time.
    config = "[agent]\ntemperature = 0.0\n" + "".join(
        f'[providers.{name}]\nkind = "{kind}"\nbase_url = "{live_url}"\nmodels = ["local"]\n'
        for name, kind in KINDS.items()
    )
    with Rkat(Folder(tmp_path, config)) as rkat:
        yield rkat


@pytest.mark.parametrize("wire", KINDS)
def test_conversation(rkat: Rkat, wire: str) -> None:
    first = rkat.send("session/create", {"prompt": "Say hello.", "provider": wire, "max_tokens": 60})
    result = rkat.result(first, timeout=PATIENCE)
    assert result["text"]
    assert (result["provider"], result["model"]) == (wire, "local")
    assert result["usage"]["output_tokens"] > 0
    streamed = [event["delta"] for event in rkat.events(first) if event["type"] == "text_delta"]
    assert "".join(streamed) == result["text"]
    second = rkat.call(
        "turn/start", {"session_id": result["session_id"], "prompt": "And goodbye.", "max_tokens": 60}, timeout=PATIENCE)
    assert second["text"]


@pytest.mark.parametrize("wire", KINDS)
def test_tool_call(rkat: Rkat, wire: str) -> None:
    request = rkat.send("session/create", {
        "prompt": "What time is it? Use the datetime tool.", "provider": wire, "max_tokens": 300, "enable_builtins": True,
        "limits": {"max_turns": 5}})
    result = rkat.result(request, timeout=PATIENCE)
    assert result["tool_calls"] >= 1
    finished = [event for event in rkat.events(request) if event["type"] == "tool_execution_completed"]
    assert finished[0]["name"] == "datetime"
    assert not finished[0]["is_error"]


def test_structured_answer(rkat: Rkat) -> None:
    schema = {
        "type": "object", "properties": {"city": {"type": "string"}, "people": {"type": "integer"}},
        "required": ["city", "people"], "additionalProperties": False,
    }
    result = rkat.call("session/create", {
        "prompt": "Paris is a city of 2 million people. Say that as JSON.", "provider": "chat", "max_tokens": 100,
        "output_schema": schema}, timeout=PATIENCE)
    assert set(result["structured_output"]) == {"city", "people"}
    assert result["turns"] == 1
