"""The journal of a database that several processes write, and what must hold between its entries whoever wrote them."""

from __future__ import annotations

import collections
import dataclasses
import json
import pathlib
import sqlite3
import uuid
from typing import Any

from chaos_watch.journal import EFFECTS, Call, Entry, Run, text_of
from chaos_watch.journal import Session as Rendered

from .findings import Findings


@dataclasses.dataclass
class StoredSession(Rendered):
    """A session as its entries have it; `messages` is what `session/history` must say."""

    calls: dict[str, Call] = dataclasses.field(default_factory=dict)
    #: The end of each job that is reported, by the job's id.
    job_ends: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    is_archived: bool = False
    is_fork: bool = False


class Journal:
    """All entries, read anew from each copy; what was read before must still be there."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self.sessions: dict[str, StoredSession] = {}
        #: Runs by id, those of the session that was asked for them: a fork copies runs.
        self.runs: dict[str, Run] = {}
        #: The labels of sessions and runs in the trace, by their ids.
        self.labels: dict[str, str] = {}
        self.counts: collections.Counter[str] = collections.Counter()
        self._owners_of_runs: dict[str, int] = {}

    def read(self, copy: pathlib.Path, is_thorough: bool) -> bool:
        """Takes what is new in a copy; whether that is a database which can be read."""
        if not copy.exists() or not copy.stat().st_size:
            return True
        require = self._findings.require
        with open(copy, "rb") as file:
            mode = file.read(20)[18:20]
        require(mode in (b"\x02\x02", b""), "the database stays in WAL mode", mode)
        database = sqlite3.connect(copy)
        try:
            if is_thorough:
                found = database.execute("PRAGMA integrity_check").fetchall()
                if not require(found == [("ok",)], "the database is sound", found[:20]):
                    return False
            if database.execute("PRAGMA user_version").fetchone()[0]:
                self._take(database, is_thorough)
            return True
        except sqlite3.DatabaseError as error:
            require(False, "the database is sound", error)
            return False
        finally:
            database.close()

    def _take(self, database: sqlite3.Connection, is_thorough: bool) -> None:
        self._owners_of_runs = {
            str(uuid.UUID(bytes=raw)): number for raw, number in database.execute("SELECT id, session FROM runs")}
        rows = database.execute(
            "SELECT number, id, next_seq, open_run, archived FROM sessions ORDER BY number").fetchall()
        self._forget_all_but({str(uuid.UUID(bytes=row[1])) for row in rows})
        for number, raw, next_seq, open_run, archived in rows:
            id = str(uuid.UUID(bytes=raw))
            session = self.sessions.setdefault(id, StoredSession(id, number))
            self._take_session(database, session, is_thorough)
            session.is_archived = bool(archived)
            about = self._about(session)
            self._findings.require(
                next_seq == len(session.entries) + 1, "the entries of a session have no gap", next_seq,
                session.entries[-2:], about=about)
            row_run = str(uuid.UUID(bytes=open_run)) if open_run else None
            stored_run = session.open.id if session.open else None
            self._findings.require(
                row_run == stored_run, "the session's row names its open run", row_run, stored_run, about=about)

    def _forget_all_but(self, present: set[str]) -> None:
        """Whether a session may be gone is not decided here."""
        for id in set(self.sessions) - present:
            del self.sessions[id]
            for run in [run for run in self.runs.values() if run.session == id]:
                del self.runs[run.id]

    def _take_session(self, database: sqlite3.Connection, session: StoredSession, is_thorough: bool) -> None:
        known = 0 if is_thorough else len(session.entries)
        number = session.number
        bodies = database.execute(
            "SELECT key, body FROM entries WHERE key > ? AND key <= ? ORDER BY key",
            (number << 32 | known, number << 32 | 0xFFFF_FFFF)).fetchall()
        for key, body in bodies:
            entry = json.loads(body)
            seq = entry["seq"]
            if seq <= len(session.entries):
                written = session.entries[seq - 1]
                self._findings.require(
                    entry == written, "what was written stays as it is", entry, written, about=self._about(session))
                continue
            self._findings.require(
                key == number << 32 | seq and seq == len(session.entries) + 1, "the entries of a session have no gap",
                key, entry, about=self._about(session))
            session.entries.append(entry)
            self._apply(entry, session)

    def _about(self, session: StoredSession, run: str | None = None) -> tuple[str, ...]:
        label = self.labels.get(session.id, session.id)
        return (label, self.labels.get(run, run)) if run else (label,)

    # The rules

    def _apply(self, entry: Entry, session: StoredSession) -> None:
        kind, run, id = entry["kind"], session.open, entry.get("run")
        about = self._about(session, id)
        require = self._findings.require
        self.counts[kind] += 1
        if kind == "session_created":
            session.is_fork = "forked_from" in entry
        elif kind == "run_started":
            self._begin(entry, session, about)
        elif kind == "message_added":
            self._add_message(entry, session, about)
        elif kind in ("run_resumed", "run_finished", "tool_started", "tool_finished", "model_answered") or (
                id and kind in ("model_called", "process_started")):
            if kind == "model_called" and entry["purpose"] == "compaction" and not run:
                return
            if kind == "process_started" and not run:
                return
            if require(
                    run and run.id == id, "an entry belongs to the open run, so runs of a session do not overlap",
                    entry,
                    f"open: {run.id if run else None}", session.entries[-4:-1], about=about):
                assert run
                self._apply_to_run(entry, run, session, about)

    def _begin(self, entry: Entry, session: StoredSession, about: tuple[str, ...]) -> None:
        require = self._findings.require
        require(
            not session.open, "a run begins when the one before has ended", entry, session.open, about=about)
        run = session.open = Run(entry["run"], session.id)
        session.runs.append(run)
        if session.is_fork and self._owners_of_runs.get(run.id) != session.number:
            return
        require(
            self._owners_of_runs.get(run.id) in (session.number, None), "a run belongs to one session", entry,
            about=about)
        require(run.id not in self.runs, "a run begins once", entry, self.runs.get(run.id), about=about)
        self.runs[run.id] = run

    def _add_message(self, entry: Entry, session: StoredSession, about: tuple[str, ...]) -> None:
        if entry["origin"] != "job":
            return
        notice = json.loads(text_of(entry["blocks"]))
        self._findings.require(
            notice["job_id"] not in session.job_ends, "the end of a job is reported once", entry, about=about)
        session.job_ends[notice["job_id"]] = notice

    def _apply_to_run(self, entry: Entry, run: Run, session: StoredSession, about: tuple[str, ...]) -> None:
        require = self._findings.require
        match entry["kind"]:
            case "run_resumed":
                run.resumes += 1
            case "model_called":
                require(
                    not run.open_calls, "the model is asked when every call has its result", entry, run.open_calls,
                    about=about)
                run.pending = entry["purpose"]
                if entry["purpose"] != "compaction":
                    run.model_calls = entry["call"] + 1
            case "model_answered":
                require(run.pending, "an answer follows its call", entry, about=about)
                run.pending = None
                run.answers.append(text_of(entry["blocks"]))
                for block in entry["blocks"]:
                    if block["type"] == "tool_use":
                        self._add_call(block, run, session, about)
            case "tool_started":
                self._start(entry, run, session, about)
            case "tool_finished":
                self._finish(entry, run, session, about)
            case "run_finished":
                require(
                    not run.open_calls, "a run ends when every call has its result", entry, run.open_calls,
                    about=about)
                session.open, run.outcome = None, entry

    def _add_call(
        self, block: dict[str, Any], run: Run, session: StoredSession, about: tuple[str, ...]
    ) -> None:
        self._findings.require(block["id"] not in session.calls, "a call is asked for once", block, about=about)
        call = Call(block["id"], block["name"], block["arguments"], run.id, session.id)
        session.calls[call.id] = call
        run.calls.append(call)

    def _start(self, entry: Entry, run: Run, session: StoredSession, about: tuple[str, ...]) -> None:
        require = self._findings.require
        call = session.calls.get(entry["tool_use_id"])
        if not require(call and call.run == run.id, "a call is started by its run", entry, call, about=about):
            return
        assert call
        require(not call.result, "no finished tool is started again", entry, call, about=about)
        require(entry["effect"] == EFFECTS.get(call.name), "a start names the tool's effect", entry, about=about)
        require(call.effect != "once" or not call.starts, "no once tool is started twice", entry, call, about=about)
        call.starts += 1

    def _finish(self, entry: Entry, run: Run, session: StoredSession, about: tuple[str, ...]) -> None:
        require = self._findings.require
        call = session.calls.get(entry["tool_use_id"])
        if not require(call and call.run == run.id, "a call is finished by its run", entry, call, about=about):
            return
        assert call
        require(not call.result, "a call has one result", entry, call, about=about)
        origin, content = entry["origin"], text_of(entry["content"])
        if origin == "ran":
            require(call.starts, "what has run was started", entry, call, about=about)
            if call.name.startswith("chaos_") and not entry["is_error"]:
                expected = f"{call.name} {call.arguments['key']} is done"
                require(content == expected, "a result is the tool's own", entry, call, about=about)
        elif origin.startswith("closed"):
            require(
                origin == call.origin, "a closing result says whether the call was started", entry, call, about=about)
        call.result = entry
