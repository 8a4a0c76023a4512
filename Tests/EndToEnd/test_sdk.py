"""The Python package and the built rkat together, with a scripted model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rkat_process import Folder, text_of
from scripted_model import HELD, ScriptedModel, call, say
from sdk_process import Launcher

from meerkat import MeerkatClient, MeerkatError, StreamingTurn

pytestmark = pytest.mark.asyncio

Event = dict[str, Any]

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "population": {"type": "integer"}},
    "required": ["city", "population"],
}
TOKYO = {"city": "Tokyo", "population": 14000000}
TOKYO_TEXT = '{"city": "Tokyo", "population": 14000000}'


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    """The model; a test appends its answers."""
    with ScriptedModel() as model:
        yield model


@pytest.fixture
def launcher(folder: Folder, model: ScriptedModel) -> Launcher:
    return Launcher(folder, RKAT_LOCAL_URL=model.url)


def configure(folder: Folder, config: str) -> None:
    (folder.path / ".rkat" / "config.toml").write_text(config)


async def failure(turn: StreamingTurn, events: list[Event]) -> MeerkatError:
    """The error a turn ends with; notes its events."""
    with pytest.raises(MeerkatError) as caught:
        async with turn:
            async for event in turn:
                events.append(event)
    return caught.value


def of_type(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["type"] == kind]


async def texts(client: MeerkatClient, session_id: str) -> list[str]:
    """The texts of the messages of a history that have any."""
    messages = (await client.session_history(session_id))["messages"]
    found = [text_of(message) for message in messages if message["role"] != "tool_results"]
    return [text for text in found if text]


# Options of sessions and turns


async def test_an_opened_session_waits_for_its_first_turn(
    launcher: Launcher, folder: Folder, model: ScriptedModel
) -> None:
    work = folder.path / "work"
    work.mkdir()
    model.answers += [call(("write_file", {"path": "a.txt", "content": "A"})), say("Written.")]
    async with MeerkatClient(str(launcher)) as client:
        session_id = await client.open_session(
            system_prompt="Write.", enable_builtins=True, cwd=work, run_id="5f0d4a3e-8f3b-4c58-9f4e-2d0f6d1c7a11")
        assert model.requests == []
        state = await client.read_session(session_id)
        assert (state["state"], state["message_count"]) == ("idle", 0)
        assert [entry["session_id"] for entry in await client.list_sessions()] == [session_id]
        assert session_id == await client.open_session(run_id="5f0d4a3e-8f3b-4c58-9f4e-2d0f6d1c7a11")
    async with MeerkatClient(str(launcher)) as client:
        result = await client.start_turn(session_id, "Write A.")
    assert (result.session_id, result.text, result.tool_calls) == (session_id, "Written.", 1)
    assert (result.provider, result.model) == ("openai_compatible", "scripted")
    assert result.endpoint is not None and result.endpoint.startswith("127.0.0.1")
    assert (work / "a.txt").read_text() == "A"
    assert model.requests[0]["messages"][0] == {"role": "system", "content": "Write."}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"cwd": "relative"}, "cwd"),
        ({"cwd": Path("/no/such/place")}, "cwd"),
        ({"limits": {"max_turns": 0}}, "limits"),
        ({"limits": {"max_gold": 1}}, "limits"),
        ({"output_schema": {"type": "city"}}, "output_schema"),
    ],
)
async def test_an_option_that_cannot_be_used_creates_nothing(
    launcher: Launcher, options: dict[str, Any], field: str
) -> None:
    async with MeerkatClient(str(launcher)) as client:
        for refused in (client.create_session("Hello.", **options), client.open_session(**options)):
            with pytest.raises(MeerkatError) as caught:
                await refused
            assert (caught.value.code, caught.value.details) == ("INVALID_PARAMS", {"field": field})
        assert await client.list_sessions(include_stored=True) == []


async def test_a_turn_may_differ_from_its_session(launcher: Launcher, model: ScriptedModel) -> None:
    model.answers += [say("One."), say(TOKYO_TEXT), say("Three.")]
    async with MeerkatClient(str(launcher)) as client:
        first = await client.create_session("First.", max_tokens=100)
        second = await client.start_turn(
            first.session_id, "Second.", model="another", provider="openai_compatible", max_tokens=50,
            output_schema=CITY, structured_output_retries=0, limits={"max_turns": 1})
        third = await client.start_turn(first.session_id, "Third.")
    assert [each.model for each in (first, second, third)] == ["scripted", "another", "scripted"]
    assert [each.structured_output for each in (first, second, third)] == [None, TOKYO, None]
    assert [request["model"] for request in model.requests] == ["scripted", "another", "scripted"]
    bounds = [request.get("max_tokens") or request["max_completion_tokens"] for request in model.requests]
    assert bounds == [100, 50, 100]
    assert ["response_format" in request for request in model.requests] == [False, True, False]


# Structured output


@pytest.mark.parametrize("wrapped", [False, True])
async def test_an_answer_that_does_not_fit_is_asked_for_again(
    launcher: Launcher, model: ScriptedModel, wrapped: bool
) -> None:
    model.answers += [say("Tokyo is large."), say('{"city": "Tokyo"}'), say(f"```json\n{TOKYO_TEXT}\n```")]
    schema = {"schema": CITY, "name": "city", "strict": False} if wrapped else CITY
    async with MeerkatClient(str(launcher)) as client:
        result = await client.create_session("Tell me about Tokyo.", output_schema=schema)
    assert (result.structured_output, result.turns, result.schema_warnings) == (TOKYO, 3, None)
    assert "population" in model.said(2)[-1]


async def test_a_session_with_tools_is_asked_for_the_value_at_the_end(launcher: Launcher, model: ScriptedModel) -> None:
    model.answers += [call(("datetime", {})), say("I know now."), say(TOKYO_TEXT)]
    async with MeerkatClient(str(launcher)) as client:
        result = await client.create_session("Tell me about Tokyo.", output_schema=CITY, enable_builtins=True)
    assert (result.structured_output, result.tool_calls, result.turns) == (TOKYO, 1, 3)


async def test_no_fitting_answer_is_an_error_that_tells_the_last_one(launcher: Launcher, model: ScriptedModel) -> None:
    model.answers += [say("Large."), say("Very large."), say("Hello.")]
    async with MeerkatClient(str(launcher)) as client:
        with pytest.raises(MeerkatError) as caught:
            await client.create_session("Tell me about Tokyo.", output_schema=CITY, structured_output_retries=1)
        error = caught.value
        assert (error.code, error.reason) == ("AGENT_ERROR", "structured_output")
        assert (error.details["attempts"], error.details["last_output"]) == (2, "Very large.")
        assert error.details["problem"]
        assert error.session_id is not None
        assert (await client.read_session(error.session_id))["state"] == "idle"


# Limits


async def test_the_last_turn_allowed_may_have_a_result(launcher: Launcher, model: ScriptedModel) -> None:
    model.answers += [call(("datetime", {}), text="Let me see."), call(("datetime", {}))]
    events: list[Event] = []
    async with MeerkatClient(str(launcher)) as client:
        session_id = await client.open_session(enable_builtins=True, limits={"max_turns": 1})
        result = await client.start_turn(session_id, "What time is it?")
        assert (result.text, result.stop_reason, result.turns) == ("Let me see.", "max_turns", 1)
        error = await failure(client.start_turn_streaming(session_id, "Again?"), events)
    assert (error.code, error.rpc_code, error.reason) == ("BUDGET_EXHAUSTED", -32011, "max_turns")
    assert events[-1]["type"] == "run_failed"


async def test_tool_calls_are_limited(launcher: Launcher, model: ScriptedModel) -> None:
    model.answers += [call(("datetime", {}), ("datetime", {}))]
    events: list[Event] = []
    async with MeerkatClient(str(launcher)) as client:
        turn = client.create_session_streaming("Time?", enable_builtins=True, limits={"max_tool_calls": 1})
        error = await failure(turn, events)
    assert (error.code, error.reason) == ("BUDGET_EXHAUSTED", "max_tool_calls")
    # The second is refused, and that takes less time than the first.
    refused = {event["id"]: event["is_error"] for event in of_type(events, "tool_execution_completed")}
    assert refused == {"call_0": False, "call_1": True}
    [warning] = of_type(events, "budget_warning")
    assert warning == {"type": "budget_warning", "budget_type": "tool_calls", "used": 2, "limit": 1, "percent": 2}


async def test_tokens_are_limited_over_all_turns_of_a_session(launcher: Launcher, model: ScriptedModel) -> None:
    model.answers += [say("One.", tokens=850), say("Two.", tokens=200)]
    async with MeerkatClient(str(launcher)) as client:
        async with client.create_session_streaming("First.", limits={"max_tokens": 1000}) as turn:
            events = [event async for event in turn]
        [warning] = of_type(events, "budget_warning")
        assert (warning["budget_type"], warning["used"], warning["percent"]) == ("tokens", 850, 0.85)
        second = await client.start_turn(turn.session_id, "Second.")
        assert second.text == "Two."
        assert second.usage is not None and second.usage.total_tokens == 1050
        with pytest.raises(MeerkatError) as caught:
            await client.start_turn(turn.session_id, "Third.")
        assert (caught.value.code, caught.value.reason) == ("BUDGET_EXHAUSTED", "max_tokens")
        assert len(model.requests) == 2
        model.answers.append(say("Three."))
        assert (await client.start_turn(turn.session_id, "Third.", limits={"max_tokens": 2000})).text == "Three."


async def test_a_turn_ends_when_its_time_is_over(launcher: Launcher, model: ScriptedModel) -> None:
    model.answers += [HELD, say("Quick.")]
    events: list[Event] = []
    async with MeerkatClient(str(launcher)) as client:
        before = time.monotonic()
        error = await failure(client.create_session_streaming("Slowly.", limits={"max_duration_ms": 300}), events)
        assert 0.3 <= time.monotonic() - before < 2
        assert (error.code, error.reason) == ("BUDGET_EXHAUSTED", "max_duration")
        assert of_type(events, "budget_warning")[-1]["budget_type"] == "time"
        assert error.session_id is not None
        assert (await client.start_turn(error.session_id, "Again.")).text == "Quick."


async def test_a_call_made_again_and_again_ends_the_turn(launcher: Launcher, model: ScriptedModel) -> None:
    model.answers += [call(("task_get", {"id": "no such task"}))] * 6
    async with MeerkatClient(str(launcher)) as client:
        with pytest.raises(MeerkatError) as caught:
            await client.create_session("Get it.", enable_builtins=True)
    assert (caught.value.code, caught.value.reason) == ("BUDGET_EXHAUSTED", "max_repeats")
    assert len(model.requests) == 6


async def test_a_call_that_takes_too_long_is_ended(launcher: Launcher, folder: Folder, model: ScriptedModel) -> None:
    configure(folder, '[tools.tool_timeouts]\nwait = "200ms"\n')
    model.answers += [call(("wait", {"seconds": 60})), say("Enough.")]
    async with MeerkatClient(str(launcher)) as client:
        async with client.create_session_streaming("Wait.", enable_builtins=True) as turn:
            events = [event async for event in turn]
    assert turn.result.text == "Enough."
    [timed_out] = of_type(events, "tool_execution_timed_out")
    assert timed_out == {"type": "tool_execution_timed_out", "id": "call_0", "name": "wait", "timeout_ms": 200}
    [completed] = of_type(events, "tool_execution_completed")
    assert completed["is_error"]


# Interrupts


@pytest.mark.parametrize("way", ["interrupt", "cancel"])
async def test_a_wait_of_a_minute_is_interrupted_within_a_second(
    launcher: Launcher, model: ScriptedModel, way: str
) -> None:
    model.answers += [call(("wait", {"seconds": 60})), say("Here.")]
    async with MeerkatClient(str(launcher)) as client:
        session_id = await client.open_session(enable_builtins=True)
        async with client.start_turn_streaming(session_id, "Wait a minute.") as turn:
            async for event in turn:
                if event["type"] == "tool_execution_started":
                    break
            for busy in (client.resume_turn(session_id), client.compact_session(session_id)):
                with pytest.raises(MeerkatError) as caught:
                    await busy
                assert caught.value.code == "SESSION_BUSY"
            before = time.monotonic()
            if way == "interrupt":
                await client.interrupt(session_id, turn.run_id)
            else:
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(turn.collect(), 0.1)
            with pytest.raises(MeerkatError) as caught:
                await turn.collect()
        assert time.monotonic() - before < 1
        assert (caught.value.code, caught.value.reason) == ("AGENT_ERROR", "cancelled")
        assert (await client.read_session(session_id))["state"] == "idle"
        assert (await client.start_turn(session_id, "Are you there?")).text == "Here."


# Resuming


async def test_a_turn_goes_on_after_its_process_was_killed(
    launcher: Launcher, folder: Folder, model: ScriptedModel
) -> None:
    model.answers += [call(("write_file", {"path": "a.txt", "content": "A"})), HELD, say("Done.")]
    async with MeerkatClient(str(launcher)) as client:
        session_id = await client.open_session(enable_builtins=True)
        async with client.start_turn_streaming(session_id, "Write A.") as turn:
            async for event in turn:
                if event["type"] == "text_delta":
                    break
            launcher.kill()
            with pytest.raises(MeerkatError) as caught:
                await turn.collect()
        assert caught.value.code == "CONNECTION_CLOSED"
        (folder.path / "a.txt").unlink()

        await client.connect()
        state = await client.read_session(session_id)
        assert (state["state"], state["run_id"]) == ("interrupted", turn.run_id)
        async with client.resume_turn_streaming(session_id) as resumed:
            events = [event async for event in resumed]
        assert events[0] == {**events[0], "type": "run_started", "prompt": "Write A.", "resumed": True}
        assert resumed.run_id == turn.run_id == resumed.result.run_id
        assert (resumed.result.text, resumed.result.turns, resumed.result.tool_calls) == ("Done.", 2, 1)
        # What was done is not done again, and the model is asked the same once more.
        assert not (folder.path / "a.txt").exists()
        assert model.requests[2] == model.requests[1]
        assert await texts(client, session_id) == ["Write A.", "Done."]

        again = await client.resume_turn(session_id, turn.run_id)
        assert again == resumed.result
        with pytest.raises(MeerkatError) as caught:
            await client.resume_turn(session_id)
        assert (caught.value.code, caught.value.rpc_code) == ("SESSION_NOT_RUNNING", -32003)


async def test_an_awaited_resumption_that_is_cancelled_is_interrupted(
    launcher: Launcher, model: ScriptedModel
) -> None:
    model.answers += [HELD, HELD, say("Here.")]
    async with MeerkatClient(str(launcher)) as client:
        session_id = await client.open_session()
        async with client.start_turn_streaming(session_id, "Slowly.") as turn:
            async for event in turn:
                if event["type"] == "text_delta":
                    break
            launcher.kill()
            with pytest.raises(MeerkatError):
                await turn.collect()
        await client.connect()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.resume_turn(session_id), 0.5)
        await client.interrupt(session_id)
        assert len(model.requests) == 2
        assert (await client.start_turn(session_id, "Are you there?")).text == "Here."


# Forks and summaries


async def test_a_fork_goes_its_own_way(launcher: Launcher, model: ScriptedModel) -> None:
    model.answers += [say("One."), say("Two."), say("Other."), say("Three.")]
    async with MeerkatClient(str(launcher)) as client:
        original = (await client.create_session("First.", system_prompt="Count.")).session_id
        first_answer = (await client.session_history(original))["messages"][-1]["seq"]
        await client.start_turn(original, "Second.")
        fork = await client.fork_session(original, first_answer)
        assert (fork["state"], fork["message_count"], fork["total_tokens"]) == ("idle", 2, 0)
        assert fork["last_assistant_text"] == "One."
        other = await client.start_turn(fork["session_id"], "Else.")
        assert other.text == "Other."
        assert other.usage is not None and other.usage.total_tokens == 30
        await client.start_turn(original, "Third.")
        assert await texts(client, fork["session_id"]) == ["First.", "One.", "Else.", "Other."]
        assert model.said(2) == ["First.", "One.", "Else."]
        assert model.said(3) == ["First.", "One.", "Second.", "Two.", "Third."]
        assert (await client.fork_session(original))["message_count"] == 6
        with pytest.raises(MeerkatError) as caught:
            await client.fork_session(original, 10_000)
        assert (caught.value.code, caught.value.details) == ("INVALID_PARAMS", {"field": "seq"})


async def test_a_summary_takes_the_place_of_what_was_said_before(
    launcher: Launcher, folder: Folder, model: ScriptedModel
) -> None:
    configure(folder, "[compaction]\nrecent_turn_budget = 1\n")
    model.answers += [say("One."), say("Two."), say("Three."), say("They counted.", tokens=40), say("Four.")]
    async with MeerkatClient(str(launcher)) as client:
        session_id = await client.open_session()
        assert await client.compact_session(session_id) == {"compacted": False}
        for prompt in ("First.", "Second.", "Third."):
            await client.start_turn(session_id, prompt)
        summary = await client.compact_session(session_id)
        assert summary == {"compacted": True, "summary_tokens": 1, "messages_before": 6, "messages_after": 3}
        assert (await client.start_turn(session_id, "Fourth.")).text == "Four."
        assert "They counted." in model.said(4)[0]
        assert model.said(4)[-2:] == ["Three.", "Fourth."]
        assert (await texts(client, session_id))[:2] == ["First.", "One."]


async def test_a_summary_that_is_not_waited_for_is_given_up(
    launcher: Launcher, folder: Folder, model: ScriptedModel
) -> None:
    configure(folder, "[compaction]\nrecent_turn_budget = 1\n")
    model.answers += [say("One."), say("Two."), HELD, say("Three.")]
    async with MeerkatClient(str(launcher)) as client:
        session_id = (await client.create_session("First.")).session_id
        await client.start_turn(session_id, "Second.")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.compact_session(session_id), 0.5)
        await client.interrupt(session_id)
        assert (await client.start_turn(session_id, "Third.")).text == "Three."
        assert model.said(3) == ["First.", "One.", "Second.", "Two.", "Third."]


async def test_a_long_conversation_is_summarized_by_itself(
    launcher: Launcher, folder: Folder, model: ScriptedModel
) -> None:
    configure(folder, "[compaction]\nauto_compact_threshold = 100\nrecent_turn_budget = 1\n")
    model.answers += [say("One."), say("Two.", tokens=200), say("They counted.", tokens=40), say("Three.")]
    async with MeerkatClient(str(launcher)) as client:
        session_id = (await client.create_session("First.")).session_id
        await client.start_turn(session_id, "Second.")
        async with client.start_turn_streaming(session_id, "Third.") as turn:
            events = [event async for event in turn]
    kinds = [event["type"] for event in events]
    assert kinds[:4] == ["run_started", "compaction_started", "compaction_completed", "turn_started"]
    assert set(events[1]) == {"type", "input_tokens", "estimated_history_tokens", "message_count"}
    assert events[2]["summary_tokens"] == 1
    assert turn.result.text == "Three."
