"""What disturbs the processes, chosen at random; every disturbance ends after a while."""

from __future__ import annotations

import collections
import contextlib
import os
import pathlib
import random
import resource
import subprocess
import sys
from collections.abc import Callable

from .circumstances import Circumstances
from .findings import Findings
from .victim import Victim

#: The names of the disturbances, by which they can be left out.
KINDS = ("kill", "term", "eof", "stop", "descriptors", "foreign", "clock", "processes", "disk")
FOREIGN = pathlib.Path(__file__).with_name("foreign.py")


class Faults:
    """Disturbs one process, or all of them."""

    def __init__(
        self, chance: random.Random, findings: Findings, circumstances: Circumstances,
        later: Callable[[float, Callable[[], None]], None], kill: Callable[[Victim], None], place: Place,
        without: set[str],
    ) -> None:
        self._chance = chance
        self._findings = findings
        self._circumstances = circumstances
        self._later = later
        self._do_kill = kill
        self._place = place
        #: Foreign clients of the database that run, or whose words have not been read.
        self.foreign: list[subprocess.Popen[str]] = []
        kinds: dict[str, tuple[int, Callable[[Victim], None]]] = {
            "kill": (4, self._kill), "term": (2, self._terminate), "eof": (2, self._close_input),
            "stop": (4, self._stop), "descriptors": (2, self._limit_descriptors), "foreign": (3, self._open_database),
            "clock": (2, self._jump), "processes": (2, self._limit_processes), "disk": (2, self._fill_disk),
        }
        impossible = {"processes"} if place.user is None else set()
        impossible |= set() if place.is_limited else {"disk"}
        self._kinds = {name: kinds[name] for name in KINDS if name not in without | impossible}
        #: How often each was done.
        self.counts: collections.Counter[str] = collections.Counter()
        #: What ends the disturbances that are going on.
        self._ends: list[Callable[[], None]] = []

    def disturb(self, victims: list[Victim]) -> None:
        calm = [victim for victim in victims if not victim.is_stopped]
        if calm and self._kinds:
            weights = [weight for weight, _ in self._kinds.values()]
            name = self._chance.choices(list(self._kinds), weights)[0]
            self._kinds[name][1](self._chance.choice(calm))
            self.counts[name] += 1

    def calm(self) -> None:
        """Ends every disturbance now."""
        for end in list(self._ends):
            end()

    def _for_a_while(self, seconds: float, end: Callable[[], None]) -> None:
        def end_once() -> None:
            if end_once in self._ends:
                self._ends.remove(end_once)
                end()

        self._ends.append(end_once)
        self._later(seconds, end_once)

    # Ends of a process

    def _kill(self, victim: Victim) -> None:
        self._findings.note(f"{victim} ! SIGKILL")
        self._do_kill(victim)

    def _terminate(self, victim: Victim) -> None:
        self._findings.note(f"{victim} ! SIGTERM")
        victim.terminate()

    def _close_input(self, victim: Victim) -> None:
        self._findings.note(f"{victim} ! end of the input")
        victim.close_input()

    # Disturbances

    def _stop(self, victim: Victim) -> None:
        seconds = self._chance.uniform(0.05, 0.8)
        self._findings.note(f"{victim} ! stopped for {seconds:.2f} s")
        victim.stop()
        disturbance = self._circumstances.begin("stopped", victim.name)

        def end() -> None:
            disturbance.end()
            if victim.is_stopped:
                self._findings.note(f"{victim} ! continued")
                assert disturbance.ended
                victim.resume(disturbance.ended - disturbance.begun)

        self._for_a_while(seconds, end)

    def _limit_descriptors(self, victim: Victim) -> None:
        count = victim.highest_descriptor() + 1 + self._chance.choice([0, 0, 1, 3])
        self._limit("descriptors", victim, resource.RLIMIT_NOFILE, count)

    def _limit_processes(self, victim: Victim) -> None:
        self._limit("processes", victim, resource.RLIMIT_NPROC, 1)

    def _limit(self, kind: str, victim: Victim, limit: int, count: int) -> None:
        if self._circumstances.is_active(kind, victim.name) or not victim.limit(limit, count):
            return
        self._findings.note(f"{victim} ! at most {count} {kind}")
        disturbance = self._circumstances.begin(kind, victim.name)

        def end() -> None:
            disturbance.end()
            self._findings.note(f"{victim} ! as many {kind} as before")
            victim.limit(limit, None)

        self._for_a_while(self._chance.uniform(0.05, 1.0), end)

    def _fill_disk(self, _: Victim) -> None:
        if self._circumstances.is_active("full disk"):
            return
        self._findings.note("! the disk is full")
        disturbance = self._circumstances.begin("full disk")
        self._place.fill()

        def end() -> None:
            self._place.empty()
            disturbance.end()
            self._findings.note("! the disk has room")

        self._for_a_while(self._chance.uniform(0.02, 0.6), end)

    def _jump(self, _: Victim) -> None:
        seconds = self._chance.choice([0, 1, -1]) * self._chance.choice([2, 3600, 86_400 * 400])
        self._findings.note(f"! the time of day is moved by {seconds} s")
        self._place.set_clock(seconds * 1000)

    def _open_database(self, _: Victim) -> None:
        if len(self.foreign) > 1 or not self._place.database.exists():
            return
        action = self._chance.choice(["read", "read", "write", "passive", "restart", "truncate"])
        seconds = self._chance.uniform(0, 1.5)
        self._findings.note(f"! a foreign client opens the database: {action} {seconds:.2f}")
        self._circumstances.begin("foreign")
        user = [] if self._place.user is None else [str(self._place.user)]
        client = subprocess.Popen(
            [sys.executable, str(FOREIGN), str(self._place.database), action, str(seconds), *user],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.foreign.append(client)

        def kill() -> None:
            with contextlib.suppress(ProcessLookupError):
                client.kill()

        if self._chance.random() < 0.2:
            self._later(self._chance.uniform(0.05, 1), kill)

    def read_foreign(self) -> None:
        """Takes what the foreign clients that have ended have said."""
        for client in [client for client in self.foreign if client.poll() is not None]:
            said, _ = client.communicate()
            self.foreign.remove(client)
            self._findings.note(f"! a foreign client has ended: {' '.join(said.split())[:200]}")
            is_well = client.returncode < 0 or said.strip() == "ok" or said.startswith("error: ")
            self._findings.require(
                is_well and "malformed" not in said, "the database is sound for a foreign client", said)
            if not self.foreign:
                self._circumstances.end_all("foreign")


class Place:
    """Where the processes work: a directory, with its own small disk where that is possible."""

    #: The disk's size in bytes.
    SIZE = 64 << 20

    def __init__(self, folder: pathlib.Path, user: int | None, config: str) -> None:
        self.folder = folder
        self.user = user
        self.data = folder / "data"
        self.sessions = self.data / ".rkat" / "sessions"
        self.database = self.sessions / "meerkat.db"
        self.records = folder / "records"
        self.clock = folder / "clock"
        self.data.mkdir()
        self.is_limited = self._mount()
        (self.data / ".rkat").mkdir()
        (self.data / ".rkat" / "config.toml").write_text(config)
        self.records.touch()
        self.set_clock(0)
        if user is not None:
            folder.chmod(0o711)
            for path in (self.data, self.data / ".rkat", self.data / ".rkat" / "config.toml"):
                os.chown(path, user, user)

    def _mount(self) -> bool:
        if os.getuid() != 0:
            return False
        mount = ["mount", "-t", "tmpfs", "-o", f"size={self.SIZE},mode=0700", "chaos", str(self.data)]
        return subprocess.run(mount, stderr=subprocess.DEVNULL).returncode == 0

    def set_clock(self, milliseconds: int) -> None:
        new = self.clock.with_suffix(".new")
        new.write_text(str(milliseconds))
        new.rename(self.clock)

    def fill(self) -> None:
        with contextlib.suppress(OSError), open(self.data / "filler", "wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))

    def empty(self) -> None:
        (self.data / "filler").unlink(missing_ok=True)

    def discard(self) -> None:
        if self.is_limited:
            subprocess.run(["umount", "-l", str(self.data)], check=False)
