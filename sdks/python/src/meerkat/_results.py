"""The values of the contract, from the results on the wire; what is missing takes its default."""

from __future__ import annotations

from typing import Any

from meerkat.generated.types import (
    WireLongInputPrice,
    WireModel,
    WireModelAbilities,
    WireModelCall,
    WireModelPrice,
    WireRunResult,
    WireUsage,
)


def parse_run_result(result: Any) -> WireRunResult:
    """How a run ended."""
    members = _members(result)
    return WireRunResult(
        session_id=members.get("session_id") or "",
        text=members.get("text") or "",
        turns=members.get("turns") or 0,
        tool_calls=members.get("tool_calls") or 0,
        usage=_usage(members.get("usage")),
        structured_output=members.get("structured_output"),
        schema_warnings=members.get("schema_warnings"),
        run_id=members.get("run_id"),
        stop_reason=members.get("stop_reason"),
        provider=members.get("provider"),
        model=members.get("model"),
        endpoint=members.get("endpoint"),
        cost_usd=members.get("cost_usd"),
        model_calls=[_model_call(call) for call in members.get("model_calls") or []],
    )


def parse_models(result: Any) -> list[WireModel]:
    """The models of `models/list`."""
    return [_model(model) for model in _members(result).get("models") or []]


def _usage(usage: Any) -> WireUsage:
    members = _members(usage)
    return WireUsage(
        input_tokens=members.get("input_tokens") or 0,
        output_tokens=members.get("output_tokens") or 0,
        total_tokens=members.get("total_tokens") or 0,
        cache_creation_tokens=members.get("cache_creation_tokens"),
        cache_read_tokens=members.get("cache_read_tokens"),
        reasoning_tokens=members.get("reasoning_tokens"),
    )


def _model_call(call: Any) -> WireModelCall:
    members = _members(call)
    usage = members.get("usage")
    return WireModelCall(
        call=members.get("call") or 0,
        purpose=members.get("purpose") or "turn",
        attempt=members.get("attempt") or 1,
        provider=members.get("provider") or "",
        model=members.get("model") or "",
        endpoint=members.get("endpoint") or "",
        usage=None if usage is None else _usage(usage),
        cost_usd=members.get("cost_usd"),
        failure=members.get("failure"),
    )


def _model(model: Any) -> WireModel:
    members = _members(model)
    abilities, price = _members(members.get("abilities")), members.get("price")
    return WireModel(
        provider=members.get("provider") or "",
        model=members.get("model") or "",
        context_window=members.get("context_window"),
        output_limit=members.get("output_limit"),
        abilities=WireModelAbilities(
            images=abilities.get("images"),
            reasoning=abilities.get("reasoning"),
            temperature=abilities.get("temperature"),
            structured_output=abilities.get("structured_output"),
        ),
        price=_price(price) if isinstance(price, dict) else None,
        available=members.get("available") is True,
    )


def _price(members: dict[str, Any]) -> WireModelPrice:
    long_input = members.get("long_input")
    return WireModelPrice(
        **_rates(members),
        long_input=_long_input(long_input) if isinstance(long_input, dict) else None,
        date=members.get("date"),
        last_day=members.get("last_day"),
    )


def _long_input(members: dict[str, Any]) -> WireLongInputPrice:
    return WireLongInputPrice(
        **_rates(members),
        above_tokens=members.get("above_tokens") or 0,
    )


def _rates(members: dict[str, Any]) -> dict[str, Any]:
    """What both kinds of prices have."""
    return {
        "input": members.get("input") or 0,
        "output": members.get("output") or 0,
        "cache_read": members.get("cache_read"),
        "cache_write": members.get("cache_write"),
    }


def _members(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
