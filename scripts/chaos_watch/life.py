"""One life of the victim: a process that is spoken to line by line and killed when its trigger says so."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import random
import select
import subprocess
import time
from collections.abc import Callable
from typing import Any

from . import require

Message = dict[str, Any]

#: The longest life after the requests were written, and the longest one that is not to be killed, in seconds.
LONGEST_LIFE = 0.25
PATIENCE = 30.0


class Killed(Exception):
    """The trigger has fired and the process is gone."""


@dataclasses.dataclass
class Trigger:
    """When the process is killed."""

    #: What is waited for: `start`, `write`, `time`, `half a line`, `commit`, `tool start`, `tool end`, `summary`,
    #: `extraction`, `failure` (of a model, which another one follows), an event's name or `response`.
    kind: str
    #: How many of it.
    count: int = 1
    #: How long after it, in seconds.
    delay: float = 0.0

    EVENTS = (
        "run_started", "turn_started", "text_delta", "text_complete", "tool_call_requested", "tool_execution_started",
        "tool_execution_completed", "compaction_started", "model_fallback", "run_completed", "response",
    )
    #: What is waited for in the records, and how it begins there.
    RECORDS = {
        "tool start": b'{"start"', "tool end": b'{"end"', "summary": b'{"asked":"summary"',
        "extraction": b'{"asked":"extraction"', "failure": b'{"asked":"failure"',
    }

    @classmethod
    def choose(cls, chance: random.Random) -> Trigger:
        kind = chance.choice(
            ["start", "write", "half a line", "time", "time", "commit", "commit", "tool start", "tool start",
             "tool end", "tool end", "summary", "extraction", "failure", "event", "event", "event"])
        if kind == "start":
            return cls(kind, delay=chance.uniform(0, 0.04))
        if kind == "write":
            return cls(kind, delay=chance.uniform(0, 0.003))
        if kind == "half a line":
            return cls(kind)
        if kind == "time":
            return cls(kind, delay=chance.uniform(0, 0.15))
        if kind == "commit":
            return cls(kind, chance.randint(1, 25), chance.choice([0, chance.uniform(0, 0.001)]))
        if kind in ("tool start", "tool end"):
            return cls(kind, chance.randint(1, 8), chance.choice([0, 0, chance.uniform(0, 0.002)]))
        if kind in cls.RECORDS:
            # The model takes 3 ms; another one is asked within one.
            return cls(kind, chance.randint(1, 2), chance.uniform(0, 0.001 if kind == "failure" else 0.004))
        return cls(chance.choice(cls.EVENTS), chance.randint(1, 5), chance.choice([0, chance.uniform(0, 0.004)]))


class Life:
    """A running victim and the connection to it."""

    def __init__(
        self, command: list[str], folder: pathlib.Path, records: pathlib.Path, trigger: Trigger | None,
        take: Callable[[Message], None],
    ) -> None:
        self.trigger = trigger
        self.folder = folder
        self._take = take
        self._last_id = 0
        self._responses: dict[int, Message] = {}
        self._rest = b""
        self._deadline = time.monotonic() + PATIENCE
        self._left = trigger.count if trigger else 0
        self._is_armed = False
        self._seen_commit = b""
        self._index: int | None = None
        #: All that was said and read, for whoever looks for the cause of a violation.
        self.said: list[str] = []
        self._records = os.open(records, os.O_RDONLY)
        os.lseek(self._records, 0, os.SEEK_END)
        with open(records, "ab") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=folder, bufsize=0,
                env={"PATH": os.environ["PATH"], "HOME": str(folder), "RKAT_DATA_DIR": str(folder / ".rkat")})
        assert self.process.stdin and self.process.stdout
        self._input, self._output = self.process.stdin.fileno(), self.process.stdout.fileno()
        os.set_blocking(self._output, False)
        self._poll = select.poll()
        self._poll.register(self._output, select.POLLIN)
        if trigger and trigger.kind == "start":
            self._deadline = time.monotonic() + trigger.delay

    # Speaking

    def send(self, method: str, params: Message) -> int:
        self._last_id += 1
        request = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        text = json.dumps(request, separators=(",", ":"))
        self.said.append(f"> {text}")
        line = text.encode() + b"\n"
        if self._is_armed and self.trigger and self.trigger.kind == "half a line":
            os.write(self._input, line[:len(line) // 2])
            self._deadline = 0
        else:
            os.write(self._input, line)
        return self._last_id

    def call(self, method: str, params: Message) -> Message:
        request = self.send(method, params)
        while request not in self._responses:
            self.pump()
        response = self._responses[request]
        require("result" in response, f"{method} is answered", params, response)
        return response["result"]

    # Dying

    def arm(self) -> None:
        """From here on the trigger counts."""
        if not self.trigger or self.trigger.kind == "start":
            return
        self._is_armed = True
        delay = self.trigger.delay if self.trigger.kind in ("write", "time") else LONGEST_LIFE
        self._deadline = time.monotonic() + delay
        os.lseek(self._records, 0, os.SEEK_END)
        self._seen_commit = self._commit()

    def _commit(self) -> bytes:
        """The head of the database's index, which changes with every commit."""
        if self._index is None:
            try:
                self._index = os.open(self.folder / ".rkat/sessions/meerkat.db-shm", os.O_RDONLY)
            except FileNotFoundError:
                return b""
        return os.pread(self._index, 48, 0)

    def _note(self, count: int) -> None:
        if count and self._left > 0 and self._is_armed and self.trigger:
            self._left -= count
            if self._left <= 0:
                self._deadline = time.monotonic() + self.trigger.delay

    def _watch(self) -> bool:
        """Looks at the files; whether they must be looked at again at once."""
        kind = self.trigger.kind if self.trigger and self._is_armed else ""
        if kind == "commit":
            commit = self._commit()
            self._note(commit != self._seen_commit)
            self._seen_commit = commit
        elif kind in Trigger.RECORDS:
            self._note(os.read(self._records, 1 << 16).count(Trigger.RECORDS[kind]))
        else:
            return False
        return self._left > 0

    # Listening

    def pump(self) -> None:
        """Takes what has been said; waits a moment when that is nothing.

        Raises Killed when it is time.
        """
        is_watching = self._watch()
        left = self._deadline - time.monotonic()
        if left <= 0:
            require(self.trigger, "everything is answered in time", self._last_id)
            self.kill()
            raise Killed
        self._poll.poll(0 if is_watching else min(max(left * 1000, 1) if left > 0.002 else 0, 50))
        try:
            data = os.read(self._output, 1 << 16)
        except BlockingIOError:
            return
        require(data or self.trigger is None, "the victim lives until it is killed", self.process.poll())
        self._split(data)

    def _split(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.said.append(f"< {line.decode()}")
            message = json.loads(line)
            if "method" not in message:
                self._responses[message["id"]] = message
            kind = message["params"]["event"]["type"] if "method" in message else "response"
            self._note(bool(self.trigger and self.trigger.kind == kind))
            self._take(message)

    def kill(self) -> None:
        self.process.kill()
        self._end()

    def exit(self) -> int:
        """Closes the input and waits."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self._end()
        return self.process.returncode

    def _end(self) -> None:
        """Reads what stands in the pipe: a client may have read that much."""
        os.set_blocking(self._output, True)
        while data := os.read(self._output, 1 << 16):
            self._split(data)
        self.process.wait(PATIENCE)

    def discard(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE)
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        os.close(self._records)
        if self._index is not None:
            os.close(self._index)
