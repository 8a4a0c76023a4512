"""Reads what the server writes and hands out the events of turns."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from meerkat.errors import MeerkatError, _error_from_response
from meerkat.generated.types import WireRunResult

if TYPE_CHECKING:
    from meerkat._connection import TurnRequest

_logger = logging.getLogger("meerkat.streaming")

_CHUNK = 1024 * 1024

Event = dict[str, Any]
#: The events of a turn in order; `None` marks the end.
EventQueue = asyncio.Queue[Event | None]


class _Call:
    """A request under way: where its answer and its events go, and what they have told so far."""

    def __init__(
        self,
        response: asyncio.Future[Any] | None = None,
        queue: EventQueue | None = None,
        session_id: str = "",
        run_id: str = "",
        listening: bool = True,
    ) -> None:
        self.response = response or asyncio.get_running_loop().create_future()
        # An answer nobody waits for any more is not worth a warning of asyncio's.
        self.response.add_done_callback(lambda future: future.cancelled() or future.exception())
        self.queue = queue
        #: Empty until an event or the answer tells it.
        self.session_id = session_id
        #: The id that the client gave the run, else empty until an event tells it.
        self.run_id = run_id
        #: Set by the first event that names this request, at the latest by the answer.
        self.begun = asyncio.Event()
        #: Whether events that name this request are for anybody.
        self.listening = listening

    @property
    def awaits_session(self) -> bool:
        """Whether this is a stream that does not know its session yet."""
        return self.queue is not None and self.listening and not self.session_id

    def succeed(self, result: Any) -> None:
        self.begun.set()
        if not self.response.done():
            self.response.set_result(result)

    def fail(self, error: MeerkatError) -> None:
        self.begun.set()
        if not self.response.done():
            self.response.set_exception(error)


class _StdoutDispatcher:
    """Reads JSON lines and routes each: an answer to its request, an event to its stream.

    An event that names its request goes to the stream of that request, otherwise to the
    subscriber of its session. Servers that do not name requests tell the session of a new
    stream only with the answer; until then the events of unknown sessions are kept.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        closed: Callable[[], MeerkatError] | None = None,
    ) -> None:
        self._reader = reader
        #: Makes the error for each request that is open when the lines end.
        self._closed = closed or _connection_closed
        self._calls: dict[int, _Call] = {}
        self._event_queues: dict[str, EventQueue] = {}
        self._unclaimed: dict[str, list[Event]] = {}
        self._task: asyncio.Task[None] | None = None
        self.ended = False

    def start(self) -> None:
        """Begins to read in the background."""
        self._task = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Ends reading; what is still open fails with `CLIENT_CLOSED`."""
        self._closed = _client_closed
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._end()

    def register(self, request_id: int, call: _Call) -> None:
        """Lets a call receive the answer and, if it has a queue, the events of a request."""
        if self.ended:
            call.fail(self._closed())
            return
        self._calls[request_id] = call
        if call.queue is not None and call.session_id:
            self._event_queues[call.session_id] = call.queue

    def expect_response(self, request_id: int) -> asyncio.Future[Any]:
        """A future for the result of a request."""
        return self._call(request_id).response

    def subscribe_events(self, session_id: str) -> EventQueue:
        """A queue for the events of a session; it replaces the session's earlier one."""
        queue = self._event_queues[session_id] = self._new_queue()
        return queue

    def unsubscribe_events(self, session_id: str) -> None:
        """Lets further events of a session go."""
        self._event_queues.pop(session_id, None)

    def subscribe_pending_stream(self, request_id: int) -> EventQueue:
        """A queue for the events of a request whose session is not known yet."""
        queue = self._call(request_id).queue = self._new_queue()
        return queue

    def leave(self, call: _Call) -> None:
        """Lets further events of a call go, without touching a later subscriber."""
        call.listening = False
        if self._event_queues.get(call.session_id) is call.queue:
            del self._event_queues[call.session_id]
        self._forget_unclaimed()

    def _call(self, request_id: int) -> _Call:
        if request_id in self._calls:
            return self._calls[request_id]
        call = _Call()
        self.register(request_id, call)
        return call

    def _new_queue(self) -> EventQueue:
        queue: EventQueue = asyncio.Queue()
        if self.ended:
            queue.put_nowait(None)
        return queue

    async def _read(self) -> None:
        unfinished: list[bytes] = []
        try:
            while chunk := await self._reader.read(_CHUNK):
                *lines, rest = chunk.split(b"\n")
                if lines:
                    lines[0] = b"".join((*unfinished, lines[0]))
                    unfinished.clear()
                for line in lines:
                    self._dispatch(line)
                if rest:
                    unfinished.append(rest)
            self._dispatch(b"".join(unfinished))
        finally:
            self._end()

    def _dispatch(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            message = json.loads(line.decode())
        except (ValueError, RecursionError) as error:
            _logger.warning("skipped a line that is not JSON (%s): %.200r", error, line)
            return
        if not isinstance(message, dict):
            _logger.warning("skipped a line that is not a message: %.200r", line)
        elif "method" not in message:
            self._resolve(message)
        elif "id" not in message:
            self._route(message.get("params"))
        else:
            _logger.warning("skipped a request of the server: %.200r", line)

    def _resolve(self, message: dict[str, Any]) -> None:
        request_id, error = message.get("id"), message.get("error")
        call = self._calls.pop(request_id, None) if isinstance(request_id, int) else None
        if call is None:
            if error is not None:
                _logger.warning("an error that belongs to no request: %.200r", error)
            return
        if call.awaits_session:
            told = error.get("data") if isinstance(error, dict) else message.get("result")
            session_id = told.get("session_id") if isinstance(told, dict) else None
            if isinstance(session_id, str):
                self._bind(call, session_id)
        if error is None:
            call.succeed(message.get("result"))
        else:
            call.fail(_error_from_response(error))
        self._forget_unclaimed()

    def _route(self, params: Any) -> None:
        if not isinstance(params, dict):
            return
        session_id, event = params.get("session_id"), params.get("event")
        if not isinstance(session_id, str) or not isinstance(event, dict):
            return
        request_id = params.get("request_id")
        call = self._calls.get(request_id) if isinstance(request_id, int) else None
        queue = self._event_queues.get(session_id)
        if call is not None:
            if not call.session_id:
                self._bind(call, session_id)
            call.run_id = call.run_id or params.get("run_id") or ""
            call.begun.set()
            if not call.listening:
                return
            if call.queue is not None:
                queue = call.queue
        if queue is not None:
            queue.put_nowait(event)
        elif request_id is None and self._awaits_sessions:
            self._unclaimed.setdefault(session_id, []).append(event)

    def _bind(self, call: _Call, session_id: str) -> None:
        if call.awaits_session and call.queue is not None:
            self._event_queues[session_id] = call.queue
            for event in self._unclaimed.pop(session_id, ()):
                call.queue.put_nowait(event)
        call.session_id = session_id

    @property
    def _awaits_sessions(self) -> bool:
        return any(call.awaits_session for call in self._calls.values())

    def _forget_unclaimed(self) -> None:
        if self._unclaimed and not self._awaits_sessions:
            self._unclaimed.clear()

    def _end(self) -> None:
        self.ended = True
        queues = {*self._event_queues.values()}
        for call in self._calls.values():
            call.fail(self._closed())
            if call.queue is not None:
                queues.add(call.queue)
        self._calls.clear()
        self._event_queues.clear()
        for queue in queues:
            queue.put_nowait(None)


class StreamingTurn:
    """The events of one turn while it runs, and its result.

    Entering the context sends the request. Iteration yields the events as plain dictionaries and
    ends with the turn, or raises what the turn failed with. Events that arrive while nobody reads
    are kept. Leaving the context early lets the turn go on; cancelling `collect()` or
    `collect_text()` interrupts it.
    """

    def __init__(
        self,
        *,
        session_id: str,
        event_queue: EventQueue,
        response_future: asyncio.Future[Any],
        dispatcher: _StdoutDispatcher,
        parse_result: Callable[[Any], WireRunResult],
        request: TurnRequest | None = None,
    ) -> None:
        self._queue = event_queue
        self._dispatcher = dispatcher
        self._parse_result = parse_result
        self._request = request
        self._call = request.call if request else _Call(response_future, event_queue, session_id)
        #: Without a request to send, the caller has sent it.
        self._entered = request is None
        self._ended = False
        self._result: WireRunResult | None = None
        response_future.add_done_callback(lambda _: event_queue.put_nowait(None))

    @property
    def session_id(self) -> str:
        """The session of the turn; empty until the server has told the id of a new one."""
        return self._call.session_id

    @property
    def run_id(self) -> str:
        """The id of the run; of a resumed one that was not named, empty until the first event."""
        return self._call.run_id

    @property
    def result(self) -> WireRunResult:
        """The result of the turn, once iteration has ended."""
        if self._result is not None:
            return self._result
        if self._ended and (error := self._call.response.exception()) is not None:
            raise error
        raise MeerkatError(
            "STREAM_NOT_CONSUMED", "Iterate the stream to its end before reading its result"
        )

    async def __aenter__(self) -> StreamingTurn:
        if self._request is not None:
            if self._entered:
                raise MeerkatError("STREAM_ALREADY_STARTED", "A stream can be entered once")
            self._entered = True
            await self._request.send()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._dispatcher.leave(self._call)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        if not self._entered:
            raise MeerkatError("STREAM_NOT_STARTED", "Enter the stream with 'async with' first")
        if not self._ended:
            event = await self._queue.get()
            if event is not None:
                return event
            await self._finish()
        raise StopAsyncIteration

    async def collect(self) -> WireRunResult:
        """Reads to the end and returns the result."""
        return await self._read_all(lambda event: None)

    async def collect_text(self) -> tuple[str, WireRunResult]:
        """Reads to the end and returns the streamed text of all model calls and the result."""
        text = _StreamedText()
        result = await self._read_all(text.add)
        return str(text), result

    async def _read_all(self, see: Callable[[Event], None]) -> WireRunResult:
        try:
            async for event in self:
                see(event)
        except asyncio.CancelledError:
            if self._request is not None:
                self._request.interrupt()
            raise
        return self.result

    async def _finish(self) -> None:
        answer = asyncio.shield(self._call.response)
        try:
            self._result = self._parse_result(await answer)
        finally:
            self._ended = self._call.response.done()


class _StreamedText:
    """The text of a turn as it is streamed; an attempt that is made again takes its part back."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._attempt = 0

    def add(self, event: Event) -> None:
        kind = event.get("type")
        if kind == "text_delta":
            self._pieces.append(event.get("delta", ""))
        elif kind == "turn_started":
            self._attempt = len(self._pieces)
        elif kind in ("retrying", "model_fallback") and event.get("discard_text"):
            del self._pieces[self._attempt :]

    def __str__(self) -> str:
        return "".join(self._pieces)


def _connection_closed() -> MeerkatError:
    return MeerkatError("CONNECTION_CLOSED", "rpc process closed")


def _client_closed() -> MeerkatError:
    return MeerkatError("CLIENT_CLOSED", "the client was closed before the answer arrived")
