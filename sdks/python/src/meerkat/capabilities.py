"""What the connected server can do."""

from __future__ import annotations

from typing import Any

from meerkat.errors import CapabilityUnavailableError
from meerkat.generated.types import CapabilitiesResponse, CapabilityEntry


class CapabilityChecker:
    """Answers questions about a `CapabilitiesResponse`."""

    def __init__(self, response: CapabilitiesResponse) -> None:
        self._statuses = {entry.id: entry.status for entry in response.capabilities}

    def has(self, capability_id: str) -> bool:
        """Whether the capability is available."""
        return self._statuses.get(capability_id) == "Available"

    def require(self, capability_id: str) -> None:
        """Raises `CapabilityUnavailableError` unless the capability is available."""
        if self.has(capability_id):
            return
        status = self._statuses.get(capability_id, "unknown to the server")
        message = f"capability '{capability_id}' is not available: {status}"
        hint = {"capability_id": capability_id, "message": message}
        raise CapabilityUnavailableError("CAPABILITY_UNAVAILABLE", message, capability_hint=hint)

    @property
    def available(self) -> list[str]:
        """The ids of what is available, in the server's order."""
        return [id for id, status in self._statuses.items() if status == "Available"]


def _parse_capabilities(result: dict[str, Any]) -> CapabilitiesResponse:
    return CapabilitiesResponse(
        contract_version=_version_text(result.get("contract_version")),
        capabilities=[
            CapabilityEntry(
                id=entry.get("id", ""),
                description=entry.get("description", ""),
                status=_status_name(entry.get("status", "Available")),
            )
            for entry in result.get("capabilities") or []
        ],
    )


def _version_text(version: Any) -> str:
    """`"0.1.0"` from either form of the wire: text or an object of three numbers."""
    if isinstance(version, dict):
        return ".".join(str(version.get(part, "")) for part in ("major", "minor", "patch"))
    return version if isinstance(version, str) else ""


def _status_name(status: Any) -> str:
    """The bare name of a status; reasons are left out."""
    if isinstance(status, dict) and status:
        return str(next(iter(status)))
    return str(status)
