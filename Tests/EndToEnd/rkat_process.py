"""Drives `rkat rpc` as a child process, line by line, and starts the provider that it talks to.

Everything here blocks, and every wait has a limit. A thread reads what the process says, so that a test can look at
what has arrived while a request is still open.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from driver import Provider, self_signed_certificate  # noqa: E402

__all__ = [
    "RKAT", "Ended", "Folder", "Message", "Params", "Provider", "Rkat", "data_directory",
    "self_signed_certificate", "text_of", "wait_until",
]

_FOUND = shutil.which("rkat")
#: Absolute, for it is started in other folders; None when it is not on PATH.
RKAT = os.path.abspath(_FOUND) if _FOUND else None
#: How long anything may take that should come at once.
PATIENCE = 30.0

Message = dict[str, Any]
Params = dict[str, Any]


class Ended(Exception):
    """The process is gone and has not said what was waited for."""


def data_directory(home: Path, project: Path) -> Path:
    """Where rkat keeps what belongs to a project."""
    root = project.resolve()
    name = re.sub(rb"[^A-Za-z0-9_]", b"_", os.fsencode(root.name)[:40]).decode()
    return home / ".rkat" / "projects" / f"{name}-{hashlib.sha256(os.fsencode(root)).hexdigest()[:16]}"


class Folder:
    """A folder that rkat works in, and the home of its user, which is the same one unless another is named."""

    def __init__(self, path: Path, config: str = "", home: Path | None = None) -> None:
        self.path = path
        self.home = home or path
        self.sessions = data_directory(self.home, path) / "sessions"
        self.database = self.sessions / "meerkat.db"
        (self.home / ".rkat").mkdir(parents=True, exist_ok=True)
        if config:
            (self.home / ".rkat" / "config.toml").write_text(config)

    def owners(self) -> list[str]:
        return sorted(os.listdir(self.sessions / "owners"))


class Rkat:
    """A running `rkat rpc` and the connection to it."""

    def __init__(
        self, folder: Folder, *arguments: str, executable: str | None = RKAT,
        prepare: Callable[[], None] | None = None, **environment: str,
    ) -> None:
        """Starts the process; `prepare` is called in it before the executable."""
        assert executable, "rkat is not on PATH"
        self.folder = folder
        self._errors = tempfile.TemporaryFile()
        self._arrived = threading.Condition()
        self._may_read = threading.Event()
        self._may_read.set()
        self._last_id = 0
        #: All that has arrived, and when.
        self.messages: list[Message] = []
        self.times: list[float] = []
        #: Lines that are no messages, the last of a killed process excepted.
        self.garbage: list[bytes] = []
        self._responses: dict[Any, Message] = {}
        self._has_ended = False
        self.process = subprocess.Popen(
            [executable, "rpc", *arguments],
            cwd=folder.path,
            env={"PATH": os.defpath, "HOME": str(folder.home), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            preexec_fn=prepare,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Rkat:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    # Reading

    def _read(self) -> None:
        assert self.process.stdout is not None
        rest = b""
        while True:
            self._may_read.wait()
            data = os.read(self.process.stdout.fileno(), 1 << 20)
            if not data:
                break
            now = time.monotonic()
            *lines, tail = data.split(b"\n")
            if lines:
                lines[0] = rest + lines[0]
                rest = tail
                self._take(lines, now)
            else:
                rest += tail
        with self._arrived:
            self._has_ended = True
            self._arrived.notify_all()

    def _take(self, lines: list[bytes], now: float) -> None:
        with self._arrived:
            for line in lines:
                try:
                    message = json.loads(line)
                except ValueError:
                    self.garbage.append(line)
                    continue
                self.messages.append(message)
                self.times.append(now)
                if "method" not in message:
                    self._responses[message.get("id")] = message
            self._arrived.notify_all()

    def stop_reading(self) -> None:
        """Leaves what the process says in its pipe; at most one read is still going on."""
        self._may_read.clear()

    def go_on_reading(self) -> None:
        self._may_read.set()

    def wait_for(
        self, wanted: Callable[[Message], bool], timeout: float = PATIENCE, start: int = 0
    ) -> Message:
        """The first message from the one with index `start` that is wanted."""
        deadline = time.monotonic() + timeout
        with self._arrived:
            while True:
                while start < len(self.messages):
                    if wanted(self.messages[start]):
                        return self.messages[start]
                    start += 1
                self._wait(deadline, "a message")

    def _wait(self, deadline: float, what: str) -> None:
        if self._has_ended:
            raise Ended(f"{what} has not come; stderr: {self.stderr()[-2000:]!r}")
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"{what} has not come in time; stderr: {self.stderr()[-2000:]!r}")
        self._arrived.wait(left)

    def event(self, kind: str, request: Any, timeout: float = PATIENCE) -> Message:
        """The first event of a kind that belongs to a request."""

        def wanted(message: Message) -> bool:
            params = message.get("params", {})
            return params.get("request_id") == request and params["event"]["type"] == kind

        return self.wait_for(wanted, timeout)["params"]

    def events(self, request: Any) -> list[Message]:
        """The events that have arrived for a request."""
        with self._arrived:
            return [
                message["params"]["event"]
                for message in self.messages
                if message.get("params", {}).get("request_id") == request
            ]

    def response(self, request: Any, timeout: float = PATIENCE) -> Message:
        deadline = time.monotonic() + timeout
        with self._arrived:
            while request not in self._responses:
                self._wait(deadline, f"the answer to request {request}")
            return self._responses[request]

    def result(self, request: Any, timeout: float = PATIENCE) -> Message:
        response = self.response(request, timeout)
        assert "error" not in response, response
        return response["result"]

    def failure(self, request: Any, timeout: float = PATIENCE) -> Message:
        response = self.response(request, timeout)
        assert "result" not in response, response
        return response["error"]

    def stderr(self) -> str:
        # Not by seeking: the process writes at the same offset.
        size = os.fstat(self._errors.fileno()).st_size
        return os.pread(self._errors.fileno(), size, 0).decode(errors="replace")

    # Writing

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, method: str, params: Any = None) -> int:
        self._last_id += 1
        request = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": {} if params is None else params}
        self.write(json.dumps(request, separators=(",", ":")).encode() + b"\n")
        return self._last_id

    def call(self, method: str, params: Any = None, timeout: float = PATIENCE) -> Message:
        return self.result(self.send(method, params), timeout)

    def fail(self, method: str, params: Any = None, timeout: float = PATIENCE) -> Message:
        """The error that a request is answered with."""
        return self.failure(self.send(method, params), timeout)

    def start_turn(self, session: str, prompt: str, run_id: str | None = None) -> int:
        return self.send("turn/start", {"session_id": session, "prompt": prompt, "run_id": run_id or str(uuid4())})

    def turn(self, session: str, prompt: str) -> Message:
        return self.result(self.start_turn(session, prompt))

    def history(self, session: str) -> list[Message]:
        """All messages of a session, read in pages."""
        messages: list[Message] = []
        params: Params = {"session_id": session, "limit": 500}
        while True:
            page = self.call("session/history", params)
            messages += page["messages"]
            if page.get("next_cursor") is None:
                return messages
            params["cursor"] = page["next_cursor"]

    def stored_sessions(self) -> list[Message]:
        """All stored sessions, read in pages."""
        sessions: list[Message] = []
        params: Params = {"include_stored": True, "limit": 500}
        while True:
            page = self.call("session/list", params)
            sessions += page["sessions"]
            if page.get("next_cursor") is None:
                return sessions
            params["cursor"] = page["next_cursor"]

    # The end

    def close_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def wait(self, timeout: float = PATIENCE) -> int:
        """The exit status, once everything the process said has been read."""
        status = self.process.wait(timeout)
        self._may_read.set()
        self._reader.join(timeout)
        assert not self._reader.is_alive(), "something holds the output open"
        return status

    def exit(self) -> int:
        self.close_input()
        return self.wait()

    def kill(self) -> None:
        self.process.kill()
        self.wait()

    def pause(self) -> None:
        """Stops the process, as ^Z does, and waits until it stands."""
        self.process.send_signal(signal.SIGSTOP)
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def discard(self) -> None:
        """Ends the process, whatever it is doing."""
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.stdout.close()
        self._errors.close()


def text_of(message: Message) -> str:
    """The text of a message of a history."""
    if message["role"] == "user":
        return message["content"]
    return "".join(block["data"]["text"] for block in message.get("blocks", []) if block["block_type"] == "text")


def wait_until(condition: Callable[[], bool], timeout: float = PATIENCE) -> None:
    """For what cannot be awaited, such as the state of another process."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "has not come to pass in time"
        time.sleep(0.005)
