"""The server as a child process: its pipes, its end and its last words."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import cast

from meerkat.errors import MeerkatError

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_STDERR_TAIL = 8 * 1024
#: Seconds a descendant may hold the pipes open after the server itself is gone.
_PIPE_GRACE = 1.0
#: Seconds from SIGTERM to SIGKILL.
_EXIT_GRACE = 5.0


class ServerProcess(asyncio.SubprocessProtocol):
    """A running `rkat rpc`; `stdout` ends when the process is gone and all it wrote was read."""

    def __init__(self) -> None:
        self.stdout = asyncio.StreamReader()
        self._stderr = b""
        self._writable = asyncio.Event()
        self._writable.set()
        self._exited = asyncio.Event()
        self._stdout_ended = False

    @classmethod
    async def spawn(cls, path: str) -> ServerProcess:
        """Starts the server.

        Raises `MeerkatError` with the code `BINARY_NOT_FOUND` when the file is gone or not
        executable.
        """
        loop = asyncio.get_running_loop()
        try:
            _, process = await loop.subprocess_exec(cls, path, "rpc")
        except (FileNotFoundError, PermissionError) as error:
            raise MeerkatError("BINARY_NOT_FOUND", f"cannot start '{path}': {error}") from error
        return process

    def write(self, line: bytes) -> None:
        """Hands a line to the process; `drain()` waits until it may take more."""
        self._stdin.write(line)

    async def drain(self) -> None:
        """Waits while the process lags behind in reading."""
        await self._writable.wait()

    async def close(self) -> None:
        """Closes stdin and ends the process: SIGTERM, and SIGKILL after five seconds."""
        self._end_stdout()
        self._stdin.close()
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._exited.wait(), _EXIT_GRACE)
        except asyncio.TimeoutError:
            self._signal(signal.SIGKILL)
            await self._exited.wait()
        finally:
            self._transport.close()

    def failure(self) -> MeerkatError:
        """Why no more answers come: a new `CONNECTION_CLOSED` with the end of stderr."""
        status = self._transport.get_returncode()
        stderr = self._stderr.decode(errors="replace")
        message = "rpc process closed"
        if status is not None:
            message += f" (exit status {status})" if status >= 0 else f" (signal {-status})"
        if stderr:
            message += f"; stderr: {stderr.rstrip()}"
        return MeerkatError("CONNECTION_CLOSED", message, {"exit_status": status, "stderr": stderr})

    @property
    def _stdin(self) -> asyncio.WriteTransport:
        return cast(asyncio.WriteTransport, self._transport.get_pipe_transport(_STDIN))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == _STDERR:
            self._stderr = (self._stderr + data)[-_STDERR_TAIL:]
        elif not self._stdout_ended:
            self.stdout.feed_data(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == _STDIN:
            self._writable.set()
            if not self._stdout_ended:
                # A server that no longer listens cannot answer: its end fails what is open.
                self._signal(signal.SIGTERM)
        elif fd == _STDOUT:
            self._end_stdout_soon()

    def process_exited(self) -> None:
        self._exited.set()
        self._end_stdout_soon()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_stdout()

    def _signal(self, number: signal.Signals) -> None:
        # Not through the transport: that may reap the process before asyncio's watcher does.
        if not self._exited.is_set():
            with suppress(ProcessLookupError):
                os.kill(self._transport.get_pid(), number)

    def _end_stdout_soon(self) -> None:
        asyncio.get_running_loop().call_later(_PIPE_GRACE, self._end_stdout)

    def _end_stdout(self) -> None:
        if not self._stdout_ended:
            self._stdout_ended = True
            self.stdout.feed_eof()
