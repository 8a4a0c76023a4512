"""The client against a process that speaks the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from conftest import FakeRkat, is_running

from meerkat import (
    CapabilitiesResponse,
    CapabilityUnavailableError,
    Image,
    MeerkatClient,
    MeerkatError,
    SessionNotFoundError,
    SkillNotFoundError,
    WireModel,
    WireRunResult,
    WireUsage,
    _process,
)


@pytest.fixture
async def client(fake_rkat: FakeRkat) -> AsyncIterator[MeerkatClient]:
    async with MeerkatClient(fake_rkat()) as client:
        yield client


async def received(client: MeerkatClient, method: str) -> list[dict[str, Any]]:
    """The parameters of each request of that name the server has seen."""
    requests = (await client.read_session("now"))["received"]
    return [request["params"] for request in requests if request["method"] == method]


async def interrupts(client: MeerkatClient) -> list[dict[str, Any]]:
    """The interrupts the server has seen, once no turn is held any more."""
    requests = (await asyncio.wait_for(client.read_session("ended"), 10))["received"]
    return [request["params"] for request in requests if request["method"] == "turn/interrupt"]


async def give_up(task: asyncio.Task[Any]) -> None:
    """Cancels a call and waits for it to end."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class TestConnecting:
    async def test_shakes_hands(self, client: MeerkatClient) -> None:
        assert await received(client, "initialize") == [
            {"client": {"name": "meerkat-sdk", "version": "0.1.0", "discard_text": True}}
        ]
        capabilities = await client.get_capabilities()
        assert capabilities.contract_version == "0.1.0"
        assert [(entry.id, entry.status) for entry in capabilities.capabilities] == [
            ("sessions", "Available"),
            ("shell", "NotCompiled"),
        ]
        assert client.has_capability("sessions")
        assert not client.has_capability("shell")
        client.require_capability("sessions")
        with pytest.raises(CapabilityUnavailableError, match="NotCompiled"):
            client.require_capability("shell")

    async def test_connecting_again_does_nothing(
        self, client: MeerkatClient, pid_file: Path
    ) -> None:
        assert await client.connect() is client
        await asyncio.gather(client.connect(), client.connect())
        assert len(pid_file.read_text().split()) == 1

    async def test_a_closed_client_can_connect_again(self, client: MeerkatClient) -> None:
        await client.close()
        await client.connect()
        assert (await client.create_session("say hi")).text == "hi"

    def test_missing_binary(self, tmp_path: Path) -> None:
        plain = tmp_path / "plain"
        plain.write_text("")
        for path in ["no-such-rkat", str(tmp_path / "nowhere"), str(plain)]:
            with pytest.raises(MeerkatError, match=path) as caught:
                MeerkatClient(path)
            assert caught.value.code == "BINARY_NOT_FOUND"

    async def test_vanished_binary(self, fake_rkat: FakeRkat) -> None:
        path = fake_rkat()
        client = MeerkatClient(path)
        Path(path).unlink()
        with pytest.raises(MeerkatError, match=path) as caught:
            await client.connect()
        assert caught.value.code == "BINARY_NOT_FOUND"

    @pytest.mark.parametrize(
        ("options", "code"),
        [
            (["--contract-version", "0.2.0"], "VERSION_MISMATCH"),
            (["--contract-version", ""], "VERSION_MISMATCH"),
            (["--no-capabilities"], "INTERNAL_ERROR"),
            (["--no-such-option"], "CONNECTION_CLOSED"),
        ],
    )
    async def test_failing_to_connect_ends_the_process(
        self, fake_rkat: FakeRkat, pid_file: Path, options: list[str], code: str
    ) -> None:
        client = MeerkatClient(fake_rkat(*options))
        with pytest.raises(MeerkatError) as caught:
            await client.connect()
        assert caught.value.code == code
        started = pid_file.read_text() if pid_file.exists() else ""
        assert not any(is_running(int(pid)) for pid in started.split())
        with pytest.raises(MeerkatError) as caught:
            await client.list_sessions()
        assert caught.value.code == "NOT_CONNECTED"

    async def test_nothing_works_unconnected(self, fake_rkat: FakeRkat) -> None:
        client = MeerkatClient(fake_rkat())
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: client.create_session("p"),
            lambda: client.start_turn("s", "p"),
            lambda: client.resume_turn("s"),
            lambda: client.open_session(),
            lambda: client.fork_session("s"),
            lambda: client.compact_session("s"),
            lambda: client.interrupt("s"),
            lambda: client.list_sessions(),
            lambda: client.get_capabilities(),
        ]
        for call in calls:
            with pytest.raises(MeerkatError) as caught:
                await call()
            assert caught.value.code == "NOT_CONNECTED"
        with pytest.raises(MeerkatError) as caught:
            client.create_session_streaming("p")
        assert caught.value.code == "NOT_CONNECTED"
        with pytest.raises(MeerkatError) as caught:
            client.start_turn_streaming("s", "p")
        assert caught.value.code == "NOT_CONNECTED"
        with pytest.raises(MeerkatError) as caught:
            client.resume_turn_streaming("s")
        assert caught.value.code == "NOT_CONNECTED"
        assert not client.has_capability("sessions")
        await client.close()


class TestRequests:
    async def test_create_session(self, client: MeerkatClient) -> None:
        result = await client.create_session("say hello there")
        [params] = await received(client, "session/create")
        assert str(UUID(params.pop("run_id"))) == result.run_id
        assert params == {"prompt": "say hello there"}
        assert result == WireRunResult(
            session_id=result.session_id,
            text="hello there",
            turns=1,
            usage=WireUsage(2, 1, 3),
            run_id=result.run_id,
        )

    async def test_every_option(self, client: MeerkatClient) -> None:
        await client.create_session(
            "say x",
            "m",
            "p",
            "s",
            10,
            {"type": "object"},
            3,
            {"disable": ["h"]},
            True,
            True,
            True,
            True,
            True,
            "n",
            {"top_k": 1},
            ["a"],
            ["b"],
            limits={
                "max_tokens": 9,
                "max_duration_ms": 8,
                "max_tool_calls": 7,
                "max_turns": 6,
                "max_cost_usd": 0.5,
            },
            fallback_models=["f", {"provider": "q", "model": "g"}],
            cwd=Path("/w"),
            run_id="r",
        )
        assert await received(client, "session/create") == [
            {
                "prompt": "say x",
                "model": "m",
                "provider": "p",
                "system_prompt": "s",
                "max_tokens": 10,
                "output_schema": {"type": "object"},
                "hooks_override": {"disable": ["h"]},
                "enable_builtins": True,
                "enable_shell": True,
                "enable_subagents": True,
                "enable_memory": True,
                "host_mode": True,
                "comms_name": "n",
                "provider_params": {"top_k": 1},
                "preload_skills": ["a"],
                "skill_references": ["b"],
                "structured_output_retries": 3,
                "limits": {
                    "max_tokens": 9,
                    "max_duration_ms": 8,
                    "max_tool_calls": 7,
                    "max_turns": 6,
                    "max_cost_usd": 0.5,
                },
                "fallback_models": ["f", {"provider": "q", "model": "g"}],
                "cwd": "/w",
                "run_id": "r",
            }
        ]

    async def test_empty_is_not_absent(self, client: MeerkatClient) -> None:
        await client.create_session(
            "say",
            max_tokens=0,
            system_prompt="",
            structured_output_retries=0,
            provider_params={},
            preload_skills=[],
            limits={"max_cost_usd": 0},
            fallback_models=[],
            run_id="r",
        )
        assert await received(client, "session/create") == [
            {
                "prompt": "say",
                "system_prompt": "",
                "max_tokens": 0,
                "provider_params": {},
                "preload_skills": [],
                "limits": {"max_cost_usd": 0},
                "fallback_models": [],
                "structured_output_retries": 0,
                "run_id": "r",
            }
        ]

    async def test_start_turn(self, client: MeerkatClient) -> None:
        first = await client.create_session("say one")
        result = await client.start_turn(first.session_id, "say two", ["skill"], run_id="r")
        assert (result.session_id, result.text, result.run_id) == (first.session_id, "two", "r")
        assert await received(client, "turn/start") == [
            {
                "session_id": first.session_id,
                "prompt": "say two",
                "skill_references": ["skill"],
                "run_id": "r",
            }
        ]

    async def test_options_of_one_turn(self, client: MeerkatClient) -> None:
        await client.start_turn(
            "s1",
            "say x",
            model="m",
            provider="p",
            max_tokens=0,
            output_schema={"type": "object"},
            structured_output_retries=2,
            limits={"max_turns": 1},
            fallback_models=("f",),
            run_id="r",
        )
        assert await received(client, "turn/start") == [
            {
                "session_id": "s1",
                "prompt": "say x",
                "model": "m",
                "provider": "p",
                "max_tokens": 0,
                "output_schema": {"type": "object"},
                "structured_output_retries": 2,
                "limits": {"max_turns": 1},
                "fallback_models": ["f"],
                "run_id": "r",
            }
        ]

    async def test_prompts_of_several_parts(self, client: MeerkatClient) -> None:
        prompt: list[str | Image | dict[str, Any]] = ["say hi", Image.file("/a.png"), {"type": "x"}]
        assert (await client.create_session(prompt)).text == "hi"
        assert (await client.start_turn("s1", prompt)).text == "hi"
        for turn in (
            client.create_session_streaming(prompt),
            client.start_turn_streaming("s1", prompt),
        ):
            async with turn:
                assert (await turn.collect_text())[0] == "hi"
        sent = [
            {"type": "text", "text": "say hi"},
            {"type": "image", "source": {"type": "file", "path": "/a.png"}},
            {"type": "x"},
        ]
        for method in ("session/create", "turn/start"):
            assert [params["prompt"] for params in await received(client, method)] == [sent, sent]

    async def test_what_is_no_prompt_is_not_sent(self, client: MeerkatClient) -> None:
        prompt: Any = Image.file("/a.png")
        with pytest.raises(TypeError):
            await client.create_session(prompt)
        with pytest.raises(TypeError):
            client.start_turn_streaming("s1", prompt)
        assert await received(client, "session/create") == []

    async def test_open_session(self, client: MeerkatClient) -> None:
        session_id = await client.open_session(model="m", cwd="/w", enable_builtins=True)
        again = await client.open_session(run_id="r")
        [first, second] = await received(client, "session/create")
        assert str(UUID(first.pop("run_id"))) == session_id.removeprefix("session-of-")
        assert first == {"model": "m", "cwd": "/w", "enable_builtins": True, "initial_turn": False}
        assert (second, again) == ({"run_id": "r", "initial_turn": False}, "session-of-r")
        assert (await client.start_turn(session_id, "say hi")).session_id == session_id

    async def test_resume_turn(self, client: MeerkatClient) -> None:
        result = await client.resume_turn("say hi")
        assert (result.session_id, result.text) == ("say hi", "hi")
        assert (await client.resume_turn("say hi", "r")).run_id == "r"
        assert await received(client, "turn/resume") == [
            {"session_id": "say hi"},
            {"session_id": "say hi", "run_id": "r"},
        ]

    async def test_fork_session(self, client: MeerkatClient) -> None:
        assert (await client.fork_session("s1"))["state"] == "idle"
        await client.fork_session("s1", 5)
        await client.fork_session("s1", seq=0, run_id="r")
        assert await received(client, "session/fork") == [
            {"session_id": "s1"},
            {"session_id": "s1", "seq": 5},
            {"session_id": "s1", "seq": 0, "run_id": "r"},
        ]

    async def test_compact_session(self, client: MeerkatClient) -> None:
        assert await client.compact_session("s1") == {
            "compacted": True,
            "summary_tokens": 310,
            "messages_before": 42,
            "messages_after": 9,
        }
        assert await received(client, "session/compact") == [{"session_id": "s1"}]

    async def test_sessions(self, client: MeerkatClient) -> None:
        assert await client.list_sessions() == [{"session_id": "s2"}]
        assert await client.list_sessions(include_stored=True) == [
            {"session_id": "s1"},
            {"session_id": "s2"},
        ]
        assert await received(client, "session/list") == [
            {},
            {"include_stored": True},
            {"include_stored": True, "cursor": "2"},
        ]
        assert await client.session_history("s1") == {"messages": []}
        await client.session_history("s1", cursor=4, limit=5)
        assert await received(client, "session/history") == [
            {"session_id": "s1"},
            {"session_id": "s1", "cursor": 4, "limit": 5},
        ]
        await client.archive_session("s1")
        await client.delete_session("s1")
        await client.interrupt("s1")
        await client.interrupt("s1", "r")
        await client.read_session("s1")
        await client.read_session("s1", include_calls=True)
        reads = await received(client, "session/read")
        assert [params for params in reads if params["session_id"] == "s1"] == [
            {"session_id": "s1"},
            {"session_id": "s1", "include_calls": True},
        ]
        assert await received(client, "session/archive") == [{"session_id": "s1"}]
        assert await received(client, "session/delete") == [{"session_id": "s1"}]
        assert await received(client, "turn/interrupt") == [
            {"session_id": "s1"},
            {"session_id": "s1", "run_id": "r"},
        ]

    async def test_models(self, client: MeerkatClient) -> None:
        assert await client.list_models() == [WireModel("anthropic", "claude-sonnet-4-5")]
        await client.list_models("openai")
        await client.list_models(provider="gemini")
        assert await received(client, "models/list") == [
            {},
            {"provider": "openai"},
            {"provider": "gemini"},
        ]

    async def test_configuration_is_sent_bare(self, client: MeerkatClient) -> None:
        assert await client.get_config() == {"max_tokens": 1}
        await client.set_config({"max_tokens": 2})
        assert await client.patch_config({"max_tokens": 3}) == {"max_tokens": 3}
        assert await received(client, "config/set") == [{"max_tokens": 2}]
        assert await received(client, "config/patch") == [{"max_tokens": 3}]

    @pytest.mark.parametrize(
        ("number", "kind", "code"),
        [
            (-32001, SessionNotFoundError, "SESSION_NOT_FOUND"),
            (-32002, MeerkatError, "SESSION_BUSY"),
            (-32020, CapabilityUnavailableError, "CAPABILITY_UNAVAILABLE"),
            (-32021, SkillNotFoundError, "SKILL_NOT_FOUND"),
            (-32601, MeerkatError, "-32601"),
        ],
    )
    async def test_errors(
        self, client: MeerkatClient, number: int, kind: type[MeerkatError], code: str
    ) -> None:
        with pytest.raises(MeerkatError, match=f"fail {number}") as caught:
            await client.create_session(f"fail {number}")
        assert type(caught.value) is kind
        assert (caught.value.code, caught.value.rpc_code) == (code, number)

    async def test_a_request_that_cannot_be_sent_disturbs_no_other(
        self, client: MeerkatClient
    ) -> None:
        with pytest.raises(TypeError):
            await client.create_session("say x", provider_params={"x": object()})
        with pytest.raises(ValueError):
            await client.create_session("say \ud800")
        with pytest.raises(ValueError):
            await client.patch_config({"x": float("nan")})
        with pytest.raises(MeerkatError, match="64 MiB") as caught:
            await client.create_session("x" * (64 * 1024 * 1024))
        assert caught.value.code == "INVALID_PARAMS"
        assert (await client.create_session("say hi")).text == "hi"

    async def test_very_long_lines_in_both_directions(self, client: MeerkatClient) -> None:
        size = 10 * 1024 * 1024
        async with client.create_session_streaming(f"big {size}", system_prompt="p" * size) as turn:
            text, result = await turn.collect_text()
        assert (len(text), len(result.text)) == (size, size)
        [params] = await received(client, "session/create")
        assert len(params["system_prompt"]) == size


class TestStreaming:
    async def test_a_new_session_streams_live(self, client: MeerkatClient) -> None:
        async with client.create_session_streaming("hold", run_id="r") as turn:
            assert turn.session_id == ""
            assert (await anext(turn))["type"] == "run_started"
            assert turn.session_id == "session-of-r"
            await client.interrupt(turn.session_id, turn.run_id)
            assert (await anext(turn))["type"] == "run_failed"
            with pytest.raises(MeerkatError) as caught:
                await anext(turn)
        assert caught.value.code == "AGENT_ERROR"
        assert caught.value.details == {"reason": "cancelled"}
        assert (caught.value.session_id, caught.value.run_id) == ("session-of-r", "r")

    async def test_a_turn_of_a_session(self, client: MeerkatClient) -> None:
        async with client.start_turn_streaming("s1", "say hi there") as turn:
            kinds = [event["type"] async for event in turn]
        assert kinds == ["run_started", "text_delta", "text_delta", "run_completed"]
        assert (turn.session_id, turn.result.text) == ("s1", "hi there")
        assert turn.result.run_id == turn.run_id

    async def test_a_resumed_turn(self, client: MeerkatClient) -> None:
        async with client.resume_turn_streaming("say hi") as turn:
            assert (turn.session_id, turn.run_id) == ("say hi", "")
            assert (await anext(turn))["type"] == "run_started"
            assert turn.run_id != ""
            text, result = await turn.collect_text()
        assert (text, result.text, result.run_id) == ("hi", "hi", turn.run_id)
        async with client.resume_turn_streaming("say hi", "r") as turn:
            assert turn.run_id == "r"
            await turn.collect()
        assert turn.result.run_id == "r"

    async def test_two_new_sessions_at_once(self, client: MeerkatClient) -> None:
        async with (
            client.create_session_streaming("pair") as one,
            client.create_session_streaming("pair") as two,
        ):
            for turn in (one, two):
                text, result = await turn.collect_text()
                assert text == f"a{turn.session_id}b{turn.session_id}"
                assert result.session_id == turn.session_id
        assert one.session_id != two.session_id

    async def test_servers_that_do_not_name_requests(self, fake_rkat: FakeRkat) -> None:
        async with MeerkatClient(fake_rkat("--no-request-ids")) as client:
            async with (
                client.create_session_streaming("pair") as one,
                client.create_session_streaming("pair") as two,
            ):
                for turn in (one, two):
                    text, result = await turn.collect_text()
                    assert text == f"a{turn.session_id}b{turn.session_id}"
                    assert result.session_id == turn.session_id
            async with client.start_turn_streaming("s1", "say hi") as turn:
                assert await turn.collect_text() == ("hi", turn.result)

    async def test_reading_may_begin_after_the_answer(self, client: MeerkatClient) -> None:
        async with client.create_session_streaming("say one two") as turn:
            await client.list_sessions()
            assert [event["type"] async for event in turn] == [
                "run_started",
                "text_delta",
                "text_delta",
                "run_completed",
            ]

    async def test_nothing_is_sent_before_entry(self, client: MeerkatClient) -> None:
        turn = client.create_session_streaming("say hi")
        with pytest.raises(MeerkatError) as caught:
            await turn.collect()
        assert caught.value.code == "STREAM_NOT_STARTED"
        assert await received(client, "session/create") == []
        async with turn:
            assert (await turn.collect()).text == "hi"
        with pytest.raises(MeerkatError) as caught:
            await turn.__aenter__()
        assert caught.value.code == "STREAM_ALREADY_STARTED"

    async def test_leaving_early_interrupts_nothing(self, client: MeerkatClient) -> None:
        async with client.create_session_streaming("hold") as turn:
            async for _ in turn:
                break
        assert await received(client, "turn/interrupt") == []
        await client.interrupt(turn.session_id)
        with pytest.raises(MeerkatError):
            await turn.collect()


class TestGivingUp:
    async def test_a_new_session(self, client: MeerkatClient) -> None:
        task = asyncio.create_task(client.create_session("hold", run_id="r"))
        await received(client, "session/create")
        await give_up(task)
        assert await interrupts(client) == [{"session_id": "session-of-r", "run_id": "r"}]

    async def test_a_new_session_that_is_not_known_yet(self, client: MeerkatClient) -> None:
        task = asyncio.create_task(client.create_session("hold late", run_id="r"))
        await received(client, "session/create")
        await give_up(task)
        await client.list_sessions()
        assert await interrupts(client) == [{"session_id": "session-of-r", "run_id": "r"}]

    async def test_a_turn(self, client: MeerkatClient) -> None:
        task = asyncio.create_task(client.start_turn("s1", "hold", run_id="r"))
        await received(client, "turn/start")
        await give_up(task)
        assert await interrupts(client) == [{"session_id": "s1", "run_id": "r"}]

    async def test_a_turn_that_has_not_begun_is_interrupted_again(
        self, client: MeerkatClient
    ) -> None:
        task = asyncio.create_task(client.start_turn("s1", "hold late", run_id="r"))
        await received(client, "turn/start")
        await give_up(task)
        await client.list_sessions()
        assert await interrupts(client) == [{"session_id": "s1", "run_id": "r"}] * 2

    @pytest.mark.parametrize("late", ["", " late"])
    async def test_a_resumed_turn_whose_run_is_named(
        self, client: MeerkatClient, late: str
    ) -> None:
        session_id = f"hold{late}"
        task = asyncio.create_task(client.resume_turn(session_id, "r"))
        await received(client, "turn/resume")
        await give_up(task)
        await client.list_sessions()
        times = 2 if late else 1
        assert await interrupts(client) == [{"session_id": session_id, "run_id": "r"}] * times

    @pytest.mark.parametrize("late", ["", " late"])
    @pytest.mark.parametrize(
        ("call", "method"), [("resume_turn", "turn/resume"), ("compact_session", "session/compact")]
    )
    async def test_a_run_that_is_not_known_is_interrupted_once_it_has_begun(
        self, client: MeerkatClient, call: str, method: str, late: str
    ) -> None:
        session_id = f"hold{late}"
        task = asyncio.create_task(getattr(client, call)(session_id))
        await received(client, method)
        await give_up(task)
        if late:
            assert await received(client, "turn/interrupt") == []
        await client.list_sessions()
        [interrupt] = await interrupts(client)
        assert interrupt["session_id"] == session_id
        assert interrupt["run_id"].startswith("run-of-")

    @pytest.mark.parametrize("read", ["collect", "collect_text"])
    async def test_a_collected_stream(self, client: MeerkatClient, read: str) -> None:
        async with client.create_session_streaming("hold", run_id="r") as turn:
            task = asyncio.create_task(getattr(turn, read)())
            await received(client, "session/create")
            await give_up(task)
        assert await interrupts(client) == [{"session_id": "session-of-r", "run_id": "r"}]

    async def test_iteration_interrupts_nothing(self, client: MeerkatClient) -> None:
        async def read() -> None:
            async with client.create_session_streaming("hold") as turn:
                async for _ in turn:
                    pass

        task = asyncio.create_task(read())
        await received(client, "session/create")
        await give_up(task)
        assert await received(client, "turn/interrupt") == []

    async def test_closing_ends_the_interrupt_as_well(self, client: MeerkatClient) -> None:
        task = asyncio.create_task(client.create_session("hold late"))
        await received(client, "session/create")
        await give_up(task)
        await client.close()
        assert asyncio.all_tasks() == {asyncio.current_task()}


class TestClosing:
    async def test_open_requests_fail(self, client: MeerkatClient, pid_file: Path) -> None:
        async with client.create_session_streaming("hold") as turn:
            task = asyncio.create_task(client.create_session("hold"))
            await received(client, "session/create")
            await client.close()
            for call in (task, turn.collect()):
                with pytest.raises(MeerkatError) as caught:
                    await call
                assert caught.value.code == "CLIENT_CLOSED"
        assert not is_running(int(pid_file.read_text()))
        with pytest.raises(MeerkatError) as caught:
            await client.list_sessions()
        assert caught.value.code == "NOT_CONNECTED"

    async def test_any_number_of_times_at_once(self, client: MeerkatClient) -> None:
        await asyncio.gather(client.close(), client.close(), client.close())
        await client.close()
        assert client.has_capability("sessions")
        assert (await client.get_capabilities()).contract_version == "0.1.0"

    async def test_a_stream_prepared_before(self, client: MeerkatClient) -> None:
        turn = client.create_session_streaming("say hi")
        await client.close()
        with pytest.raises(MeerkatError) as caught:
            await turn.__aenter__()
        assert caught.value.code == "NOT_CONNECTED"

    async def test_while_connecting(self, fake_rkat: FakeRkat) -> None:
        client = MeerkatClient(fake_rkat())
        task = asyncio.create_task(client.connect())
        while client._connection is None:
            await asyncio.sleep(0)
        await client.close()
        with pytest.raises(MeerkatError) as caught:
            await task
        assert caught.value.code == "CLIENT_CLOSED"

    async def test_a_server_that_does_not_stop_is_killed(
        self, fake_rkat: FakeRkat, pid_file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_process, "_EXIT_GRACE", 0.1)
        async with MeerkatClient(fake_rkat("--stubborn")):
            pass
        assert not is_running(int(pid_file.read_text()))

    async def test_cancelling_the_close_does_not_stop_it(
        self, client: MeerkatClient, pid_file: Path
    ) -> None:
        task = asyncio.create_task(client.close())
        await asyncio.sleep(0)
        await give_up(task)
        await client.close()
        assert not is_running(int(pid_file.read_text()))


class TestDeath:
    async def test_open_requests_tell_its_last_words(self, client: MeerkatClient) -> None:
        seen: list[str] = []
        held = asyncio.create_task(client.create_session("hold"))
        async with client.create_session_streaming("die") as turn:
            with pytest.raises(MeerkatError) as caught:
                async for event in turn:
                    seen.append(event["type"])
        assert seen == ["run_started"]
        assert caught.value.code == "CONNECTION_CLOSED"
        assert caught.value.details == {"exit_status": 3, "stderr": "fatal: out of luck\n"}
        assert str(caught.value) == (
            "rpc process closed (exit status 3); stderr: fatal: out of luck"
        )
        with pytest.raises(MeerkatError) as other:
            await held
        assert other.value.code == "CONNECTION_CLOSED"
        assert other.value is not caught.value

    async def test_later_requests_fail_at_once(self, client: MeerkatClient) -> None:
        with pytest.raises(MeerkatError):
            await client.create_session("die")
        with pytest.raises(MeerkatError) as caught:
            await client.list_sessions()
        assert caught.value.code == "CONNECTION_CLOSED"
        async with client.create_session_streaming("say hi") as turn:
            with pytest.raises(MeerkatError) as caught:
                await turn.collect()
        assert caught.value.code == "CONNECTION_CLOSED"

    async def test_connecting_again_starts_a_new_process(
        self, client: MeerkatClient, pid_file: Path
    ) -> None:
        with pytest.raises(MeerkatError):
            await client.create_session("die")
        await client.connect()
        assert (await client.create_session("say hi")).text == "hi"
        assert len(pid_file.read_text().split()) == 2

    async def test_a_descendant_that_holds_the_pipes_delays_nothing(
        self, client: MeerkatClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_process, "_PIPE_GRACE", 0.05)
        with pytest.raises(MeerkatError, match="exit status 4") as caught:
            await client.create_session("orphan")
        assert caught.value.code == "CONNECTION_CLOSED"

    async def test_a_server_that_no_longer_listens_is_ended(self, client: MeerkatClient) -> None:
        with pytest.raises(MeerkatError, match="signal 15") as caught:
            await client.create_session("deafen")
        assert caught.value.code == "CONNECTION_CLOSED"

    async def test_stderr_is_drained_and_its_end_is_kept(self, fake_rkat: FakeRkat) -> None:
        async with MeerkatClient(fake_rkat("--flood", str(1024 * 1024))) as client:
            with pytest.raises(MeerkatError) as caught:
                await client.create_session("die")
        stderr = caught.value.details["stderr"]
        assert stderr.endswith("xxx" + "fatal: out of luck\n")
        assert len(stderr) == 8 * 1024


async def test_capabilities_are_asked_for_when_none_are_known(client: MeerkatClient) -> None:
    client._capabilities = None
    assert isinstance(await client.get_capabilities(), CapabilitiesResponse)
    assert client.has_capability("sessions")
