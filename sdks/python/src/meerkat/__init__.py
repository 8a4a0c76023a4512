"""Drive the Meerkat agent runtime: sessions, turns and their events over a child process."""

from meerkat._version import __version__ as __version__
from meerkat.capabilities import CapabilityChecker
from meerkat.client import MeerkatClient
from meerkat.errors import (
    CapabilityUnavailableError,
    MeerkatError,
    SessionNotFoundError,
    SkillNotFoundError,
)
from meerkat.generated.types import (
    CONTRACT_VERSION,
    CapabilitiesResponse,
    CapabilityEntry,
    WireEvent,
    WireModel,
    WireModelCall,
    WireRunResult,
    WireUsage,
)
from meerkat.prompt import Image, Prompt
from meerkat.skills import SkillHelper
from meerkat.streaming import StreamingTurn

__all__ = [
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
]
