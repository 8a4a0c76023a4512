"""What can go wrong, and how an error response becomes an exception."""

from __future__ import annotations

from typing import Any


class MeerkatError(Exception):
    """A request failed, or the client could not make it.

    Decide by `code`, a stable string such as `"SESSION_BUSY"`; the text of `message` may change.
    """

    def __init__(
        self,
        code: str,
        message: str,
        details: Any = None,
        capability_hint: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(code, message, details, capability_hint)
        self.code = code
        self.message = message
        self.details = details
        #: Names the missing capability: `capability_id` and `message`.
        self.capability_hint = capability_hint
        #: The number of the JSON-RPC error; `None` when the client itself raised.
        self.rpc_code: int | None = None
        #: The session concerned. A session whose first turn failed stays alive under this id.
        self.session_id: str | None = None
        #: The run that failed.
        self.run_id: str | None = None

    @property
    def reason(self) -> str | None:
        """The `reason` in `details`, such as `"max_turns"`; `None` when there is none."""
        reason = self.details.get("reason") if isinstance(self.details, dict) else None
        return reason if isinstance(reason, str) else None

    def __str__(self) -> str:
        return self.message


class CapabilityUnavailableError(MeerkatError):
    """This build or this configuration of the server lacks what was asked for."""


class SessionNotFoundError(MeerkatError):
    """No session has this id, or it is archived."""


class SkillNotFoundError(MeerkatError):
    """No skill has this id."""


_ERRORS: dict[int, tuple[str, type[MeerkatError]]] = {
    -32001: ("SESSION_NOT_FOUND", SessionNotFoundError),
    -32002: ("SESSION_BUSY", MeerkatError),
    -32003: ("SESSION_NOT_RUNNING", MeerkatError),
    -32010: ("PROVIDER_ERROR", MeerkatError),
    -32011: ("BUDGET_EXHAUSTED", MeerkatError),
    -32012: ("HOOK_DENIED", MeerkatError),
    -32013: ("AGENT_ERROR", MeerkatError),
    -32020: ("CAPABILITY_UNAVAILABLE", CapabilityUnavailableError),
    -32021: ("SKILL_NOT_FOUND", SkillNotFoundError),
    -32022: ("SKILL_RESOLUTION_FAILED", MeerkatError),
    -32602: ("INVALID_PARAMS", MeerkatError),
    -32603: ("INTERNAL_ERROR", MeerkatError),
}


def _error_from_response(error: Any) -> MeerkatError:
    """The exception for the `error` member of a response, however little of it is well formed."""
    if not isinstance(error, dict):
        return MeerkatError("UNKNOWN", str(error))
    number = error.get("code")
    name, kind = "UNKNOWN" if number is None else str(number), MeerkatError
    if isinstance(number, int):
        name, kind = _ERRORS.get(number, (name, kind))
    message = str(error.get("message", name))
    data = error.get("data")
    envelope = data if isinstance(data, dict) and isinstance(data.get("code"), str) else None
    if envelope is None:
        exception = kind(name, message, data)
    else:
        exception = kind(
            envelope["code"], message, envelope.get("details"), envelope.get("capability_hint")
        )
        exception.session_id = envelope.get("session_id")
        exception.run_id = envelope.get("run_id")
    exception.rpc_code = number if isinstance(number, int) else None
    return exception
