"""What is asked of the processes, chosen at random."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable

from .known import Asked, Message, Request, Session
from .victim import Victim

#: Sessions that are used at once; beyond them no new ones are made.
MOST_SESSIONS = 10
#: Runs after which a session is left alone.
MOST_RUNS = 15
SCHEMA = {"type": "object", "properties": {"steps": {"type": "integer"}}, "required": ["steps"]}


class Actions:
    """Makes requests about sessions that all processes share."""

    def __init__(self, chance: random.Random, send: Callable[[Request], None]) -> None:
        self._chance = chance
        self._send = send
        self.sessions: list[Session] = []
        self.runs: list[Asked] = []
        self._kinds: list[tuple[int, Callable[[Victim, list[Victim]], None]]] = [
            (3, self._create), (1, self._prepare), (10, self._start), (3, self._twins), (5, self._resume),
            (4, self._again), (3, self._read), (2, self._history), (2, self._list), (1, self._fork), (2, self._compact),
            (2, self._interrupt), (1, self._put_away),
        ]

    def act(self, victims: list[Victim]) -> None:
        """Asks for one thing, of one process or of two."""
        weights = [weight for weight, _ in self._kinds]
        _, action = self._chance.choices(self._kinds, weights)[0]
        action(self._chance.choice(victims), victims)

    # Runs

    def _create(self, victim: Victim, victims: list[Victim]) -> None:
        if len(self._usable()) >= MOST_SESSIONS:
            return self._start(victim, victims)
        session = self._new_session()
        run = self._new_run(session)
        session.creator = run
        for one in self._once_or_twice(victim, victims):
            self.ask(one, run)

    def _start(self, victim: Victim, victims: list[Victim]) -> None:
        if session := self._session():
            self.ask(victim, self._new_run(session))

    def _twins(self, victim: Victim, victims: list[Victim]) -> None:
        """Asks two processes for the same run, or one of them twice."""
        if session := self._session():
            run = self._new_run(session)
            self.ask(victim, run)
            self.ask(self._chance.choice(victims), run)

    def _again(self, victim: Victim, victims: list[Victim]) -> None:
        if runs := [run for run in self.runs[-60:] if not run.session.may_be_gone]:
            self.ask(victim, self._chance.choice(runs))

    def _resume(self, victim: Victim, victims: list[Victim]) -> None:
        """Mostly a run that was cut off."""
        sessions = [session for session in self._usable() if session.id and session.runs]
        if not sessions:
            return
        cut_off = [session for session in sessions if self._is_cut_off(session.runs[-1])]
        session = self._chance.choice(cut_off if cut_off and self._chance.random() < 0.8 else sessions)
        # Which run is meant must be known to judge the answer.
        run = next((run for run in reversed(session.runs) if self._is_cut_off(run)), session.runs[-1])
        params: Message = {"session_id": session.id, "run_id": run.id}
        for one in self._once_or_twice(victim, victims):
            self._send(Request("turn/resume", dict(params), one, 0, session, run))

    @staticmethod
    def _is_cut_off(run: Asked) -> bool:
        return run.was_started and run.runner is None and not run.is_final

    def ask(self, victim: Victim, run: Asked) -> None:
        """Sends the request that the run was asked for with, which starts it when it is not known yet."""
        session = run.session
        params: Message = {"prompt": run.prompt, "run_id": run.id}
        if session.creator is run:
            self._send(Request("session/create", {**session.options, **params}, victim, 0, session, run))
        elif session.id:
            self._send(Request("turn/start", {**params, "session_id": session.id}, victim, 0, session, run))

    # Sessions

    def _prepare(self, victim: Victim, victims: list[Victim]) -> None:
        if len(self._usable()) >= MOST_SESSIONS:
            return
        session = self._new_session()
        params = {**session.options, "initial_turn": False, "run_id": self._new_id()}
        for one in self._once_or_twice(victim, victims):
            self._send(Request("session/create", dict(params), one, 0, made=session))

    def _fork(self, victim: Victim, victims: list[Victim]) -> None:
        if len(self._usable()) < MOST_SESSIONS and (session := self._session()):
            made = self._new_session(session.options)
            params = {"session_id": session.id, "run_id": self._new_id()}
            for one in self._once_or_twice(victim, victims):
                self._send(Request("session/fork", dict(params), one, 0, session, made=made))

    def _read(self, victim: Victim, victims: list[Victim]) -> None:
        self._about("session/read", victim)

    def _history(self, victim: Victim, victims: list[Victim]) -> None:
        self._about("session/history", victim, limit=self._chance.choice([3, 100, 500]))

    def _list(self, victim: Victim, victims: list[Victim]) -> None:
        self._send(Request("session/list", {"include_stored": self._chance.random() < 0.8}, victim, 0))

    def _compact(self, victim: Victim, victims: list[Victim]) -> None:
        self._about("session/compact", victim)

    def _interrupt(self, victim: Victim, victims: list[Victim]) -> None:
        self._about("turn/interrupt", victim)

    def _put_away(self, victim: Victim, victims: list[Victim]) -> None:
        if len(self._usable()) > 3:
            self._about(self._chance.choice(["session/archive", "session/delete"]), victim)

    def _about(self, method: str, victim: Victim, **params: object) -> None:
        if session := self._session():
            self._send(Request(method, {"session_id": session.id, **params}, victim, 0, session))

    # Choosing

    def _once_or_twice(self, victim: Victim, victims: list[Victim]) -> list[Victim]:
        return [victim, self._chance.choice(victims)] if self._chance.random() < 0.3 else [victim]

    def _usable(self) -> list[Session]:
        return [session for session in self.sessions if not session.may_be_gone and len(session.runs) < MOST_RUNS]

    def _session(self) -> Session | None:
        """One whose id is known, mostly of the newer ones; now and then one that is put away."""
        known = [session for session in self._usable() if session.id]
        if self._chance.random() < 0.02:
            known = [session for session in self.sessions if session.id]
        return self._chance.choice(known[-6:]) if known else None

    def _new_session(self, options: Message | None = None) -> Session:
        if options is None:
            options = {"enable_builtins": True}
            if self._chance.random() < 0.6:
                options["enable_shell"] = True
            if self._chance.random() < 0.15:
                options["output_schema"] = SCHEMA
            if self._chance.random() < 0.1:
                options |= {"model": "claude-failing", "fallback_models": ["claude-spare"]}
        session = Session(f"s{len(self.sessions)}", options=options)
        self.sessions.append(session)
        return session

    def _new_run(self, session: Session) -> Asked:
        number = len(self.runs)
        seed = number + 1 + self._chance.randrange(1_000_000) * 10_000
        prompt = json.dumps({"session": session.label, "seed": seed}, separators=(",", ":"))
        run = Asked(f"r{number}", self._new_id(), session, prompt)
        session.runs.append(run)
        self.runs.append(run)
        return run

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))
