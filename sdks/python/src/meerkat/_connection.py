"""Requests to a running server."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from itertools import count
from typing import Any

from meerkat._process import ServerProcess
from meerkat.errors import MeerkatError
from meerkat.streaming import EventQueue, _Call, _StdoutDispatcher

#: The server answers a longer line without naming the request, so it is refused here.
_LONGEST_LINE = 64 * 1024 * 1024


class Connection:
    """A server process, the requests made to it, and the tasks that outlive their callers."""

    def __init__(self, process: ServerProcess) -> None:
        self.dispatcher = _StdoutDispatcher(process.stdout, closed=process.failure)
        self._process = process
        self._request_ids = count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: str) -> Connection:
        """Starts the server and begins to read its answers."""
        connection = cls(await ServerProcess.spawn(path))
        connection.dispatcher.start()
        return connection

    @property
    def is_closed(self) -> bool:
        """Whether this side has closed the connection."""
        return self._closing is not None

    @property
    def is_open(self) -> bool:
        """Whether requests can still be answered."""
        return not self.is_closed and not self.dispatcher.ended

    def send(self, method: str, params: dict[str, Any], call: _Call) -> None:
        """Hands a request over; its answer arrives at the call."""
        if self.is_closed:
            raise MeerkatError("NOT_CONNECTED", "the client is closed")
        request_id = next(self._request_ids)
        request = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        line = json.dumps(request, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        encoded = line.encode()
        if len(encoded) > _LONGEST_LINE:
            raise MeerkatError(
                "INVALID_PARAMS", f"{method} takes {len(encoded)} bytes; 64 MiB is the limit"
            )
        self.dispatcher.register(request_id, call)
        if not self.dispatcher.ended:
            self._process.write(encoded + b"\n")

    async def drain(self) -> None:
        """Waits while the server lags behind in reading."""
        await self._process.drain()

    async def request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Makes a request and returns its result."""
        call = _Call()
        self.send(method, params, call)
        await self.drain()
        result = await call.response
        return result if isinstance(result, dict) else {}

    def spawn_interrupt(self, request: TurnRequest) -> None:
        """Interrupts a turn in the background."""
        if self.is_open:
            task = asyncio.create_task(request.interrupt_run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Ends what is under way and the process; every caller waits for the end."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.dispatcher.stop()
        await self._process.close()


class TurnRequest:
    """A request that keeps a session busy, interrupted when its caller gives up waiting."""

    def __init__(
        self,
        connection: Connection,
        method: str,
        params: dict[str, Any],
        session_id: str = "",
        queue: EventQueue | None = None,
    ) -> None:
        self.call = _Call(
            queue=queue,
            session_id=session_id,
            run_id=params.get("run_id", ""),
            listening=queue is not None,
        )
        self._connection = connection
        self._method = method
        self._params = params

    async def send(self) -> None:
        """Sends the request, once."""
        self._connection.send(self._method, self._params, self.call)
        try:
            await self._connection.drain()
        except asyncio.CancelledError:
            self._connection.dispatcher.leave(self.call)
            self.interrupt()
            raise

    async def answer(self) -> Any:
        """The result of the turn; cancelling the wait interrupts it."""
        try:
            return await asyncio.shield(self.call.response)
        except asyncio.CancelledError:
            self.interrupt()
            raise

    def interrupt(self) -> None:
        """Ends the turn in the background, as soon as its session is known."""
        if not self.call.response.done():
            self._connection.spawn_interrupt(self)

    async def interrupt_run(self) -> None:
        """Interrupts the run, a second time if the server had not begun it at the first.

        A run whose id is not known yet has to begin first: another one could be going on.
        """
        if not self.call.begun.is_set():
            await self._ask_to_interrupt()
        await self.call.begun.wait()
        if not self.call.response.done():
            await self._ask_to_interrupt()

    async def _ask_to_interrupt(self) -> None:
        if not self.call.session_id or not self.call.run_id:
            return
        params = {"session_id": self.call.session_id, "run_id": self.call.run_id}
        with suppress(MeerkatError):
            await self._connection.request("turn/interrupt", params)
