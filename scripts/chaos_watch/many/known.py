"""What the watching program knows: the sessions and runs it has asked for, and what it has read of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .victim import Victim

Message = dict[str, Any]


@dataclasses.dataclass(eq=False)
class Session:
    """A session as the watching program calls it."""

    label: str
    #: The run that creates it.
    creator: Asked | None = None
    options: Message = dataclasses.field(default_factory=dict)
    id: str | None = None
    runs: list[Asked] = dataclasses.field(default_factory=list)
    #: What has asked for its archival or deletion.
    removals: list[Request] = dataclasses.field(default_factory=list)
    is_archived: bool = False
    is_deleted: bool = False
    #: When an interrupt was asked for.
    interrupts: list[float] = dataclasses.field(default_factory=list)

    @property
    def may_be_gone(self) -> bool:
        return any(not request.was_refused for request in self.removals)

    @property
    def may_be_deleted(self) -> bool:
        return any(not request.was_refused for request in self.removals if request.method == "session/delete")

    def __repr__(self) -> str:
        return f"{self.label}={self.id}"


@dataclasses.dataclass
class Terminal:
    """A last event of a run that was read."""

    victim: str
    type: str
    #: Whether it may be one that could not be stored, which ends nothing for good.
    is_soft: bool


@dataclasses.dataclass(eq=False)
class Asked:
    """A run that was asked for."""

    label: str
    id: str
    session: Session
    prompt: str
    result: Message | None = None
    #: The code and reason with which it has failed for good.
    failure: tuple[int, str | None] | None = None
    terminals: list[Terminal] = dataclasses.field(default_factory=list)
    #: The reason of the store for which it has failed, maybe for good.
    store_failure: str | None = None
    #: When its outcome was read.
    final_since: float = 0.0
    #: The process that has announced its start and not its end.
    runner: Victim | None = None
    was_started: bool = False

    @property
    def is_final(self) -> bool:
        return self.result is not None or self.failure is not None

    def was_final(self, moment: float) -> bool:
        """Whether its outcome had been read by then."""
        return self.is_final and self.final_since < moment

    def __repr__(self) -> str:
        return f"{self.label}={self.id} of {self.session!r}"


@dataclasses.dataclass(eq=False)
class Request:
    """A request that was sent."""

    method: str
    params: Message
    victim: Victim
    sent: float
    session: Session | None = None
    run: Asked | None = None
    #: Until when it must be answered.
    deadline: float = 0.0
    #: Whether `run_failed` was read for it.
    has_failed: bool = False
    answered: float | None = None
    response: Message | None = None
    #: The session that it makes.
    made: Session | None = None

    @property
    def was_refused(self) -> bool:
        """Whether it surely had no effect."""
        error = (self.response or {}).get("error")
        return bool(error and error["code"] in (-32001, -32002))

    @property
    def is_for_run(self) -> bool:
        return self.method in ("turn/start", "turn/resume") or (
            self.method == "session/create" and self.run is not None)
