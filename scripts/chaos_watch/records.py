"""What the victim's tools and its model have seen, line by line, and how it fits the journal."""

from __future__ import annotations

import collections
import dataclasses
import json
import pathlib
import re
from typing import Any

from . import require
from .journal import Journal


@dataclasses.dataclass
class Records:
    path: pathlib.Path
    _position: int = 0
    #: The lives in which a call was started and ended, by its id.
    starts: dict[str, list[int]] = dataclasses.field(default_factory=lambda: collections.defaultdict(list))
    ends: dict[str, list[int]] = dataclasses.field(default_factory=lambda: collections.defaultdict(list))
    #: The last history of each session.
    shown: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    counts: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)

    def read(self, life: int, journal: Journal) -> None:
        """Takes the lines of a life that has ended; the journal has been read after it."""
        with open(self.path, "rb") as file:
            file.seek(self._position)
            data = file.read()
        self._position += len(data)
        *lines, torn = data.split(b"\n")
        if torn:
            self._take_torn(torn, life, journal)
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                require(False, "the victim says nothing else", data.decode(errors="replace")[-2000:])
            if "start" in record:
                self._take_start(record, life, journal)
            elif "end" in record:
                self._take_end(record["end"], life, journal)
            elif "request" in record:
                self._take_request(record, journal)
            elif "asked" in record:
                self.counts[f"asked for a {record['asked']}"] += 1
            else:
                require(False, "the history that a model is shown is valid", record["violation"])

    def _take_torn(self, line: bytes, life: int, journal: Journal) -> None:
        """Takes what a kill has left of a line that crosses a page: a call whose id can be read was started."""
        with open(self.path, "ab") as file:
            self._position += file.write(b"\n")
        found = re.match(rb'{"start":"([^"]+)"', line)
        call = journal.calls.get(found[1].decode()) if found else None
        if call:
            self._take_start(
                {"start": call.id, "tool": call.name, "effect": call.effect, "session": call.session, "run": call.run},
                life, journal)

    def _take_start(self, record: dict[str, Any], life: int, journal: Journal) -> None:
        id = record["start"]
        call = journal.calls.get(id)
        require(call, "a call is durable before it is started", record)
        assert call
        require(
            (record["tool"], record["effect"], record["session"], record["run"])
            == (call.name, call.effect, call.session, call.run), "a tool is called as it was asked for", record, call)
        earlier = self.starts[id]
        require(life not in earlier, "a call is started once in a life", record, earlier)
        require(
            not call.result or call.found == life, "no finished tool is started again", record, call,
            f"found after life {call.found}, started in life {life}")
        require(call.effect != "once" or not earlier, "no once tool is started twice", record, earlier)
        earlier.append(life)
        self.counts["tools started"] += 1
        self.counts[f"second starts of {call.effect}"] += len(earlier) > 1
        require(len(earlier) <= call.starts, "a call is durable before it is started", record, call)

    def _take_end(self, id: str, life: int, journal: Journal) -> None:
        require(life in self.starts[id], "what has ended was started", id)
        self.ends[id].append(life)
        self.counts["tools ended"] += 1

    def _take_request(self, record: dict[str, Any], journal: Journal) -> None:
        self.counts["histories shown"] += 1
        for id, content in record["results"]:
            call = journal.calls[id]
            require(
                call.result and call.content == content, "a model is shown the results that are stored", record, call)
        before = self.shown.get(record["label"])
        if before and before["summary"] == record["summary"]:
            items = before["items"]
            require(
                record["items"][:len(items)] == items, "a body is the beginning of the next one", before, record)
        elif before:
            require(record["summary"], "only a summary changes what was shown", before, record)
            self.counts["summaries shown"] += 1
        self.shown[record["label"]] = record

    def check(self, journal: Journal) -> None:
        """Looks at all calls: what has a result of its own has come to its end."""
        for call in journal.calls.values():
            if call.name.startswith("chaos_") and call.result and call.result["origin"] == "ran":
                require(self.ends.get(call.id), "a result is the tool's own", call)
