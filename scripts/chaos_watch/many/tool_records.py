"""What the tools of all processes have recorded, in the order in which it happened."""

from __future__ import annotations

import collections
import json
import pathlib

from .findings import Findings
from .stored import Journal


class ToolRecords:
    """Reads the one file to which every process appends a line for each start and end of a tool."""

    def __init__(self, path: pathlib.Path, findings: Findings) -> None:
        self.path = path
        self._findings = findings
        self._position = 0
        #: The processes in which a call was started, by its session and its id.
        self.starts: dict[str, list[str]] = collections.defaultdict(list)
        #: The run of a session, and the process of a run, that a tool was started for last; and those before them.
        self._latest: dict[str, str] = {}
        self._earlier: dict[str, set[str]] = collections.defaultdict(set)
        #: What stands between the records: the last words of a process that crashes.
        self.noise: collections.deque[str] = collections.deque(maxlen=60)
        self.counts: collections.Counter[str] = collections.Counter()
        #: Whether the store has failed, which cuts a run off in a process that lives on and may resume it.
        self.has_store_failed = False

    def read(self, journal: Journal) -> None:
        """Takes the new lines; the journal is still as it was at the last reading."""
        with open(self.path, "rb") as file:
            file.seek(self._position)
            data = file.read()
        end = data.rfind(b"\n") + 1
        self._position += end
        for line in data[:end].split(b"\n"):
            try:
                record = json.loads(line)
            except ValueError:
                # A kill may tear a line.
                self.noise.append(line.decode(errors="replace")[:300])
                continue
            if "start" in record:
                self._take_start(record, journal)
            elif "end" in record:
                self.counts["tools ended"] += 1
            elif "violation" in record:
                self._take_complaint(record["violation"])

    def _take_start(self, record: dict[str, str], journal: Journal) -> None:
        require = self._findings.require
        id, session, run, life = record["start"], record["session"], record["run"], record.get("life", "")
        about = (journal.labels.get(session, session), journal.labels.get(run, run), life)
        self.counts["tools started"] += 1
        known = journal.sessions.get(session)
        call = known.calls.get(id) if known else None
        require(not (call and call.result), "no finished tool is started again", record, call, about=about)
        # A run whose session was deleted may be asked for anew, in another one.
        earlier = self.starts[f"{session} {id}"]
        require(
            record["effect"] != "once" or not earlier, "no once tool is started twice", record,
            f"started before in {earlier}", about=about)
        require(
            life not in earlier or not life or self.has_store_failed, "a call is started once in a process",
            record, earlier, about=about)
        earlier.append(life)
        self._follow(session, run, "runs of a session do not overlap", record, about)
        self._follow(f"{session} {run}", life, "a run is made by one process at a time", record, about)

    def _follow(self, whole: str, part: str, promise: str, record: dict[str, str], about: tuple[str, ...]) -> None:
        """Requires that the parts of a whole come one after the other."""
        latest = self._latest.get(whole)
        if latest == part:
            return
        if latest is not None:
            self._earlier[whole].add(latest)
        self._findings.require(
            part not in self._earlier[whole], promise, record, f"another began before: {latest}", about=about)
        self._latest[whole] = part

    def _take_complaint(self, text: str) -> None:
        if text.startswith("unexpected notice"):
            self._findings.note(f"notice: {text[:200]}")
            self.counts["notices"] += 1
        else:
            self._findings.require(False, "the history that a model is shown is valid", text)
