"""Finds commands that outlive the process that has started them."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import time

from .findings import Findings
from .victim import Victim

#: How long commands may outlive their process, in seconds, and what a busy machine adds.
GRACE = 3.0
SLACK = 1.0


class LeftoverCommands:
    """Commands carry the name of their process in `LC_CHAOS`, which the shell passes on."""

    def __init__(self, folder: str, findings: Findings) -> None:
        self._folder = folder
        self._findings = findings
        self._victims: dict[str, Victim] = {}

    def mark(self, name: str) -> str:
        return f"{self._folder}:{name}"

    def add(self, victim: Victim) -> None:
        self._victims[victim.name] = victim

    def check(self) -> None:
        now = time.monotonic()
        for process, name, command in self._find():
            ended = self._victims[name].ended_at if name in self._victims else None
            if ended is not None:
                self._findings.require(
                    now < ended + GRACE + SLACK, f"no command outlives its process by {GRACE:.0f} s",
                    f"process {process}: {command}", f"{now - ended:.1f} s", about=(name,))

    def wait(self) -> None:
        """Requires that all are gone in time."""
        end = time.monotonic() + GRACE + SLACK
        while (left := self._find()) and time.monotonic() < end:
            time.sleep(0.02)
        self._findings.require(not left, f"no command outlives its process by {GRACE:.0f} s", left)

    def end(self) -> None:
        """Ends what is left, so that it disturbs nobody."""
        for process, _, _ in self._find():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _find(self) -> list[tuple[int, str, str]]:
        """Number, mark and command of each process that is not one of the watched ones itself."""
        own = {victim.pid for victim in self._victims.values() if not victim.has_ended}
        prefix = f"LC_CHAOS={self._folder}:".encode()
        found = []
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) in own:
                continue
            path = pathlib.Path("/proc") / name
            with contextlib.suppress(OSError):
                environment = (path / "environ").read_bytes()
                if prefix not in environment:
                    continue
                mark = environment.split(prefix, 1)[1].split(b"\0", 1)[0].decode()
                stat = (path / "stat").read_text()
                if stat[stat.rindex(")") + 2] not in "ZX":
                    command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    found.append((int(name), mark, command))
        return found
