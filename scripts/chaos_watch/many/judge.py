"""Judges every answer and event by what is known when it is read."""

from __future__ import annotations

import collections
import time
from typing import Any

from .circumstances import Circumstances
from .findings import Findings
from .known import Asked, Message, Request, Session, Terminal
from .stored import Journal

#: Requests during which a session is kept by their process.
HOLDING = ("session/create", "turn/start", "turn/resume", "session/compact", "session/archive", "session/delete")
ERRORS = {
    -32001: "SESSION_NOT_FOUND", -32002: "SESSION_BUSY", -32003: "SESSION_NOT_RUNNING", -32013: "AGENT_ERROR",
    -32603: "INTERNAL_ERROR",
}


class Judge:
    """Notes what is read in the sessions and runs, and finds what may not be said."""

    def __init__(self, findings: Findings, circumstances: Circumstances, journal: Journal) -> None:
        self._findings = findings
        self._circumstances = circumstances
        self._journal = journal
        #: The requests about each session, by its label.
        self.requests: dict[str, list[Request]] = {}
        #: What was announced and has not been looked for in the journal yet.
        self.announced: list[tuple[Asked, Message, str]] = []
        #: The processes that have announced the result of a call, by its id.
        self.starters: dict[str, set[str]] = {}
        #: How often each error was answered, and what may be seen but should be rare.
        self.errors: collections.Counter[str] = collections.Counter()

    def sent(self, request: Request) -> None:
        if request.session:
            self.requests.setdefault(request.session.label, []).append(request)

    # Events

    def take_event(self, request: Request, params: Message) -> None:
        run, event = request.run, params["event"]
        kind = event["type"]
        if kind != "text_delta":
            self._findings.note(f"{request.victim} < {self._who(request)} {kind}{self._detail(event)}")
        if not request.is_for_run or not run or self._makes_another(request, params["session_id"]):
            return
        about = self._about(request)
        require = self._findings.require
        require(params["run_id"] == run.id, "an event names its run", params, run, about=about)
        self.learn(run.session, params["session_id"], about)
        match kind:
            case "run_started":
                self._take_start(request, run, event, about)
            case "run_completed" | "run_failed":
                self._take_end(request, run, event, about)
            case "text_complete" | "tool_call_requested" | "tool_execution_completed":
                if kind == "tool_execution_completed":
                    self.starters.setdefault(event["id"], set()).add(request.victim.name)
                self.announced.append((run, event, request.victim.name))

    def _take_start(self, request: Request, run: Asked, event: Message, about: tuple[str, ...]) -> None:
        victim = request.victim
        runner = run.runner
        require = self._findings.require
        require(
            runner is None or runner is victim or runner.ending is not None or runner.has_ended,
            "a run goes on in another process only when its own has died", run, f"runs in {runner}", event, about=about)
        require(runner is not victim, "a run begins once in a process", run, event, about=about)
        # What was said before may be read after what another process has said.
        require(
            not run.was_final(request.sent), "a run that has ended does not begin again", run,
            run.result or run.failure, about=about)
        require(
            event.get("resumed") or not run.was_started, "a run that was started begins again only by being resumed",
            run, event, about=about)
        run.was_started, run.runner = True, victim
        self.announced.append((run, event, victim.name))

    def _take_end(self, request: Request, run: Asked, event: Message, about: tuple[str, ...]) -> None:
        victim = request.victim
        hard = [terminal for terminal in run.terminals if not terminal.is_soft]
        self._findings.require(
            not hard, "a run has one terminal event over all processes", run, run.terminals, event, about=about)
        is_soft = event["type"] == "run_failed" and self._circumstances.were("full disk", request.sent)
        run.terminals.append(Terminal(victim.name, event["type"], is_soft))
        request.has_failed = event["type"] == "run_failed"
        if run.runner is victim:
            run.runner = None
        if event["type"] == "run_completed":
            self.announced.append((run, event, victim.name))

    # Answers

    def take_answer(self, request: Request, message: Message) -> None:
        request.answered, request.response = time.monotonic(), message
        error = message.get("error")
        if not error and self._makes_another(request, message["result"].get("session_id")):
            return
        self._findings.note(f"{request.victim} < {self._who(request)} {request.method}: {self._outcome(message)}")
        if request.run and request.run.runner is request.victim and request.is_for_run:
            request.run.runner = None
        if error:
            self._take_error(request, error)
        elif request.is_for_run:
            self._take_result(request, message["result"])
        else:
            self._take_other(request, message["result"])

    def _take_result(self, request: Request, result: Message) -> None:
        run, about, require = request.run, self._about(request), self._findings.require
        assert run
        if request.method == "turn/resume" and "run_id" not in request.params:
            # Whichever was interrupted.
            return
        require(result["run_id"] == run.id, "a result names its run", run, result, about=about)
        require(run.failure is None, "asking again gives the recorded outcome", run, run.failure, result, about=about)
        require(
            run.result in (None, result), "asking again gives the recorded outcome", run, run.result, result,
            about=about)
        if not run.is_final:
            run.result, run.final_since = result, time.monotonic()
        self.learn(run.session, result["session_id"], about)

    def _take_other(self, request: Request, result: Message) -> None:
        session = request.session
        if request.made and "session_id" in result:
            self.learn(request.made, result["session_id"], self._about(request))
        elif request.method == "session/archive" and session:
            session.is_archived = True
        elif request.method == "session/delete" and session:
            session.is_deleted = True

    @staticmethod
    def _makes_another(request: Request, id: str | None) -> bool:
        """Whether a session is made anew by a request that came after its deletion: its run ids are unknown then."""
        session = request.made or request.session
        is_making = request.made is not None or request.method == "session/create"
        return bool(is_making and session and session.id and session.may_be_deleted and id not in (None, session.id))

    def learn(self, session: Session, id: str, about: tuple[str, ...]) -> None:
        self._findings.require(session.id in (None, id), "a run stays in its session", session, id, about=about)
        session.id = id
        self._journal.labels[id] = session.label

    # Errors

    def _take_error(self, request: Request, error: Message) -> None:
        run, about = request.run, self._about(request)
        code, reason = error["code"], self._reason(error)
        if run and request.has_failed and (reason or "").startswith("store_"):
            run.store_failure = reason
        self.errors[f"{ERRORS.get(code, code)} {reason or ''}".strip()] += 1
        problem = self._problem(request, code, reason)
        self._findings.require(not problem, problem or "", error, request.params, about=about)
        if not run or not request.is_for_run or self._is_passing(request, code, reason):
            return
        if run.was_final(request.sent):
            self._findings.require(
                run.failure == (code, reason), "asking again gives the recorded outcome", run,
                run.result or run.failure, error, about=about)
        elif request.has_failed and not run.is_final:
            run.failure, run.final_since = (code, reason), time.monotonic()

    @staticmethod
    def _reason(error: Message) -> str | None:
        """The reason; that of the store when the end of a run could not be stored."""
        details: dict[str, str] = error.get("data", {}).get("details", {})
        reason = details.get("reason")
        return details.get("store", reason) if reason == "store" else reason

    def _is_passing(self, request: Request, code: int, reason: str | None) -> bool:
        """Whether the error says nothing about the run itself."""
        run = request.run
        assert run
        if (reason or "").startswith("store_") or reason in ("closing", "processes_left", "conflict") or code == -32603:
            return True
        if request.method == "turn/resume" and "run_id" not in request.params:
            return True
        if code == -32001 and (not request.session or request.session.may_be_gone):
            return True
        # Of a run that has ended, the outcome is the answer, whatever goes on.
        return not run.was_final(request.sent) and (code in (-32001, -32002, -32003) or reason == "interrupted")

    def _problem(self, request: Request, code: int, reason: str | None) -> str | None:
        """The promise that an error breaks; None when it may be said."""
        victim, session, were = request.victim, request.session, self._circumstances.were
        is_limited = were("descriptors", request.sent, victim.name) or were("processes", request.sent, victim.name)
        name = f"{ERRORS.get(code, code)}{f' {reason}' if reason else ''} of {request.method}"
        if code == -32001:
            is_known = session is not None and session.id is not None and not session.may_be_gone
            return f"a session that exists is found: {name}" if is_known else None
        if code == -32002 and reason is None:
            is_held = self._is_held(request, here=True)
            return None if is_held else f"a session is busy only while it is used here: {name}"
        if code == -32002 and reason == "owned_elsewhere":
            if self._is_held(request, here=False):
                return None
            if were("full disk"):
                # A process that lives cannot give up what it could not write.
                self.errors["SESSION_BUSY owned_elsewhere of an idle session, after a full disk"] += 1
                return None
            return f"a session is owned elsewhere only while another process uses it: {name}"
        if code == -32002:
            return None if is_limited else f"only a disturbed process does not know an owner: {name}"
        if code == -32003:
            return None if request.method == "turn/resume" else f"only documented errors are answered: {name}"
        if code == -32013 and reason:
            if reason == "cancelled":
                return None if self._may_be_cancelled(request) else f"only what is interrupted is cancelled: {name}"
            if reason == "interrupted" and request.is_for_run:
                return None
            if reason == "closing":
                return None if victim.ending else f"only a process that ends is closing: {name}"
            if reason in ("store_busy", "store_failed", "store_full"):
                is_recorded = request.run is not None and request.run.store_failure == reason
                is_disturbed = is_limited or is_recorded or were("full disk", request.sent) or (
                    reason == "store_busy" and (were("foreign", request.sent) or were("stopped", request.sent)))
                return None if is_disturbed else f"the store fails only when it is disturbed: {name}"
            if reason == "processes_left":
                return None if is_limited else f"what a dead process leaves is ended: {name}"
        if is_limited and code == -32603:
            return f"a process out of descriptors says so: {name}"
        return f"only documented errors are answered: {name}"

    def _is_held(self, request: Request, here: bool) -> bool:
        """Whether a session may have been in use, in this process or in another one, when the request was worked on."""
        session = request.session
        if session is None:
            return True
        for other in self.requests.get(session.label, []):
            if other is request or (other.victim is request.victim) != here:
                continue
            if other.method in HOLDING and (other.answered is None or other.answered >= request.sent):
                if other.answered or not other.victim.ended_at or other.victim.ended_at >= request.sent:
                    return True
            # The end of a job is reported by its own process.
            if not here and session.options.get("enable_shell") and other.method in HOLDING:
                if not other.victim.ended_at or other.victim.ended_at >= request.sent:
                    return True
        return False

    def _may_be_cancelled(self, request: Request) -> bool:
        session, run = request.session, request.run
        if request.victim.ending in ("term", "eof"):
            return True
        if session and (session.interrupts or session.may_be_deleted):
            return True
        # Recorded when another process ended.
        return bool(run and session and any(
            other.victim.ending in ("term", "eof") for other in self.requests.get(session.label, [])))

    # Words

    def _about(self, request: Request) -> tuple[str, ...]:
        session = request.session or request.made
        words = (session.label if session else "", request.run.label if request.run else "", request.victim.name)
        return tuple(word for word in words if word)

    def _who(self, request: Request) -> str:
        return " ".join(self._about(request)[:-1])

    def _detail(self, event: Message) -> str:
        if "id" in event and "name" in event:
            return f" {event['id']} {event['name']}"
        return f" {event['error'][:80]}" if "error" in event else ""

    def _outcome(self, message: Message) -> str:
        if "error" in message:
            error: dict[str, Any] = message["error"]
            return f"{ERRORS.get(error['code'], error['code'])} {self._reason(error) or ''} ({error['message'][:80]})"
        result = message["result"]
        names = ("state", "run_id", "archived", "deleted", "interrupted", "compacted", "turns")
        return " ".join(f"{name}={result[name]}" for name in names if name in result) or "ok"
