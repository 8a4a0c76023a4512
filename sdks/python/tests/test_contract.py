"""The package against the examples of the wire contract, where the checkout has them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from conftest import FakeRkat

from meerkat import (
    CONTRACT_VERSION,
    MeerkatClient,
    MeerkatError,
    WireModelCall,
    WireRunResult,
    WireUsage,
)
from meerkat._results import parse_models
from meerkat.capabilities import _parse_capabilities
from meerkat.errors import _ERRORS, _error_from_response
from meerkat.streaming import StreamingTurn, _StdoutDispatcher

CONTRACT = Path(__file__).parents[3] / "contract"

pytestmark = pytest.mark.skipif(not CONTRACT.is_dir(), reason="no contract/ in this checkout")


def example(name: str) -> Any:
    return json.loads((CONTRACT / name).read_text())


def names(folder: str) -> list[str]:
    return sorted(path.stem for path in (CONTRACT / folder).glob("*.json"))


def test_every_error_has_its_name() -> None:
    rows = example("errors.json")
    assert [(row["rpc"], row["code"]) for row in rows] == [
        (number, name) for number, (name, _) in _ERRORS.items()
    ]
    for row in rows:
        error = _error_from_response({"code": row["rpc"], "message": "m"})
        assert (error.code, error.rpc_code) == (row["code"], row["rpc"])


def test_error_response() -> None:
    response = example("error.json")["error"]
    error = _error_from_response(response)
    assert type(error) is MeerkatError
    assert (error.code, error.rpc_code) == ("AGENT_ERROR", -32013)
    assert str(error) == response["message"]
    assert error.details == {"reason": "cancelled"}
    assert error.session_id == response["data"]["session_id"]
    assert error.run_id == response["data"]["run_id"]


def test_capabilities() -> None:
    capabilities = _parse_capabilities(example("capabilities.json"))
    assert capabilities.contract_version == CONTRACT_VERSION
    assert len(capabilities.capabilities) == 12
    assert {entry.status for entry in capabilities.capabilities} == {"Available", "NotCompiled"}
    assert example("methods/capabilities.get.json")["result"] == example("capabilities.json")


@pytest.mark.parametrize("method", ["session/create", "turn/start", "turn/resume"])
def test_run_result(method: str) -> None:
    call = example(f"methods/{method.replace('/', '.')}.json")
    result = call["result"]
    failed, answered = result["model_calls"]
    assert MeerkatClient._parse_run_result(result) == WireRunResult(
        session_id=result["session_id"],
        text=result["text"],
        turns=result["turns"],
        tool_calls=result["tool_calls"],
        usage=WireUsage(**result["usage"]),
        run_id=call["params"]["run_id"],
        provider=result["provider"],
        model=result["model"],
        endpoint=result["endpoint"],
        cost_usd=result["cost_usd"],
        model_calls=[
            WireModelCall(**failed),
            WireModelCall(**{**answered, "usage": WireUsage(**answered["usage"])}),
        ],
    )
    assert set(result) < set(WireRunResult.__dataclass_fields__)


def test_models() -> None:
    result = example("methods/models.list.json")["result"]
    models = parse_models(result)
    for model, told in zip(models, result["models"], strict=True):
        parsed = asdict(model)
        if told["price"] is not None:
            parsed["price"] = {name: parsed["price"][name] for name in told["price"]}
        assert parsed == told


async def test_calls_return_the_examples_as_they_are(fake_rkat: FakeRkat) -> None:
    fork, compact = example("methods/session.fork.json"), example("methods/session.compact.json")
    async with MeerkatClient(fake_rkat()) as client:
        assert await client.fork_session(**fork["params"]) == fork["result"]
        assert await client.compact_session(**compact["params"]) == compact["result"]
        requests = (await client.read_session("now"))["received"]
    for call in (fork, compact):
        [params] = [each["params"] for each in requests if each["method"] == call["method"]]
        assert params == call["params"]


def test_every_method_has_an_example() -> None:
    methods = example("methods/initialize.json")["result"]["methods"]
    assert names("methods") == sorted(method.replace("/", ".") for method in methods)
    for method in methods:
        call = example(f"methods/{method.replace('/', '.')}.json")
        assert call["method"] == method
        assert ("result" in call) is (method != "initialized")


async def test_the_client_introduces_itself_as_the_example_does(fake_rkat: FakeRkat) -> None:
    async with MeerkatClient(fake_rkat()) as client:
        first = (await client.read_session("now"))["received"][0]
    assert first["params"] == example("methods/initialize.json")["params"]


@pytest.mark.parametrize("kind", names("events"))
async def test_event_passes_through_a_stream(kind: str) -> None:
    notification = example(f"events/{kind}.json")
    params = notification["params"]
    answer = {"jsonrpc": "2.0", "id": params["request_id"], "result": {"text": "done"}}
    reader = asyncio.StreamReader()
    reader.feed_data(b"".join(json.dumps(line).encode() + b"\n" for line in (notification, answer)))
    dispatcher = _StdoutDispatcher(reader)
    dispatcher.start()
    turn = StreamingTurn(
        session_id="",
        event_queue=dispatcher.subscribe_pending_stream(params["request_id"]),
        response_future=dispatcher.expect_response(params["request_id"]),
        dispatcher=dispatcher,
        parse_result=MeerkatClient._parse_run_result,
    )
    async with turn:
        assert [event async for event in turn] == [params["event"]]
    assert list(params) == ["session_id", "run_id", "request_id", "event"]
    assert params["event"]["type"] == kind
    assert turn.result.text == "done"
    await dispatcher.stop()
