"""The journal as it stands in the database file, and what must hold between its entries."""

from __future__ import annotations

import collections
import dataclasses
import json
import os
import pathlib
import shutil
import sqlite3
import tempfile
import uuid
from typing import Any

from . import require

Entry = dict[str, Any]

EFFECTS = {
    "chaos_pure": "pure", "chaos_idempotent": "idempotent", "chaos_once": "once", "datetime": "pure",
    "write_file": "idempotent", "shell": "once",
}


@dataclasses.dataclass
class Call:
    """A tool call that a model has asked for."""

    id: str
    name: str
    arguments: Any
    run: str
    session: str
    #: Entries that say it is about to be started.
    starts: int = 0
    result: Entry | None = None
    #: The life after which the result was found.
    found: int = 0

    @property
    def effect(self) -> str | None:
        return EFFECTS.get(self.name)

    @property
    def is_refused(self) -> bool:
        return self.name == "no_such_tool" or self.name == "chaos_once" and self.arguments == {"key": 1}

    @property
    def content(self) -> str:
        """The result, or the one that is shown as long as there is none."""
        if self.result:
            return text_of(self.result["content"])
        return closing_text(self.starts > 0)

    @property
    def origin(self) -> str:
        if self.result:
            return self.result["origin"]
        return "closed_effect_unknown" if self.starts else "closed_not_started"


@dataclasses.dataclass
class Run:
    id: str
    session: str
    calls: list[Call] = dataclasses.field(default_factory=list)
    model_calls: int = 0
    #: What was last written about a model call that has no answer: its purpose.
    pending: str | None = None
    attempt: int = 0
    #: Whether the last model that was asked has failed, and another one is asked.
    has_failed: bool = False
    answers: list[str] = dataclasses.field(default_factory=list)
    resumes: int = 0
    #: Results that close calls, until it is known why.
    closings: list[Call] = dataclasses.field(default_factory=list)
    is_fresh: bool = False
    outcome: Entry | None = None

    @property
    def open_calls(self) -> list[Call]:
        return [call for call in self.calls if not call.result]


@dataclasses.dataclass
class Session:
    id: str
    number: int
    entries: list[Entry] = dataclasses.field(default_factory=list)
    runs: list[Run] = dataclasses.field(default_factory=list)
    open: Run | None = None

    def messages(self) -> list[dict[str, Any]]:
        """What `session/history` must say."""
        found = []
        for entry in self.entries:
            message: dict[str, Any] = {"seq": entry["seq"], "at": entry["at"]}
            if "run" in entry:
                message["run_id"] = entry["run"]
            if entry["kind"] == "run_started":
                message |= {"role": "user", "content": text_of(entry["prompt"])}
            elif entry["kind"] == "message_added":
                message |= {"role": "user", "origin": entry["origin"], "content": text_of(entry["blocks"])}
            elif entry["kind"] == "model_answered":
                message |= {
                    "role": "block_assistant", "blocks": [shown(block) for block in entry["blocks"]],
                    "stop_reason": entry["stop_reason"]}
            elif entry["kind"] == "tool_finished":
                message |= {"role": "tool_results", "results": [{
                    "tool_use_id": entry["tool_use_id"], "content": text_of(entry["content"]),
                    "is_error": entry["is_error"], "origin": entry["origin"]}]}
            else:
                continue
            found.append(message)
        for call in self.open.open_calls if self.open else []:
            found.append({
                "run_id": call.run, "role": "tool_results", "computed": True, "results": [{
                    "tool_use_id": call.id, "content": call.content, "is_error": True, "origin": call.origin}]})
        return found


def text_of(blocks: list[dict[str, Any]]) -> str:
    return "".join(block["text"] for block in blocks if block["type"] == "text")


def shown(block: dict[str, Any]) -> dict[str, Any]:
    if block["type"] == "text":
        return {"block_type": "text", "data": {"text": block["text"]}}
    return {
        "block_type": "tool_use", "data": {"id": block["id"], "name": block["name"], "args": block["arguments"]}}


def closing_text(was_started: bool) -> str:
    message = "The call was interrupted; whether it had its effect is unknown." if was_started else (
        "The call was interrupted before it was started.")
    return json.dumps({"error": "interrupted", "message": message}, separators=(",", ":"))


class Journal:
    """All entries, read anew after every kill; what was read before must still be there."""

    def __init__(self, directory: pathlib.Path) -> None:
        self._directory = directory
        self.sessions: dict[str, Session] = {}
        self.runs: dict[str, Run] = {}
        self.calls: dict[str, Call] = {}
        self.counts: collections.Counter[str] = collections.Counter()
        self._life = 0

    def read(self, life: int, is_thorough: bool = False) -> None:
        """Reads a copy, so that the next process itself has to recover the original."""
        self._life = life
        if not (self._directory / "meerkat.db").exists():
            return
        with tempfile.TemporaryDirectory(dir=self._directory.parent) as copy:
            for suffix in ("", "-wal"):
                if (file := self._directory / f"meerkat.db{suffix}").exists():
                    shutil.copy(file, copy)
            database = sqlite3.connect(os.path.join(copy, "meerkat.db"))
            try:
                self._take(database, is_thorough)
            finally:
                database.close()

    def _take(self, database: sqlite3.Connection, is_thorough: bool) -> None:
        if is_thorough:
            found = database.execute("PRAGMA integrity_check").fetchall()
            require(found == [("ok",)], "the database is sound", found)
        if not database.execute("PRAGMA user_version").fetchone()[0]:
            return
        rows = database.execute("SELECT number, id, next_seq, open_run, archived FROM sessions ORDER BY number")
        for number, raw, next_seq, open_run, _ in rows.fetchall():
            id = str(uuid.UUID(bytes=raw))
            session = self.sessions.setdefault(id, Session(id, number))
            known = 0 if is_thorough else len(session.entries)
            bodies = database.execute(
                "SELECT key, body FROM entries WHERE key > ? AND key <= ? ORDER BY key",
                (number << 32 | known, number << 32 | 0xFFFF_FFFF)).fetchall()
            for key, body in bodies:
                entry = json.loads(body)
                require(key == number << 32 | entry["seq"], "an entry stands at its place", id, key, entry)
                if entry["seq"] <= len(session.entries):
                    written = session.entries[entry["seq"] - 1]
                    require(entry == written, "what was written stays as it is", id, entry, written)
                else:
                    self._apply(entry, session)
            require(next_seq == len(session.entries) + 1, "the entries have no gap", id, next_seq, session.entries[-3:])
            row_run = str(uuid.UUID(bytes=open_run)) if open_run else None
            require(
                row_run == (session.open.id if session.open else None), "the session's row tells its open run", id,
                row_run, session.open)

    def _apply(self, entry: Entry, session: Session) -> None:
        require(entry["seq"] == len(session.entries) + 1, "the entries have no gap", session.id, entry)
        session.entries.append(entry)
        kind, run = entry["kind"], session.open
        self.counts[kind] += 1
        if run and run.closings and kind != "tool_finished":
            self._judge_closings(run, entry)
        if kind == "run_started":
            require(not run, "a run begins when the one before has ended", session.id, entry)
            require(entry["run"] not in self.runs, "a run begins once", entry)
            session.open = self.runs[entry["run"]] = Run(entry["run"], session.id)
            session.runs.append(session.open)
            return
        if kind in ("session_created", "context_set", "message_added"):
            return
        require(run and run.id == entry.get("run"), "an entry belongs to the open run", session.id, entry, run)
        assert run
        if kind == "run_resumed":
            run.resumes += 1
            run.is_fresh = True
            return
        if kind == "model_called":
            require(not run.open_calls, "the model is asked when every call has its result", entry, run)
            attempt = run.attempt + 1 if run.pending == entry["purpose"] else 1
            # A summary is no step of the run: it is asked for anew.
            require(
                entry["attempt"] == attempt or entry["purpose"] == "compaction",
                "an unanswered model call is repeated as a new attempt", entry, run)
            self.counts["repeated model calls"] += entry["attempt"] > 1
            run.pending, run.attempt = entry["purpose"], entry["attempt"]
            if entry["purpose"] != "compaction":
                run.model_calls = entry["call"] + 1
        elif kind == "model_failed":
            # The model that always fails; the next entry asks another.
            require(run.pending and entry["cause"] == "permission_denied", "nothing fails", entry, run)
            run.has_failed = True
        elif kind == "model_answered":
            require(run.pending in ("turn", "extraction"), "an answer follows its call", entry, run)
            run.pending, run.has_failed = None, False
            run.answers.append(text_of(entry["blocks"]))
            for block in entry["blocks"]:
                if block["type"] == "tool_use":
                    self._add_call(block, run)
        elif kind == "compacted":
            require(run.pending == "compaction", "a summary follows its call", entry, run)
            run.pending = None
        elif kind == "tool_started":
            self._start(entry, run)
        elif kind == "tool_finished":
            self._finish(entry, run)
        elif kind == "run_finished":
            self._end(entry, run, session)
        else:
            require(kind == "process_started", "nothing fails", entry, run)
        if kind != "tool_finished":
            run.is_fresh = False

    def _add_call(self, block: dict[str, Any], run: Run) -> None:
        require(block["id"] not in self.calls, "a call is asked for once", block, run)
        call = Call(block["id"], block["name"], block["arguments"], run.id, run.session)
        self.calls[call.id] = call
        run.calls.append(call)

    def _start(self, entry: Entry, run: Run) -> None:
        call = self.calls[entry["tool_use_id"]]
        require(call.run == run.id, "a call is started by its run", entry, run)
        require(not call.result, "no finished tool is started again", entry, call)
        require(entry["effect"] == call.effect, "a start tells the tool's effect", entry, call)
        require(entry["arguments"] == call.arguments, "a start tells the call's arguments", entry, call)
        require(call.effect != "once" or not call.starts, "no once tool is started twice", entry, call)
        self.counts["commands"] += call.name == "shell"
        call.starts += 1

    def _finish(self, entry: Entry, run: Run) -> None:
        call = self.calls[entry["tool_use_id"]]
        require(call.run == run.id, "a call is finished by its run", entry, run)
        require(not call.result, "a call has one result", entry, call)
        origin, content = entry["origin"], text_of(entry["content"])
        if origin == "ran":
            require(call.starts, "what has run was started", entry, call)
            if call.name.startswith("chaos_"):
                expected = f"{call.name} {call.arguments['key']} is done"
                require(content == expected and not entry["is_error"], "a result is the tool's own", entry, call)
        elif origin == "denied":
            require(call.is_refused and not call.starts, "only calls that cannot be made are refused", entry, call)
        else:
            require(origin == call.origin, "a closing result tells whether the call was started", entry, call)
            require(entry["is_error"] and content == call.content, "a closing result says so", entry, call)
            run.closings.append(call)
        call.result, call.found = entry, self._life

    def _judge_closings(self, run: Run, entry: Entry) -> None:
        """Calls are closed at the end of a run, and where it goes on if their effect forbids a second start."""
        self.counts["closed effect unknown"] += sum(call.starts > 0 for call in run.closings)
        self.counts["closed not started"] += sum(call.starts == 0 for call in run.closings)
        if entry["kind"] != "run_finished":
            require(run.is_fresh, "calls are closed at the end of a run or where it goes on", run.closings, entry)
            for call in run.closings:
                require(
                    call.effect == "once" and call.starts == 1,
                    "a run that goes on closes only calls that were started and must not be repeated", call, entry)
        run.closings = []

    def _end(self, entry: Entry, run: Run, session: Session) -> None:
        require(not run.open_calls, "a run ends when every call has its result", entry, run)
        session.open, run.outcome = None, entry
        if entry["outcome"] == "cancelled":
            require(entry["reason"] == "interrupted", "a run ends by itself or is superseded", entry, run)
            self.counts["runs superseded"] += 1
            return
        require(entry["outcome"] == "completed", "no run fails", entry, run)
        require(run.pending is None, "a run ends with an answer", entry, run)
        self.counts["runs completed"] += 1
        result = entry["result"]
        require(result["text"] == run.answers[-1], "a result is the last answer", entry, run)
        require(
            (result["turns"], result["tool_calls"]) == (len(run.answers), len(run.calls)),
            "a result counts the run's model calls and tool calls once", entry, len(run.answers), run.calls)
