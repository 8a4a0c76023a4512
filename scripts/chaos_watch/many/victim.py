"""One of several living processes: it is written to and read from without ever waiting for it."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import time
from collections.abc import Iterator

from .known import Message, Request

#: How long a living process may take for an answer, in seconds.
PATIENCE = 30.0
#: How long a process may take to exit: the grace of 4 s after the end of its input, and what a busy machine adds.
EXIT_PATIENCE = 15.0


class Victim:
    """A process and the connection to it."""

    def __init__(
        self, name: str, command: list[str], folder: pathlib.Path, errors: pathlib.Path, environment: dict[str, str],
        user: int | None,
    ) -> None:
        self.name = name
        self.requests: dict[int, Request] = {}
        self.begun = time.monotonic()
        #: `kill`, `term` or `eof`, once it was asked to end, and when.
        self.ending: str | None = None
        self.ending_since = 0.0
        self.is_stopped = False
        self.has_ended = False
        self.ended_at: float | None = None
        self.has_spoken = False
        self._last_id = 0
        self._rest = b""
        self._unsent = b""
        with open(errors, "ab") as file:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=file, cwd=folder, bufsize=0,
                env=environment, user=user, group=user, extra_groups=[] if user is not None else None)
        assert self.process.stdin and self.process.stdout
        self.input, self.output = self.process.stdin.fileno(), self.process.stdout.fileno()
        os.set_blocking(self.input, False)
        os.set_blocking(self.output, False)

    def __repr__(self) -> str:
        return self.name

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_open(self) -> bool:
        """Whether it takes requests."""
        return not self.has_ended and self.ending is None

    # Speaking

    def send(self, request: Request) -> None:
        self._last_id += 1
        line = {"jsonrpc": "2.0", "id": self._last_id, "method": request.method, "params": request.params}
        self._unsent += json.dumps(line, separators=(",", ":")).encode() + b"\n"
        request.deadline = time.monotonic() + PATIENCE
        self.requests[self._last_id] = request
        self.flush()

    def flush(self) -> None:
        """Writes what the pipe takes."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            while self._unsent:
                self._unsent = self._unsent[os.write(self.input, self._unsent):]

    def read(self) -> Iterator[Message]:
        """What has been said; `has_ended` is set at the end of it."""
        while True:
            try:
                data = os.read(self.output, 1 << 16)
            except BlockingIOError:
                return
            if not data:
                self.has_ended, self.ended_at = True, time.monotonic()
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            self.has_spoken = True
            for line in lines:
                yield json.loads(line)

    # Disturbing

    def kill(self) -> None:
        self._end("kill")
        self.process.kill()

    def terminate(self) -> None:
        self._end("term")
        self.process.terminate()

    def close_input(self) -> None:
        self._end("eof")
        self.flush()
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def _end(self, way: str) -> None:
        self.ending = way
        self.ending_since = time.monotonic()

    def stop(self) -> None:
        self.is_stopped = True
        self._signal(signal.SIGSTOP)

    def resume(self, stopped_for: float) -> None:
        """Lets it go on; it has that much longer for what it was asked."""
        self.is_stopped = False
        self._signal(signal.SIGCONT)
        self.ending_since += stopped_for
        for request in self.requests.values():
            request.deadline += stopped_for

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def limit(self, kind: int, count: int | None) -> bool:
        """Lowers a limit, or raises it again; whether that was possible."""
        try:
            hard = resource.prlimit(self.pid, kind)[1]
            resource.prlimit(self.pid, kind, (hard if count is None else count, hard))
            return True
        except (OSError, ValueError):
            return False

    # Looking

    def is_at_rest(self) -> bool:
        """Whether every thread of it is stopped or gone."""
        try:
            for task in os.listdir(f"/proc/{self.pid}/task"):
                with contextlib.suppress(OSError):
                    stat = pathlib.Path(f"/proc/{self.pid}/task/{task}/stat").read_text()
                    if stat[stat.rindex(")") + 2] not in "TtZX":
                        return False
        except OSError:
            pass
        return True

    def open_files(self) -> list[str]:
        """What its descriptors stand for."""
        found = []
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{self.pid}/fd"):
                with contextlib.suppress(OSError):
                    found.append(os.readlink(f"/proc/{self.pid}/fd/{name}"))
        return found

    def highest_descriptor(self) -> int:
        with contextlib.suppress(OSError, ValueError):
            return max(map(int, os.listdir(f"/proc/{self.pid}/fd")))
        return 0

    def discard(self) -> None:
        if self.process.poll() is None:
            self._signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        assert self.process.stdin and self.process.stdout
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.stdout.close()
