"""An episode: several processes on a database of their own, disturbed for a while, then left in peace and asked."""

from __future__ import annotations

import contextlib
import heapq
import os
import pathlib
import random
import selectors
import signal
import subprocess
import time
from collections.abc import Callable

from . import snapshot
from .actions import Actions
from .checks import Checks
from .circumstances import Circumstances
from .faults import Faults, Place
from .findings import Findings
from .judge import Judge
from .known import Request
from .leftover_commands import LeftoverCommands
from .questions import Questions
from .stored import Journal
from .tool_records import ToolRecords
from .victim import EXIT_PATIENCE, Victim

#: The longest time between two actions, two disturbances and two copies of the journal, in seconds.
ACTION_GAP = 0.05
FAULT_GAP = 0.6
COPY_GAP = 2.0
#: How long a started process may wait to be replaced.
RESTART_GAP = 0.4
#: Requests of a process that are not answered yet, at most.
MOST_OPEN = 8


class Arena:
    def __init__(
        self, victim: str, folder: pathlib.Path, count: int, seed: int, findings: Findings, user: int | None,
        config: str, without: set[str],
    ) -> None:
        self.chance = random.Random(seed)
        self.findings = findings
        self.place = Place(folder, user, config)
        self.executable = victim
        self.victims: list[Victim] = []
        self.count = count
        self.circumstances = Circumstances()
        self.journal = Journal(findings)
        self.records = ToolRecords(self.place.records, findings)
        self.judge = Judge(findings, self.circumstances, self.journal)
        self.actions = Actions(self.chance, self.send)
        self.checks = Checks(findings, self.judge, self.journal)
        self.leftovers = LeftoverCommands(folder.name, findings)
        self.faults = Faults(self.chance, findings, self.circumstances, self.later, self.kill, self.place, without)
        self.questions = Questions(self)
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._timer_count = 0
        self._selector = selectors.DefaultSelector()
        self._slots: list[Victim | None] = [None] * count
        self._lives = 0
        self._is_chaotic = False
        #: Whether the database can still be read.
        self.is_sound = True

    # Time

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timer_count += 1
        heapq.heappush(self._timers, (time.monotonic() + seconds, self._timer_count, action))

    def turn(self, longest: float = 0.02) -> None:
        """Does what is due, and takes what the processes have said."""
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
        wait = min(longest, max(self._timers[0][0] - now, 0)) if self._timers else longest
        for key, _ in self._selector.select(wait):
            self._read(key.data)
        for victim in self.living:
            victim.flush()
        self.faults.read_foreign()
        self._check_patience()

    @property
    def living(self) -> list[Victim]:
        return [victim for victim in self._slots if victim and not victim.has_ended]

    @property
    def open(self) -> list[Victim]:
        return [victim for victim in self.living if victim.is_open]

    # Processes

    def start(self, slot: int) -> None:
        name = f"p{slot}.{self._lives}"
        self._lives += 1
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.place.data), "RKAT_DATA_DIR": str(self.place.data / ".rkat"),
            "CHAOS_LIFE": name,
            "CHAOS_CLOCK": str(self.place.clock), "LC_CHAOS": self.leftovers.mark(name)}
        victim = Victim(
            name, [self.executable, str(self.place.data)], self.place.data, self.place.records, environment,
            self.place.user)
        self.findings.note(f"{name} starts as process {victim.pid}")
        self.leftovers.add(victim)
        self._slots[slot] = victim
        self.victims.append(victim)
        self._selector.register(victim.output, selectors.EVENT_READ, victim)

    def _read(self, victim: Victim) -> None:
        for message in victim.read():
            if "method" in message:
                request = victim.requests.get(message["params"]["request_id"])
                if self.findings.require(request, "an event belongs to an open request", message, about=(victim.name,)):
                    assert request
                    self.judge.take_event(request, message["params"])
            elif self.findings.require(
                    message["id"] in victim.requests, "a request is answered once", message, about=(victim.name,)):
                self.judge.take_answer(victim.requests.pop(message["id"]), message)
        if victim.has_ended:
            self._selector.unregister(victim.output)
            self._bury(victim)

    def kill(self, victim: Victim) -> None:
        """Kills, and reads what it has said before another process goes on with its runs."""
        victim.kill()
        victim.process.wait()
        self._read(victim)

    def _bury(self, victim: Victim) -> None:
        status = victim.process.wait()
        self.findings.note(f"{victim} has ended with {status}")
        self._read_records()
        expected = {None: None, "kill": -signal.SIGKILL, "term": 0, "eof": 0}[victim.ending]
        # Until it has installed its handler, the signal itself ends it.
        is_early = victim.ending == "term" and status == -signal.SIGTERM and not victim.has_spoken
        self.findings.require(
            status == expected or is_early,
            f"a process ends only as it was asked to: {victim.ending or 'not at all'}, status {status}",
            *list(self.records.noise)[-25:], about=(victim.name,))
        if victim.ending == "eof":
            for request in victim.requests.values():
                self.findings.require(
                    False, "every request is answered before a clean end", request.method, request.params,
                    about=(victim.name,))
        for run in self.actions.runs:
            if run.runner is victim:
                run.runner = None
        victim.discard()
        if self._is_chaotic:
            self._replace(self._slots.index(victim))

    def _replace(self, slot: int) -> None:
        self.later(self.chance.uniform(0, RESTART_GAP), lambda: self._start_again(slot))

    def _start_again(self, slot: int) -> None:
        if (before := self._slots[slot]) is None or before.has_ended:
            self.start(slot)

    def _check_patience(self) -> None:
        now = time.monotonic()
        for victim in self.living:
            if victim.is_stopped:
                continue
            for request in victim.requests.values():
                if now > request.deadline and not victim.ending:
                    self.findings.require(
                        False, f"every request is answered within 30 s: {request.method}", request.params,
                        about=tuple(word for word in (
                            request.session.label if request.session else "", request.run.label if request.run else "",
                            victim.name) if word))
                    self.kill(victim)
                    break
            if victim.ending and now > victim.ending_since + EXIT_PATIENCE:
                self.findings.require(False, f"a process ends in time: {victim.ending}", about=(victim.name,))
                self.kill(victim)

    # Requests

    def send(self, request: Request) -> None:
        if not request.victim.is_open:
            return
        request.sent = time.monotonic()
        session, run = request.session, request.run
        words = [word.label for word in (session or request.made, run) if word]
        self.findings.note(f"{request.victim} > {' '.join(words)} {request.method}")
        if run:
            self.journal.labels[run.id] = run.label
        if session and request.method in ("session/archive", "session/delete"):
            session.removals.append(request)
        elif session and request.method == "turn/interrupt":
            session.interrupts.append(request.sent)
        self.judge.sent(request)
        request.victim.send(request)

    # Phases

    def disturb(self, seconds: float) -> None:
        """Asks for things and disturbs the processes."""
        self._is_chaotic = True
        for slot in range(self.count):
            self._start_again(slot)
        end = time.monotonic() + seconds
        self._act(end)
        self._disturb(end)
        self._copy_often(end)
        while time.monotonic() < end and self.is_sound:
            self.turn()
        self._is_chaotic = False

    def _act(self, end: float) -> None:
        if time.monotonic() < end:
            if ready := [victim for victim in self.open if len(victim.requests) < MOST_OPEN]:
                self.actions.act(ready)
            self.later(self.chance.uniform(0, ACTION_GAP), lambda: self._act(end))

    def _disturb(self, end: float) -> None:
        if time.monotonic() < end:
            if self.open:
                self.faults.disturb(self.open)
            self.later(self.chance.uniform(0, FAULT_GAP), lambda: self._disturb(end))

    def _copy_often(self, end: float) -> None:
        if time.monotonic() < end:
            self.look()
            self.later(self.chance.uniform(0, COPY_GAP), lambda: self._copy_often(end))

    def calm(self) -> None:
        """Ends every disturbance and waits until all that was asked is answered."""
        self.faults.calm()
        self._start_missing()
        self.wait_for_answers()
        for client in self.faults.foreign:
            with contextlib.suppress(subprocess.TimeoutExpired):
                client.wait(10)
        self.turn()
        self.findings.note("all is calm")

    def _start_missing(self) -> None:
        for slot in range(self.count):
            self._start_again(slot)

    def wait_for_answers(self) -> None:
        while any(victim.requests or victim.ending for victim in self.living) or len(self.living) < self.count:
            self._start_missing()
            self.turn()

    def look(self, is_thorough: bool = False) -> None:
        """Copies the journal and compares what was read with it."""
        if not self.is_sound:
            return
        with snapshot.Stillness(self.living, self.faults.foreign) as is_still:
            if not is_still:
                self.findings.note("the processes do not stand still: no copy")
                return
            for victim in self.living:
                self.is_sound &= snapshot.check_open_files(victim, self.place.sessions, self.findings)
            if not self.is_sound:
                return
            self._read_records()
            file = snapshot.copy(self.place.sessions, self.place.folder)
        self.is_sound = self.journal.read(file, is_thorough)
        if self.is_sound:
            self.checks.check(self.actions.sessions, self.actions.runs)
        self.leftovers.check()

    def _read_records(self) -> None:
        self.records.has_store_failed = self.circumstances.were("full disk")
        self.records.read(self.journal)

    def finish(self) -> None:
        """Lets every process end by itself, and looks at what is left.

        The last one ends alone: of two that close the database at once, each may leave the log to the other.
        """
        self.findings.note("the end")
        for victims in (self.living[1:], self.living[:1]):
            for victim in victims:
                victim.close_input()
            while any(not victim.has_ended for victim in victims):
                self.turn()
        self.look(is_thorough=True)
        left = sorted(os.listdir(self.place.sessions))
        self.findings.require(left == ["meerkat.db", "owners"], "a clean end leaves one database file", left)
        owners = os.listdir(self.place.sessions / "owners")
        self.findings.require(not owners, "a clean end leaves no owners", owners)
        self.leftovers.wait()

    def discard(self) -> None:
        self.faults.calm()
        for client in self.faults.foreign:
            client.kill()
            client.wait()
        for victim in self.living:
            victim.discard()
        self.leftovers.end()
        self._selector.close()
        self.place.discard()
