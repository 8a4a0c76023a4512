"""What is asked of every process when all is calm: each must say the same, and what the journal says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .known import Asked, Message, Request, Session
from .stored import StoredSession
from .victim import Victim

if TYPE_CHECKING:
    from .arena import Arena

#: Sessions and runs that are asked about, and how long the end of a job may take to be reported, in seconds.
SESSIONS = 6
RUNS = 8
JOB_PATIENCE = 8.0


class Questions:
    def __init__(self, arena: Arena) -> None:
        self._arena = arena

    def ask(self) -> None:
        """Compares what the processes say with one another and with the journal."""
        arena = self._arena
        self._wait_for_jobs()
        arena.look(is_thorough=True)
        if not arena.is_sound:
            return
        for session, stored in self._stored():
            arena.checks.check_commands(session, stored, self._may_commands_fail(session))
        victims = list(arena.open)
        chosen = arena.chance.sample(self._stored(), min(SESSIONS, len(self._stored())))
        for session, stored in chosen:
            if not session.may_be_gone:
                self._ask_about(session, stored, victims)
        final = [run for run in arena.actions.runs if run.is_final and not run.session.may_be_gone]
        for run in arena.chance.sample(final, min(RUNS, len(final))):
            for victim in victims:
                arena.actions.ask(victim, run)
        arena.wait_for_answers()
        for victim in victims:
            self._ask_for_list(victim)

    def _stored(self) -> list[tuple[Session, StoredSession]]:
        sessions = self._arena.journal.sessions
        return [(one, sessions[one.id]) for one in self._arena.actions.sessions if one.id in sessions]

    # Sessions

    def _ask_about(self, session: Session, stored: StoredSession, victims: list[Victim]) -> None:
        require = self._arena.findings.require
        before = len(stored.entries)
        told = {victim: self._call(victim, "session/read", session) for victim in victims}
        histories = {victim: self._history(victim, session) for victim in victims}
        self._arena.look()
        if len(stored.entries) != before:
            # The end of a job was reported meanwhile.
            return
        for victim in victims:
            about = (session.label, victim.name)
            answer, history = told[victim], histories[victim]
            if answer is not None and answer["state"] == "running":
                # As long as a run seems to go on, its calls are open.
                expected = [message for message in stored.messages() if "computed" not in message]
            else:
                expected = stored.messages()
            if answer is not None:
                require(
                    self._state(answer) == self._expected_state(stored),
                    "every process shows the journal's state of a session", answer, stored.open, about=about)
            if history is not None:
                difference = next(
                    (pair for pair in zip(history, expected, strict=False) if pair[0] != pair[1]),
                    None if len(history) == len(expected) else (history[-2:], expected[-2:]))
                require(
                    difference is None, "every process shows the journal's history of a session",
                    f"{len(history)} and {len(expected)} messages", difference, about=about)
        self._check_validity(session, stored.messages())

    def _check_validity(self, session: Session, messages: list[Message]) -> None:
        """Every call has exactly one result, before anything else is said."""
        promise = "a history is valid"
        require = self._arena.findings.require
        calls: list[str] = []
        last = ""
        for message in messages:
            if message["role"] == "tool_results":
                for result in message["results"]:
                    if require(result["tool_use_id"] in calls, promise, message, calls, about=(session.label,)):
                        calls.remove(result["tool_use_id"])
            elif message.get("origin") != "job":
                require(not calls, promise, "calls without a result", calls, message, about=(session.label,))
                require(
                    message["role"] == "user" or last != "block_assistant", promise, "two answers", message,
                    about=(session.label,))
                calls += [
                    block["data"]["id"] for block in message.get("blocks", []) if block["block_type"] == "tool_use"]
            last = message["role"]
        require(not calls, promise, "calls without a result", calls, about=(session.label,))

    def _history(self, victim: Victim, session: Session) -> list[Message] | None:
        messages: list[Message] = []
        cursor: int | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            limit = self._arena.chance.choice([7, 100, 500])
            page = self._call(victim, "session/history", session, limit=limit, **more)
            if page is None:
                return None
            messages += page["messages"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return messages

    def _ask_for_list(self, victim: Victim) -> None:
        arena = self._arena
        #: As (id, state).
        listed: list[tuple[str, str]] = []
        cursor: str | None = None
        while True:
            more = {} if cursor is None else {"cursor": cursor}
            limit = arena.chance.choice([7, 500])
            page = self._call(victim, "session/list", None, include_stored=True, limit=limit, **more)
            if page is None:
                return
            listed += [(entry["session_id"], self._state(entry)) for entry in page["sessions"]]
            cursor = page.get("next_cursor")
            if cursor is None:
                break
        expected = [
            (id, self._expected_state(stored)) for id, stored in arena.journal.sessions.items()
            if not stored.is_archived]
        labels = arena.journal.labels
        arena.findings.require(
            sorted(listed) == sorted(expected), "every process lists the sessions of the journal",
            f"missing {[(labels.get(id, id), state) for id, state in set(expected) - set(listed)]}",
            f"too many {[(labels.get(id, id), state) for id, state in set(listed) - set(expected)]}",
            about=(victim.name,))

    @staticmethod
    def _expected_state(stored: StoredSession) -> str:
        return "interrupted" if stored.open else "idle"

    def _state(self, answer: Message) -> str:
        """The state as it is answered.

        After a full disk a run may be open whose process lives; to the others it seems to go on.
        """
        state: str = answer["state"]
        return "interrupted" if state == "running" and self._arena.circumstances.were("full disk") else state

    def _call(self, victim: Victim, method: str, session: Session | None, **params: object) -> Message | None:
        """The result; None when there is none, which has been judged."""
        if session:
            params["session_id"] = session.id
        request = Request(method, params, victim, 0, session)
        self._arena.send(request)
        while request.response is None and victim.is_open:
            self._arena.turn()
        return request.response.get("result") if request.response else None

    # Jobs

    def _wait_for_jobs(self) -> None:
        """Requires that the end of every short job of a living process is reported in the end."""
        arena = self._arena
        end = time.monotonic() + JOB_PATIENCE
        arena.look()
        while (missing := self._missing_jobs()) and time.monotonic() < end and arena.is_sound:
            pause = time.monotonic() + 0.3
            while time.monotonic() < pause:
                arena.turn()
            arena.look()
        for session, job, run in missing if arena.is_sound else []:
            arena.findings.require(
                False, "the end of a job is reported in the history of its session", job, run,
                about=(session.label, run.label))

    def _missing_jobs(self) -> list[tuple[Session, str, Asked]]:
        arena = self._arena
        runs = {run.id: run for run in arena.actions.runs}
        living = {victim.name for victim in arena.open}
        missing = []
        for session, stored in self._stored():
            if session.may_be_gone or stored.is_fork or self._may_commands_fail(session):
                continue
            for job, call in arena.checks.jobs(stored).items():
                lives = {victim for victim in arena.judge.starters.get(call.id, ()) if victim in living}
                if lives and job not in stored.job_ends and call.run in runs:
                    missing.append((session, job, runs[call.run]))
        return missing

    def _may_commands_fail(self, session: Session) -> bool:
        """Whether commands may have been kept from running, or from telling their end, by what was done to them."""
        were = self._arena.circumstances.were
        return session.may_be_gone or were("descriptors") or were("processes") or were("full disk")
