"""The built `rkat`: it starts, answers and stops. Needs no model."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from real_rkat import RawServer, make_rkat, needs_rkat

from meerkat import CONTRACT_VERSION, MeerkatClient, MeerkatError

pytestmark = needs_rkat


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[MeerkatClient]:
    """A client of a server whose model is the built-in fake, which says `ok`."""
    async with MeerkatClient(make_rkat(tmp_path, RKAT_TEST_CLIENT="1")) as client:
        yield client


async def test_first_line_answers_initialize_and_terminate_ends_it(tmp_path: Path) -> None:
    server = await RawServer.start(tmp_path)
    await server.send("initialize", {})
    response = await server.read()
    assert response["id"] == 1
    assert response["result"]["contract_version"] == CONTRACT_VERSION
    await server.stop()


def test_capabilities_command(tmp_path: Path) -> None:
    command = [make_rkat(tmp_path), "capabilities"]
    run = subprocess.run(command, capture_output=True, timeout=10, check=True)
    printed = json.loads(run.stdout)
    assert printed["contract_version"] == {"major": 0, "minor": 1, "patch": 0}
    assert "sessions" in [entry["id"] for entry in printed["capabilities"]]


async def test_stdout_carries_messages_only(tmp_path: Path) -> None:
    server = await RawServer.start(
        tmp_path, RKAT_TEST_CLIENT="1", RUST_LOG="trace", RKAT_LOG="trace"
    )
    await server.result("initialize", {})
    await server.result("session/create", {"prompt": "hi"})
    await server.stop()
    assert {message["method"] for message in server.notifications} == {"session/event"}


async def test_a_session_from_creation_to_archive(client: MeerkatClient) -> None:
    first = await client.create_session("hi")
    assert first.text == "ok"
    second = await client.start_turn(first.session_id, "and again")
    assert (second.session_id, second.text) == (first.session_id, "ok")
    assert first.session_id in [entry["session_id"] for entry in await client.list_sessions()]
    assert (await client.read_session(first.session_id))["state"] == "idle"
    await client.archive_session(first.session_id)
    assert first.session_id not in [entry["session_id"] for entry in await client.list_sessions()]


async def test_streams(client: MeerkatClient) -> None:
    async with client.create_session_streaming("hi") as turn:
        events = [event async for event in turn]
    assert events[0] == {**events[0], "type": "run_started", "session_id": turn.session_id}
    assert [event["type"] for event in events].count("run_completed") == 1
    assert events[-1]["type"] == "run_completed"
    async with client.start_turn_streaming(turn.session_id, "again") as turn:
        text, result = await turn.collect_text()
    assert (text, result.text) == ("ok", "ok")


async def test_sessions_are_created_side_by_side(client: MeerkatClient) -> None:
    results = await asyncio.gather(*(client.create_session(f"number {n}") for n in range(20)))
    assert len({result.session_id for result in results}) == 20
    listed = [entry["session_id"] for entry in await client.list_sessions()]
    assert set(listed) == {result.session_id for result in results}


async def test_asking_twice_runs_once(client: MeerkatClient) -> None:
    first = await client.create_session("hi")
    assert first.run_id is not None
    again = await client.create_session("hi", run_id=first.run_id)
    assert (again.session_id, again.text) == (first.session_id, first.text)
    assert len(await client.list_sessions()) == 1


async def test_interrupting_an_idle_session_does_nothing(client: MeerkatClient) -> None:
    session = await client.create_session("hi")
    await client.interrupt(session.session_id)
    assert (await client.start_turn(session.session_id, "still there?")).text == "ok"


async def test_long_prompt(client: MeerkatClient) -> None:
    assert (await client.create_session("x" * (10 * 1024 * 1024))).text == "ok"


async def test_history_in_pages(client: MeerkatClient) -> None:
    session_id = (await client.create_session("hi")).session_id
    first = await client.session_history(session_id, limit=1)
    rest = await client.session_history(session_id, cursor=first["next_cursor"])
    assert [message["role"] for message in first["messages"]] == ["user"]
    assert [message["role"] for message in rest["messages"]] == ["block_assistant"]
    assert rest.get("next_cursor") is None


async def test_a_deleted_session_is_gone(client: MeerkatClient) -> None:
    session = await client.create_session("hi")
    await client.delete_session(session.session_id)
    with pytest.raises(MeerkatError) as caught:
        await client.read_session(session.session_id)
    assert (caught.value.code, caught.value.rpc_code) == ("SESSION_NOT_FOUND", -32001)
