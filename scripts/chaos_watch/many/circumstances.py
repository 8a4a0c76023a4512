"""When the processes were disturbed, and how: an error is judged by that."""

from __future__ import annotations

import dataclasses
import time

#: How long a disturbance may still show after its end, in seconds.
AFTERMATH = 1.0


@dataclasses.dataclass
class Disturbance:
    """Something that is not as it should be for a while."""

    #: `full disk`, `descriptors`, `processes`, `foreign` or `stopped`.
    kind: str
    #: The process that it is about; None for all.
    victim: str | None
    begun: float
    ended: float | None = None

    def end(self) -> None:
        self.ended = time.monotonic()


class Circumstances:
    def __init__(self) -> None:
        self._all: list[Disturbance] = []

    def begin(self, kind: str, victim: str | None = None) -> Disturbance:
        found = Disturbance(kind, victim, time.monotonic())
        self._all.append(found)
        return found

    def were(self, kind: str, since: float = 0.0, victim: str | None = None) -> bool:
        """Whether there was such a disturbance, of this process if one is given, at or after a moment."""
        return any(
            one.kind == kind and (one.ended is None or one.ended + AFTERMATH >= since)
            and (victim is None or one.victim in (None, victim)) for one in self._all)

    def is_active(self, kind: str, victim: str | None = None) -> bool:
        return any(one.kind == kind and one.ended is None and one.victim == victim for one in self._all)

    def end_all(self, kind: str) -> None:
        """Ends every disturbance of a kind that goes on."""
        for one in self._all:
            if one.kind == kind and one.ended is None:
                one.end()
