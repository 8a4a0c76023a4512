"""The values a caller of the client meets."""

from meerkat.generated.types import (
    CONTRACT_VERSION,
    CapabilitiesResponse,
    CapabilityEntry,
    ModelChoice,
    RunLimits,
    WireEvent,
    WireLongInputPrice,
    WireModel,
    WireModelAbilities,
    WireModelCall,
    WireModelPrice,
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
    "WireLongInputPrice",
    "WireModel",
    "WireModelAbilities",
    "WireModelCall",
    "WireModelPrice",
    "WireRunResult",
    "WireUsage",
]
