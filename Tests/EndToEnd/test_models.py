"""Pictures, fallback models and costs: the Python package and the built rkat together, with scripted models."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rkat_process import Folder, Rkat
from scripted_model import CUT, HELD, ScriptedModel, call, plain, say
from sdk_process import Launcher

from meerkat import Image, MeerkatClient, MeerkatError, Prompt, WireModel, WireModelCall, WireUsage
from meerkat.types import WireModelPrice

pytestmark = pytest.mark.asyncio

Event = dict[str, Any]

#: Two providers, a model of each with a price, and one without; a failed call is made once more.
CONFIG = """
[retry]
max_retries = 1
initial_delay = "10ms"
max_delay = "20ms"
rate_limit_floor = "10ms"

[providers.first]
base_url = "{first}"
models = ["alpha", "free"]
[providers.first.prices.alpha]
input = 2
output = 10

[providers.second]
kind = "openai_compatible"
base_url = "{second}"
models = ["beta"]
[providers.second.prices.beta]
input = 0.5
output = 1.5
"""
#: Attempts of a call that fails, each with an HTTP 500.
FAILURES = [500, 500]
#: The same with an HTTP 429, which no provider bills.
REFUSALS = [429, 429]


@pytest.fixture
def first() -> Iterator[ScriptedModel]:
    """The server of `alpha` and `free`; a test appends its answers."""
    with ScriptedModel() as model:
        yield model


@pytest.fixture
def second() -> Iterator[ScriptedModel]:
    """The server of `beta`."""
    with ScriptedModel() as model:
        yield model


@pytest.fixture
def launcher(folder: Folder, first: ScriptedModel, second: ScriptedModel) -> Launcher:
    configure(folder, CONFIG.format(first=first.url, second=second.url))
    return Launcher(folder)


def configure(folder: Folder, config: str) -> None:
    (folder.path / ".rkat" / "config.toml").write_text(config)


def host(model: ScriptedModel) -> str:
    """How results and events name the server."""
    return model.url.removeprefix("http://").removesuffix("/v1")


def png(width: int, height: int) -> bytes:
    """A black picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(height * (width + 1)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def data_url(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


def of_type(events: list[Event], kind: str) -> list[Event]:
    return [event for event in events if event["type"] == kind]


async def refused(client: MeerkatClient, prompt: Prompt, **options: Any) -> MeerkatError:
    """The error of a session that cannot be created."""
    with pytest.raises(MeerkatError) as caught:
        await client.create_session(prompt, **options)
    assert await client.list_sessions(include_stored=True) == []
    return caught.value


# Pictures


@pytest.mark.parametrize("way", ["file", "relative file", "bytes", "base64", "mapping"])
async def test_a_picture_reaches_the_model(
    launcher: Launcher, first: ScriptedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    content = png(3, 2)
    pictures = tmp_path / "my pictures"
    pictures.mkdir()
    (pictures / "a.png").write_bytes(content)
    text = base64.b64encode(content).decode()
    # The server works in another directory.
    monkeypatch.chdir(pictures)
    picture: Image | dict[str, Any] = {
        "file": Image.file(pictures / "a.png"),
        "relative file": Image.file("a.png"),
        "bytes": Image.bytes(content),
        "base64": Image.base64(text),
        "mapping": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": text}},
    }[way]
    first.answers += [say("A black picture."), say("Still black.")]
    async with MeerkatClient(str(launcher)) as client:
        result = await client.create_session(["What is ", picture, "this?"], model="alpha")
        (pictures / "a.png").unlink()
        async with client.start_turn_streaming(result.session_id, "And now?") as turn:
            await turn.collect()
        messages = (await client.session_history(result.session_id))["messages"]
    assert result.text == "A black picture."
    seen = {"type": "image_url", "image_url": {"url": data_url(content)}}
    for request in first.requests:
        [prompt] = [message for message in request["messages"] if message["role"] == "user"][:1]
        assert [part if part["type"] == "image_url" else part["text"] for part in prompt["content"]] == [
            "What is ", seen, "this?"]
    assert plain(first.requests[1]["messages"][-1]["content"]) == "And now?"
    assert messages[0]["content"] == "What is this?"
    assert messages[0]["blocks"] == [
        {"block_type": "text", "data": {"text": "What is "}},
        {"block_type": "image", "data": {"media_type": "image/png", "width": 3, "height": 2}},
        {"block_type": "text", "data": {"text": "this?"}},
    ]
    assert "blocks" not in messages[2]


async def test_a_picture_of_a_later_turn(launcher: Launcher, first: ScriptedModel, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(1, 1))
    first.answers += [say("Well?"), say("Black.")]
    async with MeerkatClient(str(launcher)) as client:
        session_id = (await client.create_session("I show you something.", model="alpha")).session_id
        async with client.start_turn_streaming(session_id, ["Here.", Image.file(tmp_path / "a.png")]) as turn:
            events = [event async for event in turn]
    assert of_type(events, "run_started")[0]["prompt"] == "Here."
    assert first.requests[1]["messages"][-1]["content"][1]["image_url"]["url"] == data_url(png(1, 1))


@pytest.mark.parametrize(
    "prompt",
    [
        [Image.file("/no/such/picture.png")],
        [Image.file("/")],
        [Image.file(__file__)],
        [Image.base64("%%%")],
        [Image.bytes(b"GIF8 is not enough")],
        [Image.bytes(png(1, 1)[:20])],
        [Image.bytes(png(8001, 1))],
        [{"type": "image", "source": {"type": "file", "path": "picture.png"}}],
        [{"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}],
        [{"type": "image", "source": {
            "type": "base64", "media_type": "image/gif", "data": base64.b64encode(png(1, 1)).decode()}}],
        [{"type": "image"}],
        [{"type": "video"}],
        [{"text": "Hello."}],
        [],
    ],
    ids=["missing", "directory", "no picture", "no base64", "too short", "cut", "too wide", "relative", "url",
         "other format", "no source", "unknown part", "no type", "empty"],
)
async def test_what_is_no_picture_creates_nothing(
    launcher: Launcher, first: ScriptedModel, prompt: Prompt
) -> None:
    async with MeerkatClient(str(launcher)) as client:
        error = await refused(client, prompt, model="alpha")
        assert (error.code, error.rpc_code) == ("INVALID_PARAMS", -32602)
        assert error.details == {"field": "prompt"}
        # Neither is the session harmed whose turn has such a prompt.
        session_id = await client.open_session(model="alpha")
        with pytest.raises(MeerkatError) as caught:
            await client.start_turn(session_id, prompt)
        assert (caught.value.code, caught.value.details) == ("INVALID_PARAMS", {"field": "prompt"})
        first.answers.append(say("Here."))
        assert (await client.start_turn(session_id, "Are you there?")).text == "Here."
    assert len(first.requests) == 1


# Fallback models


@pytest.mark.parametrize("choice", ["beta", {"model": "beta"}, {"provider": "second", "model": "beta"}])
async def test_another_model_answers_when_the_first_fails(
    launcher: Launcher, first: ScriptedModel, second: ScriptedModel, choice: Any
) -> None:
    first.answers += [*FAILURES, say("Back again.")]
    second.answers += [say("From beta.", tokens=31)]
    async with MeerkatClient(str(launcher)) as client:
        async with client.create_session_streaming("Hello.", model="alpha", fallback_models=[choice]) as turn:
            events = [event async for event in turn]
        # The next run begins with the session's model.
        again = await client.start_turn(turn.session_id, "Again.")
    assert [event["type"] for event in events] == [
        "run_started", "turn_started", "retrying", "model_fallback", "text_delta", "text_complete", "turn_completed",
        "run_completed"]
    [fallback] = of_type(events, "model_fallback")
    assert fallback.pop("error")
    assert fallback == {
        "type": "model_fallback", "from_provider": "first", "from_model": "alpha", "provider": "second",
        "model": "beta", "endpoint": host(second), "discard_text": False}
    result = turn.result
    assert (result.text, result.provider, result.model, result.endpoint, result.turns) == (
        "From beta.", "second", "beta", host(second), 1)
    assert [(each.call, each.attempt, each.model, each.failure) for each in result.model_calls] == [
        (0, 1, "alpha", "server_error"), (0, 2, "alpha", "server_error"), (0, 3, "beta", None)]
    assert [(request["model"], request["messages"][-1]) for request in second.requests] == [
        ("beta", first.requests[0]["messages"][-1])]
    assert (again.text, again.model) == ("Back again.", "alpha")


async def test_fallback_models_are_asked_in_their_order(
    launcher: Launcher, first: ScriptedModel, second: ScriptedModel
) -> None:
    first.answers += [*FAILURES, 401]
    second.answers += [say("At last.")]
    async with MeerkatClient(str(launcher)) as client:
        async with client.create_session_streaming("Hello.", model="alpha", fallback_models=["free", "beta"]) as turn:
            events = [event async for event in turn]
    fallbacks = of_type(events, "model_fallback")
    assert [(event["from_model"], event["model"]) for event in fallbacks] == [("alpha", "free"), ("free", "beta")]
    assert turn.result.text == "At last."
    assert [each.failure for each in turn.result.model_calls] == [
        "server_error", "server_error", "authentication", None]


async def test_when_all_models_fail_the_last_error_is_told(
    launcher: Launcher, first: ScriptedModel, second: ScriptedModel
) -> None:
    first.answers += FAILURES
    second.answers += [403]
    async with MeerkatClient(str(launcher)) as client:
        with pytest.raises(MeerkatError) as caught:
            await client.create_session("Hello.", model="alpha", fallback_models=["beta"])
    assert (caught.value.code, caught.value.reason) == ("PROVIDER_ERROR", "permission_denied")
    assert caught.value.details["provider"] == "second"


async def test_a_turn_has_fallback_models_of_its_own(
    launcher: Launcher, folder: Folder, first: ScriptedModel, second: ScriptedModel
) -> None:
    configure(folder, '[agent]\nfallback_models = ["beta"]\n' + CONFIG.format(first=first.url, second=second.url))
    async with MeerkatClient(str(launcher)) as client:
        first.answers += FAILURES
        second.answers += [say("As configured.")]
        session = await client.create_session("Hello.", model="alpha")
        assert session.model == "beta"
        first.answers += [*FAILURES, say("Of my own.")]
        other = await client.start_turn(session.session_id, "Again.", fallback_models=["free"])
        assert (other.text, other.model) == ("Of my own.", "free")
    assert len(second.requests) == 1


async def test_a_session_may_have_no_fallback_models(
    launcher: Launcher, folder: Folder, first: ScriptedModel, second: ScriptedModel
) -> None:
    configure(folder, '[agent]\nfallback_models = ["beta"]\n' + CONFIG.format(first=first.url, second=second.url))
    first.answers += FAILURES
    async with MeerkatClient(str(launcher)) as client:
        with pytest.raises(MeerkatError) as caught:
            await client.create_session("Hello.", model="alpha", fallback_models=[])
    assert (caught.value.code, caught.value.details["provider"]) == ("PROVIDER_ERROR", "first")
    assert second.requests == []


async def test_a_turn_may_have_no_fallback_models(
    launcher: Launcher, first: ScriptedModel, second: ScriptedModel
) -> None:
    first.answers += FAILURES
    async with MeerkatClient(str(launcher)) as client:
        session_id = await client.open_session(model="alpha", fallback_models=["beta"])
        with pytest.raises(MeerkatError) as caught:
            await client.start_turn(session_id, "Alone.", fallback_models=[])
    assert (caught.value.code, caught.value.details["provider"]) == ("PROVIDER_ERROR", "first")
    assert second.requests == []


async def test_text_of_the_model_that_failed_is_void(
    launcher: Launcher, first: ScriptedModel, second: ScriptedModel
) -> None:
    async with MeerkatClient(str(launcher)) as client:
        session_id = await client.open_session(model="alpha", fallback_models=["beta"], enable_builtins=True)
        first.answers += [call(("datetime", {}), text="Let me see. "), CUT, CUT]
        second.answers += [say("It is noon.")]
        async with client.start_turn_streaming(session_id, "What time is it?") as turn:
            text, result = await turn.collect_text()
        assert (text, result.text, result.model) == ("Let me see. It is noon.", "It is noon.", "beta")
        messages = (await client.session_history(session_id))["messages"]
        assert [block["data"]["text"] for message in messages for block in message.get("blocks", [])
                if block["block_type"] == "text"] == ["Let me see. ", "It is noon."]

        first.answers += [CUT, CUT]
        second.answers += [say("Two.")]
        async with client.start_turn_streaming(session_id, "And now?") as turn:
            events = [event async for event in turn]
    told = [(event["type"], event["discard_text"]) for event in events if "discard_text" in event]
    assert told == [("retrying", True), ("model_fallback", True)]
    assert [event["delta"] for event in of_type(events, "text_delta")] == ["Well", "Well", "Two."]
    # What was said and voided may have cost something.
    assert [each.cost_usd for each in turn.result.model_calls] == [None, None, (29 * 0.5 + 1.5) / 1e6]
    assert turn.result.cost_usd is None


async def test_a_client_that_does_not_discard_text_gets_no_fallback_after_text(
    launcher: Launcher, folder: Folder, first: ScriptedModel, second: ScriptedModel
) -> None:
    first.answers += [CUT]
    with Rkat(folder) as rkat:
        request = rkat.send("session/create", {"prompt": "Hello.", "model": "alpha", "fallback_models": ["beta"]})
        error = rkat.failure(request)
        assert error["data"]["code"] == "PROVIDER_ERROR"
        assert of_type(rkat.events(request), "model_fallback") == []
    assert (len(first.requests), second.requests) == (1, [])


@pytest.mark.parametrize("models", ["beta", [7], [{"provider": "second"}]])
async def test_what_names_no_fallback_models_creates_nothing(launcher: Launcher, models: Any) -> None:
    async with MeerkatClient(str(launcher)) as client:
        error = await refused(client, "Hello.", model="alpha", fallback_models=models)
    assert (error.code, error.details) == ("INVALID_PARAMS", {"field": "fallback_models"})


# What there is


async def test_models_that_are_known_and_configured_are_listed(launcher: Launcher) -> None:
    async with MeerkatClient(str(launcher)) as client:
        models = {(model.provider, model.model): model for model in await client.list_models()}
        beta = WireModel("second", "beta", price=WireModelPrice(0.5, 1.5), available=True)
        assert models["second", "beta"] == beta
        assert models["first", "free"] == WireModel("first", "free", available=True)
        sonnet = models["anthropic", "claude-sonnet-4-5"]
        # There is no key.
        assert (sonnet.abilities.images, sonnet.available) == (True, False)
        assert sonnet.context_window is not None and sonnet.context_window >= 200_000
        assert sonnet.price is not None and sonnet.price.output > sonnet.price.input > 0
        assert await client.list_models("second") == [beta]
        assert {model.provider for model in await client.list_models("anthropic")} == {"anthropic"}
        with pytest.raises(MeerkatError) as caught:
            await client.list_models("third")
        assert (caught.value.code, caught.value.reason) == ("PROVIDER_ERROR", "not_configured")


async def test_a_provider_of_unknown_models_is_asked_for_them(folder: Folder, first: ScriptedModel) -> None:
    configure(folder, f'[providers.local_one]\nbase_url = "{first.url}"\n')
    async with MeerkatClient(str(Launcher(folder))) as client:
        assert await client.list_models("local_one") == [WireModel("local_one", "scripted", available=True)]


# Costs


async def test_a_session_tells_what_it_cost(
    launcher: Launcher, first: ScriptedModel, second: ScriptedModel
) -> None:
    first.answers += [say("One.", tokens=1001), say("Two.", tokens=3001), *REFUSALS]
    second.answers += [say("Three.", tokens=2001)]
    async with MeerkatClient(str(launcher)) as client:
        one = await client.create_session("First.", model="alpha")
        async with client.start_turn_streaming(one.session_id, "Second.") as turn:
            events = [event async for event in turn]
        three = await client.start_turn(one.session_id, "Third.", fallback_models=["beta"])
        state = await client.read_session(one.session_id)
        with_calls = await client.read_session(one.session_id, include_calls=True)
        listed = await client.list_sessions()
        fork = await client.fork_session(one.session_id)
    # 2 dollars a million tokens of input, 10 of output, which is one token in each answer.
    assert one.cost_usd == 0.00201
    assert one.model_calls == [
        WireModelCall(
            0, "turn", 1, "first", "alpha", host(first), usage=WireUsage(1000, 1, 1001), cost_usd=0.00201)]
    assert turn.result.cost_usd == 0.00802
    assert events[-1] == {**events[-1], "type": "run_completed", "cost_usd": 0.00802}
    assert [each.cost_usd for each in turn.result.model_calls] == [0.00601]
    # A refusal costs nothing; beta takes half a dollar and one and a half.
    assert [each.cost_usd for each in three.model_calls] == [0, 0, 0.0010015]
    assert [each.usage for each in three.model_calls] == [None, None, WireUsage(2000, 1, 2001)]
    assert three.cost_usd == 0.0090215
    assert (state["cost_usd"], listed[0]["cost_usd"], fork["cost_usd"]) == (0.0090215, 0.0090215, 0)
    assert "model_calls" not in state
    assert [(each["model"], each["attempt"], each["cost_usd"]) for each in with_calls["model_calls"]] == [
        ("alpha", 1, 0.00201), ("alpha", 1, 0.00601), ("alpha", 1, 0), ("alpha", 2, 0), ("beta", 3, 0.0010015)]


async def test_a_model_of_unknown_price_makes_the_cost_unknown(
    launcher: Launcher, first: ScriptedModel
) -> None:
    first.answers += [say("One.", tokens=1001), say("Two.")]
    async with MeerkatClient(str(launcher)) as client:
        one = await client.create_session("First.", model="alpha")
        async with client.start_turn_streaming(one.session_id, "Second.", model="free") as turn:
            events = [event async for event in turn]
        state = await client.read_session(one.session_id)
    assert (one.cost_usd, turn.result.cost_usd, state["cost_usd"]) == (0.00201, None, None)
    assert [each.cost_usd for each in turn.result.model_calls] == [None]
    assert events[-1].get("cost_usd") is None


async def test_a_session_that_was_not_asked_anything_costs_nothing(launcher: Launcher) -> None:
    async with MeerkatClient(str(launcher)) as client:
        session_id = await client.open_session(model="alpha")
        state = await client.read_session(session_id, include_calls=True)
    assert (state["cost_usd"], state["model_calls"]) == (0, [])


@pytest.mark.parametrize("end", ["interrupt", "kill"])
async def test_an_answer_that_breaks_off_makes_the_cost_unknown(
    launcher: Launcher, first: ScriptedModel, end: str
) -> None:
    first.answers += [HELD, say("Done.")]
    async with MeerkatClient(str(launcher)) as client:
        session_id = await client.open_session(model="alpha")
        async with client.start_turn_streaming(session_id, "Go.") as turn:
            async for event in turn:
                if event["type"] == "text_delta":
                    break
            if end == "kill":
                launcher.kill()
            else:
                await client.interrupt(session_id)
            with pytest.raises(MeerkatError):
                await turn.collect()
        await client.connect()
        last = client.resume_turn(session_id) if end == "kill" else client.start_turn(session_id, "Again.")
        assert (await last).text == "Done."
        state = await client.read_session(session_id, include_calls=True)
    assert state["cost_usd"] is None
    assert [call["cost_usd"] for call in state["model_calls"]] == [None, (29 * 2 + 10) / 1e6]


async def test_each_call_of_structured_output_is_told(launcher: Launcher, first: ScriptedModel) -> None:
    first.answers += [call(("datetime", {})), say("Done."), say('{"a": 1}')]
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    async with MeerkatClient(str(launcher)) as client:
        result = await client.create_session("Go.", model="alpha", output_schema=schema, enable_builtins=True)
    assert [(each.call, each.purpose, each.attempt) for each in result.model_calls] == [
        (0, "turn", 1), (1, "turn", 1), (2, "extraction", 1)]
    assert result.cost_usd == pytest.approx(3 * (29 * 2 + 10) / 1e6)


async def test_a_limit_of_costs_is_held_before_the_call(launcher: Launcher, first: ScriptedModel) -> None:
    events: list[Event] = []
    async with MeerkatClient(str(launcher)) as client:
        with pytest.raises(MeerkatError) as caught:
            async with client.create_session_streaming("Hello.", model="alpha", limits={"max_cost_usd": 1e-05}) as turn:
                async for event in turn:
                    events.append(event)
        error = caught.value
        assert (error.code, error.rpc_code, error.reason) == ("BUDGET_EXHAUSTED", -32011, "max_cost_usd")
        assert (first.requests, events[-1]["type"]) == ([], "run_failed")
        first.answers.append(say("Affordable."))
        assert error.session_id is not None
        result = await client.start_turn(error.session_id, "Hello.", limits={"max_cost_usd": 0.5})
        assert result.text == "Affordable."


async def test_a_limit_of_costs_holds_for_all_runs_of_a_session(launcher: Launcher, first: ScriptedModel) -> None:
    first.answers += [say("One.", tokens=45_001)]
    async with MeerkatClient(str(launcher)) as client:
        async with client.create_session_streaming("First.", model="alpha", limits={"max_cost_usd": 0.1}) as turn:
            events = [event async for event in turn]
        with pytest.raises(MeerkatError) as caught:
            await client.start_turn(turn.session_id, "Second.")
    [warning] = of_type(events, "budget_warning")
    assert warning == {
        "type": "budget_warning", "budget_type": "cost", "used": 90_010, "limit": 100_000, "percent": 0.9001}
    assert turn.result.cost_usd == 0.09001
    # What is left pays for an answer of 9990 / 10 tokens, but not for the input before it.
    assert (caught.value.code, caught.value.reason) == ("BUDGET_EXHAUSTED", "max_cost_usd")
    assert len(first.requests) == 1


async def test_the_limit_of_costs_can_be_configured(
    launcher: Launcher, folder: Folder, first: ScriptedModel, second: ScriptedModel
) -> None:
    config = "[limits]\nmax_cost_usd = 0.00001\n" + CONFIG.format(first=first.url, second=second.url)
    configure(folder, config)
    async with MeerkatClient(str(launcher)) as client:
        with pytest.raises(MeerkatError) as caught:
            await client.create_session("Hello.", model="alpha")
        assert (caught.value.code, caught.value.reason) == ("BUDGET_EXHAUSTED", "max_cost_usd")
    assert first.requests == []


@pytest.mark.parametrize(
    ("limit", "model", "field"),
    [(1, "free", "limits.max_cost_usd"), (-1, "alpha", "limits"), ("much", "alpha", "limits")],
)
async def test_a_limit_of_costs_that_cannot_be_held_is_refused(
    launcher: Launcher, first: ScriptedModel, limit: Any, model: str, field: str
) -> None:
    async with MeerkatClient(str(launcher)) as client:
        error = await refused(client, "Hello.", model=model, limits={"max_cost_usd": limit})
        assert (error.code, error.rpc_code, error.details) == ("INVALID_PARAMS", -32602, {"field": field})
    assert first.requests == []


async def test_a_fallback_model_of_unknown_price_is_refused_under_a_limit_of_costs(
    launcher: Launcher, first: ScriptedModel
) -> None:
    async with MeerkatClient(str(launcher)) as client:
        with pytest.raises(MeerkatError) as refused:
            await client.create_session(
                "Hello.", model="alpha", fallback_models=["free", "beta"], limits={"max_cost_usd": 1})
    assert refused.value.code == "INVALID_PARAMS"
    assert not first.requests
