"""The values of the contract, from the results on the wire; what is missing takes its default."""

from __future__ import annotations

from typing import Any

from meerkat.generated.types import (
    WireModelCall,
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


def _members(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
