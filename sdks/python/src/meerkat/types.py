"""The values a caller of the client meets."""

from meerkat.generated.types import (
    CONTRACT_VERSION,
    CapabilitiesResponse,
    CapabilityEntry,
    ModelChoice,
    RunLimits,
    WireEvent,
    WireModelCall,
    WireRunResult,
    WireUsage,
)
from meerkat.prompt import Image, Prompt

__all__ = [
    "CONTRACT_VERSION",
    "CapabilitiesResponse",
    "CapabilityEntry",
    "Image",
    "ModelChoice",
    "Prompt",
    "RunLimits",
    "WireEvent",
    "WireModelCall",
    "WireRunResult",
    "WireUsage",
]
