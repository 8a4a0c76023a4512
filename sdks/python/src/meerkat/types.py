"""The values a caller of the client meets."""

from meerkat.generated.types import (
    CONTRACT_VERSION,
    CapabilitiesResponse,
    CapabilityEntry,
    RunLimits,
    WireEvent,
    WireRunResult,
    WireUsage,
)

__all__ = [
    "CONTRACT_VERSION",
    "CapabilitiesResponse",
    "CapabilityEntry",
    "RunLimits",
    "WireEvent",
    "WireRunResult",
    "WireUsage",
]
