"""Compares what was read from the processes with what stands in the journal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from chaos_watch.journal import Call, Run, text_of

from .findings import Findings
from .judge import Judge
from .known import Asked, Message, Session
from .stored import Journal, StoredSession

#: Members of a result that are stored as they are answered.
STORED = ("text", "turns", "tool_calls", "provider", "model")


class Checks:
    def __init__(self, findings: Findings, judge: Judge, journal: Journal) -> None:
        self._findings = findings
        self._judge = judge
        self._journal = journal

    def check(self, sessions: Iterable[Session], runs: Iterable[Asked]) -> None:
        """Requires of a copy that was made after the reading that everything which was read stands in it."""
        for session in sessions:
            self._check_session(session)
        for run in runs:
            if run.is_final and not run.session.may_be_deleted:
                self._check_outcome(run)
        for run, event, victim in self._judge.announced:
            if not run.session.may_be_deleted:
                self._check_event(run, event, victim)
        self._judge.announced.clear()

    def _check_session(self, session: Session) -> None:
        if session.id is None or session.may_be_deleted:
            return
        stored = self._journal.sessions.get(session.id)
        about = (session.label,)
        if self._findings.require(stored, "a session whose id was read is stored", session, about=about):
            assert stored
            self._findings.require(
                stored.is_archived or not session.is_archived, "an archived session stays archived", session,
                about=about)
            self._findings.require(
                not stored.is_archived or session.may_be_gone,
                "only a session that was to be archived is archived", session, about=about)

    def _check_outcome(self, run: Asked) -> None:
        about = (run.session.label, run.label)
        stored = self._journal.runs.get(run.id)
        if not self._findings.require(
                stored, "a run whose outcome was read is in the journal for good", run, about=about):
            return
        assert stored
        promise = "an outcome that was read is in the journal for good"
        if not self._findings.require(
                stored.outcome, promise, run, run.result or run.failure, self._tail(stored), about=about):
            return
        assert stored.outcome
        outcome = stored.outcome["outcome"]
        if run.result:
            told = {name: run.result.get(name) for name in STORED}
            kept = {name: stored.outcome.get("result", {}).get(name) for name in STORED}
            self._findings.require(
                outcome == "completed" and told == kept, promise, run, told, stored.outcome, about=about)
        else:
            self._findings.require(outcome != "completed", promise, run, run.failure, stored.outcome, about=about)

    def _check_event(self, run: Asked, event: Message, victim: str) -> None:
        """What was announced is durable, streamed text apart."""
        about = (run.session.label, run.label, victim)
        promise = f"what {event['type']} announces is durable"
        stored = self._journal.runs.get(run.id)
        if not self._findings.require(stored, promise, event, run, about=about):
            return
        assert stored
        match event["type"]:
            case "text_complete":
                holds = event["content"] in stored.answers
            case "tool_call_requested":
                call = self._call(stored, event)
                holds = call is not None and (call.name, call.arguments) == (event["name"], event["args"])
            case "tool_execution_completed":
                call = self._call(stored, event)
                holds = bool(call and call.result and (event["result"], event["is_error"]) == (
                    call.content, call.result["is_error"]))
            case "run_completed":
                holds = bool(stored.outcome and stored.outcome.get("result", {}).get("text") == event["result"])
            case _:
                holds = True
        self._findings.require(holds, promise, event, self._tail(stored), about=about)

    def _call(self, run: Run, event: Message) -> Call | None:
        return next((call for call in run.calls if call.id == event["id"]), None)

    def _tail(self, run: Run) -> str:
        session = self._journal.sessions.get(run.session)
        entries = session.entries[-6:] if session else []
        return "the session ends with " + " ".join(
            f"{entry['seq']}:{entry['kind']}:{self._journal.labels.get(entry.get('run', ''), '-')}"
            for entry in entries)

    # Commands

    def check_commands(self, known: Session, stored: StoredSession, may_fail: bool) -> None:
        """Requires that every command whose end is reported has come to its own end."""
        about = (known.label,)
        for job, notice in stored.job_ends.items():
            result = notice["result"]
            self._findings.require(
                may_fail or self._has_ended_well(result), "a job of a living process is not ended by another", job,
                notice, about=about)
        for call in stored.calls.values():
            if call.name != "shell" or not call.result or call.result["origin"] != "ran" or call.result["is_error"]:
                continue
            result = json.loads(text_of(call.result["content"]))
            if "job_id" not in result and not known.interrupts:
                self._findings.require(
                    may_fail or self._has_ended_well(result), "a command of a living process is not ended by another",
                    call, about=about)

    @staticmethod
    def _has_ended_well(result: dict[str, Any]) -> bool:
        return result.get("exit_code") == 0 and result.get("stdout") == "done\n"

    @staticmethod
    def jobs(stored: StoredSession) -> dict[str, Call]:
        """The calls that have started a job which ends soon, by the job's id."""
        found = {}
        for call in stored.calls.values():
            if call.name == "shell" and call.result and call.result["origin"] == "ran" and not call.result["is_error"]:
                result = json.loads(text_of(call.result["content"]))
                if "job_id" in result and "sleep 100;" not in call.arguments["command"]:
                    found[result["job_id"]] = call
        return found
