"""Copies the database while every process that uses it stands still."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

from .findings import Findings
from .victim import Victim

#: How long threads may take to stand still, in seconds: one may wait for the disk.
PATIENCE = 10.0


def check_open_files(victim: Victim, directory: pathlib.Path, findings: Findings) -> bool:
    """Requires that the database files which a process has open are those that stand in the directory."""
    deleted = [file for file in victim.open_files() if "meerkat.db" in file and file.endswith("(deleted)")]
    return findings.require(
        not deleted, "no file of the database is deleted under a living process", deleted,
        sorted(os.listdir(directory)) if directory.exists() else "no directory", about=(victim.name,))


class Stillness:
    """Stops the processes for as long as it is entered."""

    def __init__(self, victims: list[Victim], others: list[subprocess.Popen[str]]) -> None:
        self._victims = [victim for victim in victims if not victim.has_ended]
        self._stopped = [victim for victim in self._victims if not victim.is_stopped]
        self._others = [other for other in others if other.poll() is None]
        self._begin = 0.0

    def __enter__(self) -> bool:
        """Whether all stand still."""
        self._begin = time.monotonic()
        for victim in self._stopped:
            victim.stop()
        for other in self._others:
            with contextlib.suppress(ProcessLookupError):
                os.kill(other.pid, signal.SIGSTOP)
        while not all(map(self._is_still, self._others)) or not all(one.is_at_rest() for one in self._victims):
            if time.monotonic() > self._begin + PATIENCE:
                return False
            time.sleep(0.001)
        return True

    @staticmethod
    def _is_still(process: subprocess.Popen[str]) -> bool:
        if process.poll() is not None:
            return True
        stat = pathlib.Path(f"/proc/{process.pid}/stat").read_text()
        return stat[stat.rindex(")") + 2] in "TtZX"

    def __exit__(self, *_: object) -> None:
        lasted = time.monotonic() - self._begin
        for other in self._others:
            with contextlib.suppress(ProcessLookupError):
                os.kill(other.pid, signal.SIGCONT)
        for victim in self._stopped:
            victim.resume(lasted)


def copy(directory: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    """Copies the database and its log, which nobody writes now; returns the copy."""
    for suffix in ("", "-wal", "-shm"):
        (target / f"meerkat.db{suffix}").unlink(missing_ok=True)
    for suffix in ("", "-wal"):
        if (file := directory / f"meerkat.db{suffix}").exists():
            shutil.copy(file, target / f"meerkat.db{suffix}")
    return target / "meerkat.db"
