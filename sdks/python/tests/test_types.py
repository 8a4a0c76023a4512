"""The values, errors and helpers that need no process."""

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

import meerkat
from meerkat import CONTRACT_VERSION, CapabilityChecker, MeerkatClient, SkillHelper, StreamingTurn
from meerkat._results import parse_models
from meerkat.capabilities import _parse_capabilities
from meerkat.client import _is_compatible
from meerkat.errors import _error_from_response
from meerkat.generated import errors as generated_errors
from meerkat.generated.errors import (
    CapabilityUnavailableError,
    MeerkatError,
    SessionNotFoundError,
    SkillNotFoundError,
)
from meerkat.generated.types import (
    CapabilitiesResponse,
    CapabilityEntry,
    CommsParams,
    SkillsParams,
    WireEvent,
    WireLongInputPrice,
    WireModel,
    WireModelAbilities,
    WireModelCall,
    WireModelPrice,
    WireRunResult,
    WireUsage,
)
from meerkat.prompt import Image, wire_prompt


def test_contract_version_is_three_integers() -> None:
    assert CONTRACT_VERSION == "0.1.0"
    assert [int(part) for part in CONTRACT_VERSION.split(".")] == [0, 1, 0]


def test_public_names() -> None:
    assert set(meerkat.__all__) == {
        "MeerkatClient",
        "CapabilityChecker",
        "StreamingTurn",
        "SkillHelper",
        "Image",
        "Prompt",
        "MeerkatError",
        "CapabilityUnavailableError",
        "SessionNotFoundError",
        "SkillNotFoundError",
        "CONTRACT_VERSION",
        "WireUsage",
        "WireRunResult",
        "WireModelCall",
        "WireModel",
        "WireEvent",
        "CapabilitiesResponse",
        "CapabilityEntry",
    }
    assert all(hasattr(meerkat, name) for name in meerkat.__all__)


def test_usage_defaults() -> None:
    assert WireUsage() == WireUsage(0, 0, 0, None, None, None)


def test_run_result_defaults_and_their_order() -> None:
    assert list(asdict(WireRunResult()).values()) == ["", "", 0, 0, *[None] * 9, []]
    assert WireRunResult().model_calls is not WireRunResult().model_calls
    assert list(WireRunResult.__dataclass_fields__) == [
        "session_id",
        "text",
        "turns",
        "tool_calls",
        "usage",
        "structured_output",
        "schema_warnings",
        "run_id",
        "stop_reason",
        "provider",
        "model",
        "endpoint",
        "cost_usd",
        "model_calls",
    ]


def test_other_defaults() -> None:
    assert WireEvent() == WireEvent(session_id="", event=None)
    assert CapabilityEntry() == CapabilityEntry(id="", description="", status="Available")
    assert CapabilitiesResponse() == CapabilitiesResponse(contract_version="", capabilities=[])
    assert CommsParams() == CommsParams(host_mode=False, comms_name=None)
    assert SkillsParams() == SkillsParams(skills_enabled=False, skill_references=[])
    assert CapabilitiesResponse().capabilities is not CapabilitiesResponse().capabilities


def test_capabilities_response() -> None:
    response = CapabilitiesResponse("0.1.0", [CapabilityEntry("sessions", "Sessions")])
    assert response.capabilities[0].status == "Available"


def test_errors_are_the_same_classes_under_both_names() -> None:
    for name in generated_errors.__all__:
        assert getattr(generated_errors, name) is getattr(meerkat, name)


@pytest.mark.parametrize(
    "kind", [CapabilityUnavailableError, SessionNotFoundError, SkillNotFoundError]
)
def test_errors_derive_from_one(kind: type[MeerkatError]) -> None:
    assert issubclass(kind, MeerkatError)
    assert kind("CODE", "text").code == "CODE"


def test_error_keeps_what_it_is_given() -> None:
    error = MeerkatError("CODE", "text", {"k": 1}, {"capability_id": "shell"})
    assert str(error) == error.message == "text"
    assert (error.code, error.details) == ("CODE", {"k": 1})
    assert error.capability_hint == {"capability_id": "shell"}
    assert (error.rpc_code, error.session_id, error.run_id) == (None, None, None)


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"reason": "max_turns"}, "max_turns"),
        ({"field": "cwd"}, None),
        ({"reason": 7}, None),
        ("max_turns", None),
        (None, None),
    ],
)
def test_error_tells_its_reason(details: Any, reason: str | None) -> None:
    assert MeerkatError("CODE", "text", details).reason == reason


@pytest.mark.parametrize("copied", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_error_can_be_copied(copied: Any) -> None:
    error = SessionNotFoundError("SESSION_NOT_FOUND", "text", [1])
    error.rpc_code = -32001
    twin = copied(error)
    assert type(twin) is SessionNotFoundError
    assert (twin.code, str(twin), twin.details, twin.rpc_code) == (
        "SESSION_NOT_FOUND",
        "text",
        [1],
        -32001,
    )


def test_error_response_with_the_envelope() -> None:
    error = _error_from_response(
        {
            "code": -32020,
            "message": "no shell",
            "data": {
                "code": "CAPABILITY_UNAVAILABLE",
                "category": "capability",
                "message": "no shell",
                "details": {"field": "enable_shell"},
                "capability_hint": {"capability_id": "shell", "message": "not in this build"},
                "session_id": "s1",
                "run_id": "r1",
            },
        }
    )
    assert type(error) is CapabilityUnavailableError
    assert (error.code, error.rpc_code, str(error)) == (
        "CAPABILITY_UNAVAILABLE",
        -32020,
        "no shell",
    )
    assert error.details == {"field": "enable_shell"}
    assert error.capability_hint == {"capability_id": "shell", "message": "not in this build"}
    assert (error.session_id, error.run_id) == ("s1", "r1")


@pytest.mark.parametrize(
    ("response", "kind", "code", "details"),
    [
        ({"code": -32001, "message": "m"}, SessionNotFoundError, "SESSION_NOT_FOUND", None),
        ({"code": -32021, "message": "m"}, SkillNotFoundError, "SKILL_NOT_FOUND", None),
        (
            {"code": -32002, "message": "m", "data": {"k": 1}},
            MeerkatError,
            "SESSION_BUSY",
            {"k": 1},
        ),
        ({"code": -32601, "message": "m"}, MeerkatError, "-32601", None),
        ({"code": -31999, "message": "m", "data": "x"}, MeerkatError, "-31999", "x"),
        ({"message": "m"}, MeerkatError, "UNKNOWN", None),
        ("broken", MeerkatError, "UNKNOWN", None),
    ],
)
def test_error_response_without_the_envelope(
    response: Any, kind: type[MeerkatError], code: str, details: Any
) -> None:
    error = _error_from_response(response)
    assert type(error) is kind
    assert (error.code, error.details) == (code, details)


@pytest.mark.parametrize(
    ("server", "client", "fits"),
    [
        ("0.1.0", "0.1.9", True),
        ("0.1", "0.1.0", True),
        ("0.1.0", "0.2.0", False),
        ("1.4.0", "1.0.0", True),
        ("0.1.0", "1.1.0", False),
        ("", "0.1.0", False),
        ("0", "0.1.0", False),
        ("0.1.x", "0.1.0", False),
        ("0..1", "0.1.0", False),
        ("-0.1", "0.1.0", False),
    ],
)
def test_version_check(server: str, client: str, fits: bool) -> None:
    assert _is_compatible(server, client) is fits


def test_run_result_with_everything() -> None:
    result = MeerkatClient._parse_run_result(
        {
            "session_id": "s1",
            "text": "Paris.",
            "turns": 1,
            "tool_calls": 2,
            "usage": {
                "input_tokens": 50,
                "output_tokens": 4,
                "total_tokens": 54,
                "cache_creation_tokens": None,
                "cache_read_tokens": 7,
                "reasoning_tokens": 3,
            },
            "cost_usd": 0.00021,
            "model_calls": [
                {
                    "call": 0,
                    "purpose": "extraction",
                    "attempt": 2,
                    "provider": "anthropic",
                    "model": "claude-sonnet-4-5",
                    "endpoint": "api.anthropic.com",
                    "cost_usd": 0,
                    "failure": "overloaded",
                    "something_new": True,
                },
                {
                    "call": 1,
                    "purpose": "turn",
                    "attempt": 1,
                    "provider": "openai",
                    "model": "gpt-4.1",
                    "endpoint": "api.openai.com",
                    "usage": {
                        "input_tokens": 50,
                        "output_tokens": 4,
                        "total_tokens": 54,
                        "reasoning_tokens": 3,
                    },
                    "cost_usd": None,
                },
            ],
            "structured_output": {"city": "Paris"},
            "schema_warnings": [{"provider": "openai", "path": "/a", "message": "m"}],
            "run_id": "r1",
            "stop_reason": "max_turns",
            "provider": "openai",
            "model": "gpt-4.1",
            "endpoint": "api.openai.com",
            "something_new": True,
        }
    )
    assert result == WireRunResult(
        session_id="s1",
        text="Paris.",
        turns=1,
        tool_calls=2,
        usage=WireUsage(50, 4, 54, None, 7, 3),
        structured_output={"city": "Paris"},
        schema_warnings=[{"provider": "openai", "path": "/a", "message": "m"}],
        run_id="r1",
        stop_reason="max_turns",
        provider="openai",
        model="gpt-4.1",
        endpoint="api.openai.com",
        cost_usd=0.00021,
        model_calls=[
            WireModelCall(
                call=0,
                purpose="extraction",
                attempt=2,
                provider="anthropic",
                model="claude-sonnet-4-5",
                endpoint="api.anthropic.com",
                cost_usd=0,
                failure="overloaded",
            ),
            WireModelCall(
                call=1,
                provider="openai",
                model="gpt-4.1",
                endpoint="api.openai.com",
                usage=WireUsage(50, 4, 54, reasoning_tokens=3),
            ),
        ],
    )


@pytest.mark.parametrize(
    "nothing", [{}, None, {"usage": None, "structured_output": None, "model_calls": None}]
)
def test_run_result_with_nothing(nothing: Any) -> None:
    result = MeerkatClient._parse_run_result(nothing)
    assert result == WireRunResult(usage=WireUsage())
    assert (result.cost_usd, result.model_calls) == (None, [])


def test_a_model_call_with_nothing() -> None:
    [call] = MeerkatClient._parse_run_result({"model_calls": [{}]}).model_calls
    assert call == WireModelCall(0, "turn", 1, "", "", "", None, None, None)


def test_models() -> None:
    known: dict[str, Any] = {
        "provider": "gemini",
        "model": "gemini-3-pro-preview",
        "context_window": 1048576,
        "output_limit": 65536,
        "abilities": {
            "images": True,
            "reasoning": True,
            "temperature": False,
            "structured_output": None,
        },
        "price": {
            "input": 2,
            "output": 12,
            "cache_read": 0.2,
            "long_input": {
                "above_tokens": 200000,
                "input": 4,
                "output": 18,
                "cache_read": 0.4,
                "cache_write": 5,
            },
            "date": "2026-11-01",
            "last_day": "2027-01-31",
        },
        "available": True,
        "something_new": True,
    }
    unknown = {
        "provider": "local",
        "model": "scripted",
        "context_window": None,
        "output_limit": None,
        "abilities": dict.fromkeys(known["abilities"]),
        "price": None,
        "available": False,
    }
    assert parse_models({"models": [known, unknown, {}]}) == [
        WireModel(
            provider="gemini",
            model="gemini-3-pro-preview",
            context_window=1048576,
            output_limit=65536,
            abilities=WireModelAbilities(True, True, False, None),
            price=WireModelPrice(
                input=2,
                output=12,
                cache_read=0.2,
                cache_write=None,
                long_input=WireLongInputPrice(4, 18, 0.4, 5, above_tokens=200000),
                date="2026-11-01",
                last_day="2027-01-31",
            ),
            available=True,
        ),
        WireModel("local", "scripted"),
        WireModel(),
    ]


def test_a_model_of_the_configuration_has_no_more_than_two_prices() -> None:
    price = {"input": 0.5, "output": 1.5, "cache_read": None, "cache_write": None}
    [model] = parse_models({"models": [{"price": price}]})
    assert model.price == WireModelPrice(0.5, 1.5, None, None, None, None, None)


@pytest.mark.parametrize("nothing", [{}, None, {"models": None}, {"models": []}])
def test_no_models(nothing: Any) -> None:
    assert parse_models(nothing) == []


def test_what_is_known_of_a_model_stays() -> None:
    with pytest.raises(FrozenInstanceError):
        WireModel().available = True  # type: ignore[misc]


def test_a_picture_in_a_file_is_named_by_its_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    expected = {"type": "image", "source": {"type": "file", "path": f"{tmp_path}/a b.png"}}
    for path in ("a b.png", "./x/../a b.png", Path("a b.png"), tmp_path / "a b.png"):
        image = Image.file(path)
        assert wire_prompt([image]) == [expected]
    monkeypatch.chdir("/")
    assert wire_prompt([image]) == [expected]


@pytest.mark.parametrize(
    "image",
    [
        Image.bytes(b"\x89PNG\xff\xfe"),
        Image.bytes(bytearray(b"\x89PNG\xff\xfe")),
        Image.bytes(memoryview(b"\x89PNG\xff\xfe")),
        Image.base64("iVBOR//+"),
    ],
)
def test_a_picture_is_sent_as_base64(image: Image) -> None:
    expected = {"type": "image", "source": {"type": "base64", "data": "iVBOR//+"}}
    assert wire_prompt([image]) == [expected]
    assert image == Image.base64("iVBOR//+")
    assert "iVBOR" not in repr(image)


def test_parts_of_a_prompt_keep_their_order_and_mappings_their_members() -> None:
    part = {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "R0"}}
    assert wire_prompt(("Compare ", MappingProxyType(part), "", Image.base64("eA=="))) == [
        {"type": "text", "text": "Compare "},
        part,
        {"type": "text", "text": ""},
        {"type": "image", "source": {"type": "base64", "data": "eA=="}},
    ]
    assert wire_prompt("Hello.") == "Hello."
    assert wire_prompt([]) == []


@pytest.mark.parametrize(
    ("prompt", "named"),
    [
        ({"type": "text", "text": "t"}, "dict"),
        (Image.base64("eA=="), "Image"),
        (None, "NoneType"),
        (b"text", "int"),
        (["text", None], "NoneType"),
        ([["text"]], "list"),
    ],
)
def test_what_is_no_prompt_is_refused(prompt: Any, named: str) -> None:
    with pytest.raises(TypeError, match=f"not {named}$"):
        wire_prompt(prompt)


def test_capabilities_from_the_wire() -> None:
    response = _parse_capabilities(
        {
            "contract_version": {"major": 0, "minor": 1, "patch": 0},
            "capabilities": [
                {"id": "sessions", "description": "d", "status": "Available"},
                {"id": "shell", "status": {"DisabledByPolicy": {"description": "off"}}},
                {"id": "odd", "status": 7},
            ],
        }
    )
    assert response == CapabilitiesResponse(
        "0.1.0",
        [
            CapabilityEntry("sessions", "d", "Available"),
            CapabilityEntry("shell", "", "DisabledByPolicy"),
            CapabilityEntry("odd", "", "7"),
        ],
    )
    assert _parse_capabilities({"contract_version": "0.1.0"}).contract_version == "0.1.0"


def test_capability_checker() -> None:
    checker = CapabilityChecker(
        CapabilitiesResponse(
            "0.1.0",
            [
                CapabilityEntry("streaming"),
                CapabilityEntry("shell", status="DisabledByPolicy"),
                CapabilityEntry("sessions"),
            ],
        )
    )
    assert checker.available == ["streaming", "sessions"]
    assert checker.has("sessions")
    assert not checker.has("shell")
    assert not checker.has("unheard_of")
    checker.require("sessions")
    with pytest.raises(CapabilityUnavailableError, match="DisabledByPolicy") as caught:
        checker.require("shell")
    assert caught.value.code == "CAPABILITY_UNAVAILABLE"
    assert caught.value.capability_hint is not None
    assert caught.value.capability_hint["capability_id"] == "shell"


class ClientWithSkills(MeerkatClient):
    """A client that only notes what it is asked."""

    def __init__(self, available: bool) -> None:
        self.available = available
        self.asked: list[tuple[Any, ...]] = []

    def has_capability(self, capability_id: str) -> bool:
        return self.available and capability_id == "skills"

    def require_capability(self, capability_id: str) -> None:
        if not self.has_capability(capability_id):
            raise CapabilityUnavailableError("CAPABILITY_UNAVAILABLE", capability_id)

    async def start_turn(self, *args: Any, **options: Any) -> WireRunResult:
        self.asked.append((args, options))
        return WireRunResult()

    async def create_session(self, *args: Any, **options: Any) -> WireRunResult:
        self.asked.append((args, options))
        return WireRunResult()


@pytest.mark.parametrize("reference", ["/shell-patterns", "shell-patterns"])
async def test_skill_helper(reference: str) -> None:
    client = ClientWithSkills(available=True)
    helper = SkillHelper(client)
    assert helper.is_available()
    await helper.invoke("s1", reference, "list files")
    await helper.invoke_new_session(reference, "list files", model="m")
    picture = Image.base64("eA==")
    await helper.invoke("s1", reference, [picture, "what is it?"])
    assert client.asked == [
        (("s1", "/shell-patterns list files"), {}),
        ((), {"prompt": "/shell-patterns list files", "model": "m"}),
        (("s1", ["/shell-patterns ", picture, "what is it?"]), {}),
    ]


async def test_skill_helper_without_skills() -> None:
    client = ClientWithSkills(available=False)
    helper = SkillHelper(client)
    assert not helper.is_available()
    with pytest.raises(CapabilityUnavailableError):
        await helper.invoke("s1", "/x", "p")
    with pytest.raises(CapabilityUnavailableError):
        await helper.invoke_new_session("/x", "p")
    assert client.asked == []


def parameters(method: Any, kind: Any) -> list[str]:
    """The names of a method's parameters of a kind."""
    found = inspect.signature(method).parameters.values()
    return [parameter.name for parameter in found if parameter.kind is kind]


POSITIONAL = inspect.Parameter.POSITIONAL_OR_KEYWORD
KEYWORD = inspect.Parameter.KEYWORD_ONLY


def test_create_parameters_are_positional_and_the_same_for_streams() -> None:
    create, stream = MeerkatClient.create_session, MeerkatClient.create_session_streaming
    assert inspect.signature(create).parameters == inspect.signature(stream).parameters
    assert parameters(create, POSITIONAL)[1:] == [
        "prompt",
        "model",
        "provider",
        "system_prompt",
        "max_tokens",
        "output_schema",
        "structured_output_retries",
        "hooks_override",
        "enable_builtins",
        "enable_shell",
        "enable_subagents",
        "enable_memory",
        "host_mode",
        "comms_name",
        "provider_params",
        "preload_skills",
        "skill_references",
    ]
    assert parameters(create, KEYWORD) == ["limits", "fallback_models", "cwd", "run_id"]
    assert not inspect.iscoroutinefunction(MeerkatClient.create_session_streaming)
    assert hasattr(StreamingTurn, "collect_text")


@pytest.mark.parametrize(
    ("method", "positional", "keyword"),
    [
        (
            "start_turn",
            ["session_id", "prompt", "skill_references"],
            [
                "model",
                "provider",
                "max_tokens",
                "output_schema",
                "structured_output_retries",
                "limits",
                "fallback_models",
                "run_id",
            ],
        ),
        ("resume_turn", ["session_id", "run_id"], []),
    ],
)
def test_turn_parameters_are_the_same_for_streams(
    method: str, positional: list[str], keyword: list[str]
) -> None:
    plain = getattr(MeerkatClient, method)
    stream = getattr(MeerkatClient, f"{method}_streaming")
    assert inspect.signature(plain).parameters == inspect.signature(stream).parameters
    assert parameters(plain, POSITIONAL) == ["self", *positional]
    assert parameters(plain, KEYWORD) == keyword
    assert not inspect.iscoroutinefunction(stream)


def test_a_session_is_opened_with_the_options_of_a_created_one() -> None:
    create, opened = MeerkatClient.create_session, MeerkatClient.open_session
    about_a_turn = {"prompt", "skill_references"}
    names = [*parameters(create, POSITIONAL)[1:], *parameters(create, KEYWORD)]
    assert parameters(opened, KEYWORD) == [name for name in names if name not in about_a_turn]
    defaults = inspect.signature(create).parameters
    for name, parameter in inspect.signature(opened).parameters.items():
        assert parameter.default == defaults[name].default
