"""The built `rkat` over raw JSON-RPC.

The server's model is the built-in fake. What needs a model that understands runs only when
`MEERKAT_LIVE_TESTS=1` and `ANTHROPIC_API_KEY` are set.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from real_rkat import RawServer, needs_rkat

pytestmark = needs_rkat

KEY = os.environ.get("ANTHROPIC_API_KEY", "")

live = pytest.mark.skipif(
    os.environ.get("MEERKAT_LIVE_TESTS") != "1" or not KEY,
    reason="opt in with MEERKAT_LIVE_TESTS=1 and ANTHROPIC_API_KEY",
)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[RawServer]:
    server = await RawServer.start(tmp_path, RKAT_TEST_CLIENT="1")
    yield server
    await server.stop()


@pytest.fixture
async def live_server(tmp_path: Path) -> AsyncIterator[RawServer]:
    server = await RawServer.start(tmp_path, ANTHROPIC_API_KEY=KEY)
    yield server
    await server.stop()


async def test_initialize_names_the_server(server: RawServer) -> None:
    result = await server.result("initialize", {})
    assert result["server_info"]["name"] == "meerkat-rpc"


async def test_a_session_and_a_further_turn(server: RawServer) -> None:
    first = await server.result("session/create", {"prompt": "hi"})
    assert first["session_id"]
    assert first["text"]
    params = {"session_id": first["session_id"], "prompt": "again"}
    second = await server.result("turn/start", params)
    assert second["session_id"] == first["session_id"]
    assert second["text"]


async def test_events_come_before_the_response(server: RawServer) -> None:
    result = await server.result("session/create", {"prompt": "hi"})
    params = [message["params"] for message in server.notifications]
    assert {each["session_id"] for each in params} == {result["session_id"]}
    assert {each["request_id"] for each in params} == {1}
    kinds = [each["event"]["type"] for each in params]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_completed"
    await server.result("session/list", {})
    assert len(server.notifications) == len(kinds)


async def test_list_and_archive(server: RawServer) -> None:
    session_id = (await server.result("session/create", {"prompt": "hi"}))["session_id"]
    listed = (await server.result("session/list", {}))["sessions"]
    assert session_id in [entry["session_id"] for entry in listed]
    await server.result("session/archive", {"session_id": session_id})
    listed = (await server.result("session/list", {}))["sessions"]
    assert session_id not in [entry["session_id"] for entry in listed]


async def test_capabilities(server: RawServer) -> None:
    result = await server.result("capabilities/get", {})
    assert result["contract_version"]
    statuses = {entry["id"]: entry["status"] for entry in result["capabilities"]}
    assert statuses["sessions"] == "Available"


async def test_an_unknown_session_is_an_error_and_no_more(server: RawServer) -> None:
    params = {"session_id": "00000000-0000-0000-0000-000000000000", "prompt": "hi"}
    response = await server.call("turn/start", params)
    assert response["error"]["code"] == -32001
    assert (await server.result("session/create", {"prompt": "hi"}))["text"]


@live
async def test_a_conversation_remembers(live_server: RawServer) -> None:
    prompt = "My name is Ximena. Answer with one word: noted."
    first = await live_server.result("session/create", {"prompt": prompt})
    assert first["text"]
    params = {"session_id": first["session_id"], "prompt": "What is my name? One word."}
    second = await live_server.result("turn/start", params)
    assert "ximena" in second["text"].lower()
