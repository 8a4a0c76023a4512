"""Finds processes that outlive the victim that has started them."""

from __future__ import annotations

import contextlib
import os
import pathlib
import time

from . import require

#: How long processes may outlive the victim, in seconds.
GRACE = 3.0


class Leftovers:
    """Processes that carry a mark in their environment or arguments."""

    def __init__(self, mark: str) -> None:
        self._mark = mark.encode()
        self._kills: list[float] = []
        #: The most that were seen to outlive a kill for a moment.
        self.most = 0

    def killed(self) -> None:
        self._kills.append(time.clock_gettime(time.CLOCK_BOOTTIME))

    def check(self) -> None:
        """Requires that none is older than a kill that is longer ago than the grace."""
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        late = max((kill for kill in self._kills if kill < now - GRACE), default=0.0)
        processes = self._find()
        old = [process for process in processes if process[1] < late - 0.05]
        require(not old, f"no process is left {GRACE:.0f} s after a kill", old)
        last = self._kills[-1] if self._kills else 0.0
        count = sum(1 for process in processes if process[1] < last - 0.05)
        self.most = max(self.most, count)

    def wait(self) -> None:
        """Requires that all are gone in time."""
        end = time.monotonic() + GRACE
        while (left := self._find()) and time.monotonic() < end:
            time.sleep(0.02)
        require(not left, f"no process is left {GRACE:.0f} s after the end", left)

    def _find(self) -> list[tuple[int, float, str]]:
        """Number, start since boot and command of each."""
        tick = os.sysconf("SC_CLK_TCK")
        found = []
        for path in pathlib.Path("/proc").iterdir():
            if not path.name.isdigit() or int(path.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                command = (path / "cmdline").read_bytes()
                if self._mark in command or self._mark in (path / "environ").read_bytes():
                    stat = (path / "stat").read_text()
                    fields = stat[stat.rindex(")") + 2:].split()
                    if fields[0] != "Z":
                        text = command.replace(b"\0", b" ").decode(errors="replace")
                        found.append((int(path.name), int(fields[19]) / tick, text))
        return found
