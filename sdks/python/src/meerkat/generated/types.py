"""The values of the wire contract, one class each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypedDict

CONTRACT_VERSION = "0.1.0"


@dataclass
class WireUsage:
    """Tokens used by a session so far; the cache counts are `None` when the provider gives none."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    cache_creation_tokens: int | None = None
    cache_read_tokens: int | None = None
    #: Those of `output_tokens` that the model used to think; `None` when the provider does not say.
    reasoning_tokens: int | None = None


@dataclass(frozen=True)
class WireModelCall:
    """One attempt of a model call: who was asked, what it used and cost, and why it failed."""

    #: From 0 in each run, the same for all attempts; a compaction has that of the next turn.
    call: int = 0
    #: `turn`, `extraction` of structured output, or `compaction`.
    purpose: str = "turn"
    #: From 1.
    attempt: int = 1
    provider: str = ""
    model: str = ""
    endpoint: str = ""
    #: `None` when the provider did not say.
    usage: WireUsage | None = None
    #: US dollars; `None` when unknown.
    cost_usd: float | None = None
    #: A reason of `PROVIDER_ERROR`, or `cancelled`; `None` for an attempt that was answered.
    failure: str | None = None


@dataclass
class WireRunResult:
    """How a run ended: the answer of `session/create`, `turn/start` and `turn/resume`."""

    session_id: str = ""
    text: str = ""
    #: Model calls of this run.
    turns: int = 0
    #: Tool calls of this run, refused ones included.
    tool_calls: int = 0
    #: Of the whole session, not of this run alone.
    usage: WireUsage | None = None
    #: The value that fits the output schema; `None` when none was asked for.
    structured_output: Any = None
    #: What of the schema the provider was not told: `provider`, `path` (a JSON pointer), `message`.
    schema_warnings: list[dict[str, Any]] | None = None
    #: The id under which the same request can be asked again without a second run.
    run_id: str | None = None
    #: Set when a limit ended the run: `budget_exhausted`, `max_turns` or `repeated_tool_call`.
    stop_reason: str | None = None
    #: Who answered; `endpoint` is a host.
    provider: str | None = None
    model: str | None = None
    endpoint: str | None = None
    #: US dollars of the whole session; `None` when the price of something it used is unknown.
    cost_usd: float | None = None
    #: Every attempt of the model calls of this run, in their order.
    model_calls: list[WireModelCall] = field(default_factory=list)


@dataclass(frozen=True)
class WireModelAbilities:
    """What a model can do; `None` when it is not known."""

    #: Takes pictures in prompts.
    images: bool | None = None
    reasoning: bool | None = None
    #: Obeys a temperature.
    temperature: bool | None = None
    #: Is told of an output schema in a mode of the provider's own.
    structured_output: bool | None = None


@dataclass(frozen=True)
class _Rates:
    """US dollars per million tokens; those of the cache are `None` when unknown."""

    input: float = 0
    output: float = 0
    cache_read: float | None = None
    cache_write: float | None = None


@dataclass(frozen=True)
class WireLongInputPrice(_Rates):
    """The price, in US dollars per million tokens, of all of a call with a long input."""

    #: The input has to be longer than so many tokens.
    above_tokens: int = 0


@dataclass(frozen=True)
class WireModelPrice(_Rates):
    """What a model costs, in US dollars per million tokens."""

    long_input: WireLongInputPrice | None = None
    #: The day or the month of the price, as `YYYY-MM-DD` or `YYYY-MM`; `None` when configured.
    date: str | None = None
    #: The last day on which the price is known to hold, as `YYYY-MM-DD`.
    last_day: str | None = None


@dataclass(frozen=True)
class WireModel:
    """A model that the server knows; what it does not know of it is `None`."""

    provider: str = ""
    model: str = ""
    #: Tokens.
    context_window: int | None = None
    #: Most tokens of one answer.
    output_limit: int | None = None
    abilities: WireModelAbilities = WireModelAbilities()
    price: WireModelPrice | None = None
    #: Whether it can be asked with the keys and endpoints there are.
    available: bool = False


@dataclass
class WireEvent:
    """An event with the session it belongs to. Deprecated: streams yield plain dictionaries."""

    session_id: str = ""
    event: dict[str, Any] | None = None


@dataclass
class CapabilityEntry:
    """A capability of the server; `status` is `"Available"` or says why it is not."""

    id: str = ""
    description: str = ""
    status: str = "Available"


@dataclass
class CapabilitiesResponse:
    """What the connected server can do, in the order of the contract."""

    contract_version: str = ""
    capabilities: list[CapabilityEntry] = field(default_factory=list)


class RunLimits(TypedDict, total=False):
    """The `limits` of `session/create` and `turn/start`; one that is left out does not limit."""

    #: Tokens of the session, input and output together, over all its runs; from 0.
    max_tokens: int
    #: Milliseconds of one run; from 0.
    max_duration_ms: int
    #: Tool calls of the session, refused ones included, over all its runs; from 0.
    max_tool_calls: int
    #: Model calls of one run; from 1.
    max_turns: int
    #: US dollars of the session over all its runs; needs models whose prices are known.
    max_cost_usd: float


class _NamedModel(TypedDict):
    model: str


class ModelChoice(_NamedModel, total=False):
    """A model of `fallback_models`; the provider is told by its name unless it is given."""

    provider: str


@dataclass
class CommsParams:
    """The members of `session/create` that concern messages between agents."""

    host_mode: bool = False
    comms_name: str | None = None


@dataclass
class SkillsParams:
    """The members of `session/create` and `turn/start` that concern skills."""

    skills_enabled: bool = False
    skill_references: list[str] = field(default_factory=list)
