"""The errors of the contract, under the name the contract gives their module."""

from meerkat.errors import (
    CapabilityUnavailableError,
    MeerkatError,
    SessionNotFoundError,
    SkillNotFoundError,
)

__all__ = [
    "CapabilityUnavailableError",
    "MeerkatError",
    "SessionNotFoundError",
    "SkillNotFoundError",
]
