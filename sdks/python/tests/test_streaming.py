"""The dispatcher and `StreamingTurn`, fed line by line."""

import asyncio
import json
import logging
from typing import Any

import pytest

from meerkat import MeerkatClient, MeerkatError, SessionNotFoundError
from meerkat.streaming import EventQueue, StreamingTurn, _Call, _StdoutDispatcher

RESULT = {"session_id": "s1", "text": "Hello", "turns": 1, "tool_calls": 0}


def answer(request_id: Any, result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def failure(request_id: Any, code: int, message: str, **more: Any) -> dict[str, Any]:
    return {
        "jsonrpc": "2.0",
        "id": request_id,
        "error": {"code": code, "message": message, **more},
    }


def event(session_id: str, kind: str, request_id: int | None = None, **members: Any) -> Any:
    params: dict[str, Any] = {"session_id": session_id}
    if request_id is not None:
        params |= {"run_id": f"run-{request_id}", "request_id": request_id}
    params["event"] = {"type": kind, **members}
    return {"jsonrpc": "2.0", "method": "session/event", "params": params}


def delta(session_id: str, text: str, request_id: int | None = None) -> Any:
    return event(session_id, "text_delta", request_id, delta=text)


class Lines(asyncio.StreamReader):
    """What the server would write."""

    def write(self, *messages: Any) -> None:
        self.feed_data(b"".join(json.dumps(message).encode() + b"\n" for message in messages))


async def soon(awaitable: Any) -> Any:
    """The value of something that must not be long in coming."""
    return await asyncio.wait_for(awaitable, 5)


def taken(queue: EventQueue) -> list[Any]:
    """What stands in a queue."""
    return [queue.get_nowait() for _ in range(queue.qsize())]


@pytest.fixture
async def lines() -> Lines:
    return Lines()


@pytest.fixture
async def dispatcher(lines: Lines) -> Any:
    dispatcher = _StdoutDispatcher(lines)
    dispatcher.start()
    yield dispatcher
    await dispatcher.stop()


class TestDispatcher:
    async def test_response_resolves_its_future(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        first, second = dispatcher.expect_response(1), dispatcher.expect_response(2)
        lines.write(answer(1, {"n": 1}))
        assert await soon(first) == {"n": 1}
        assert not second.done()

    async def test_error_response_raises(self, lines: Lines, dispatcher: _StdoutDispatcher) -> None:
        future = dispatcher.expect_response(1)
        lines.write(failure(1, -32001, "no such session"))
        with pytest.raises(SessionNotFoundError, match="no such session"):
            await soon(future)

    async def test_event_reaches_the_subscriber_of_its_session(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        queue = dispatcher.subscribe_events("s1")
        lines.write(delta("s1", "hi"))
        assert await soon(queue.get()) == {"type": "text_delta", "delta": "hi"}

    async def test_events_without_subscriber_are_dropped(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        future = dispatcher.expect_response(1)
        lines.write(delta("s1", "a"), delta("s1", "b", request_id=1), answer(1, {}))
        assert await soon(future) == {}
        assert dispatcher._event_queues == {}

    async def test_events_before_a_response_keep_their_order(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        queue, future = dispatcher.subscribe_events("s1"), dispatcher.expect_response(1)
        lines.write(*(delta("s1", text) for text in "abc"), answer(1, RESULT))
        assert await soon(future) == RESULT
        assert [item["delta"] for item in taken(queue)] == ["a", "b", "c"]

    async def test_end_of_input_fails_what_is_open(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        futures = [dispatcher.expect_response(1), dispatcher.expect_response(2)]
        lines.feed_eof()
        errors = await soon(asyncio.gather(*futures, return_exceptions=True))
        assert [error.code for error in errors] == ["CONNECTION_CLOSED"] * 2
        assert all("rpc process closed" in str(error) for error in errors)
        assert errors[0] is not errors[1]

    async def test_end_of_input_ends_every_queue(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        queues = [
            dispatcher.subscribe_events("s1"),
            dispatcher.subscribe_events("s2"),
            dispatcher.subscribe_pending_stream(1),
        ]
        lines.feed_eof()
        assert await soon(asyncio.gather(*(queue.get() for queue in queues))) == [None] * 3

    async def test_after_the_end_nothing_waits(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        lines.feed_eof()
        with pytest.raises(MeerkatError):
            await soon(dispatcher.expect_response(1))
        with pytest.raises(MeerkatError):
            await soon(dispatcher.expect_response(2))
        assert await soon(dispatcher.subscribe_events("s1").get()) is None
        assert await soon(dispatcher.subscribe_pending_stream(3).get()) is None

    async def test_pending_stream_is_flushed_with_the_response(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        queue, future = dispatcher.subscribe_pending_stream(5), dispatcher.expect_response(5)
        lines.write(delta("new", "a"), delta("new", "b"))
        lines.write(answer(5, {"session_id": "new"}), delta("new", "late"))
        lines.feed_eof()
        await soon(future)
        assert [item["delta"] for item in [await soon(queue.get()) for _ in range(3)]] == [
            "a",
            "b",
            "late",
        ]

    async def test_pending_stream_gets_no_other_sessions_events(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        queue, future = dispatcher.subscribe_pending_stream(5), dispatcher.expect_response(5)
        lines.write(delta("other", "x"), answer(5, {"session_id": "new"}), delta("other", "y"))
        lines.feed_eof()
        await soon(future)
        assert await soon(queue.get()) is None

    async def test_sessions_are_independent(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        one, two = dispatcher.subscribe_events("s1"), dispatcher.subscribe_events("s2")
        lines.write(delta("s1", "a"), delta("s2", "b"), delta("s1", "c"))
        lines.feed_eof()
        assert [item and item["delta"] for item in [await soon(one.get()) for _ in range(3)]] == [
            "a",
            "c",
            None,
        ]
        assert [item and item["delta"] for item in [await soon(two.get()) for _ in range(2)]] == [
            "b",
            None,
        ]

    async def test_unsubscribed_events_are_dropped(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        queue, future = dispatcher.subscribe_events("s1"), dispatcher.expect_response(1)
        dispatcher.unsubscribe_events("s1")
        assert "s1" not in dispatcher._event_queues
        lines.write(delta("s1", "a"), answer(1, {}))
        await soon(future)
        assert queue.empty()

    async def test_responses_out_of_order(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        futures = [dispatcher.expect_response(number) for number in (1, 2, 3)]
        lines.write(answer(3, {"n": 3}), answer(1, {"n": 1}), answer(2, {"n": 2}))
        assert await soon(asyncio.gather(*futures)) == [{"n": 1}, {"n": 2}, {"n": 3}]

    async def test_second_subscriber_replaces_the_first(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        first, second = dispatcher.subscribe_events("s1"), dispatcher.subscribe_events("s1")
        lines.write(delta("s1", "a"))
        assert (await soon(second.get())) == {"type": "text_delta", "delta": "a"}
        assert first.empty()

    async def test_stop_fails_what_is_open(self, dispatcher: _StdoutDispatcher) -> None:
        queue, future = dispatcher.subscribe_events("s1"), dispatcher.expect_response(1)
        await dispatcher.stop()
        with pytest.raises(MeerkatError) as caught:
            await soon(future)
        assert caught.value.code == "CLIENT_CLOSED"
        assert queue.get_nowait() is None

    async def test_stop_before_the_first_read(self, lines: Lines) -> None:
        dispatcher = _StdoutDispatcher(lines)
        dispatcher.start()
        future = dispatcher.expect_response(1)
        await dispatcher.stop()
        with pytest.raises(MeerkatError):
            await soon(future)

    @pytest.mark.parametrize(
        "garbage",
        [
            b"not json",
            b"\xff\xfe",
            b"[1, 2]",
            b"3",
            b"[" * 100_000,
            b'{"jsonrpc":"2.0","id":1,"method":"tool/call","params":{}}',
            b'{"method":"session/event"}',
            b'{"method":"session/event","params":[]}',
            b'{"method":"session/event","params":{"session_id":[],"event":{}}}',
            b'{"method":"session/event","params":{"session_id":"s1","event":7}}',
            b'{"method":"session/event","params":{"session_id":"s2","request_id":[],"event":{}}}',
            b'{"id":null,"error":{"code":-32700,"message":"parse error"}}',
            b'{"id":[],"result":{}}',
            b'{"id":99,"result":{}}',
            b"{}",
        ],
    )
    async def test_reading_goes_on_after(
        self, lines: Lines, dispatcher: _StdoutDispatcher, garbage: bytes
    ) -> None:
        queue, future = dispatcher.subscribe_events("s1"), dispatcher.expect_response(1)
        lines.feed_data(garbage + b"\n")
        lines.write(answer(1, {"n": 1}))
        assert await soon(future) == {"n": 1}
        assert queue.empty()

    async def test_garbage_is_logged(
        self, lines: Lines, dispatcher: _StdoutDispatcher, caplog: pytest.LogCaptureFixture
    ) -> None:
        future = dispatcher.expect_response(1)
        lines.feed_data(b"banner\n\n \r\n")
        lines.write(failure(None, -32700, "parse error"), answer(1, {}))
        with caplog.at_level(logging.WARNING, logger="meerkat.streaming"):
            await soon(future)
        assert {record.name for record in caplog.records} == {"meerkat.streaming"}
        assert "banner" in caplog.messages[0]
        assert "parse error" in caplog.messages[1]
        assert len(caplog.messages) == 2

    async def test_lines_may_be_cut_anywhere(self, lines: Lines) -> None:
        dispatcher = _StdoutDispatcher(lines)
        dispatcher.start()
        queue, future = dispatcher.subscribe_events("s1"), dispatcher.expect_response(1)
        text = b"".join(
            json.dumps(message, ensure_ascii=False).encode() + end
            for message, end in [
                (delta("s1", "größe"), b"\r\n"),
                (delta("s1", "日本"), b"\n"),
                (answer(1, {"n": 1}), b""),
            ]
        )
        for index in range(len(text)):
            lines.feed_data(text[index : index + 1])
            await asyncio.sleep(0)
        lines.feed_eof()
        assert await soon(future) == {"n": 1}
        assert [item["delta"] for item in taken(queue)[:2]] == ["größe", "日本"]

    async def test_a_line_has_no_longest_length(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        queue, future = dispatcher.subscribe_events("s1"), dispatcher.expect_response(1)
        lines.write(delta("s1", "x" * 10_000_000), answer(1, {"text": "y" * 10_000_000}))
        result = await soon(future)
        assert len(result["text"]) == 10_000_000
        assert len(taken(queue)[0]["delta"]) == 10_000_000


class TestRoutingByRequest:
    async def test_pending_stream_is_live(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        queue, future = dispatcher.subscribe_pending_stream(5), dispatcher.expect_response(5)
        lines.write(delta("new", "a", request_id=5))
        assert await soon(queue.get()) == {"type": "text_delta", "delta": "a"}
        assert not future.done()
        assert dispatcher._event_queues["new"] is queue

    async def test_any_number_of_pending_streams(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        queues = {number: dispatcher.subscribe_pending_stream(number) for number in range(1, 6)}
        for text in "ab":
            lines.write(*(delta(f"s{number}", text, number) for number in reversed(queues)))
        for queue in queues.values():
            assert [(await soon(queue.get()))["delta"] for _ in range(2)] == ["a", "b"]
            assert queue.empty()

    async def test_pending_streams_without_request_ids(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        queues = [dispatcher.subscribe_pending_stream(number) for number in (1, 2)]
        lines.write(delta("s1", "one"), delta("s2", "two"))
        lines.write(answer(2, {"session_id": "s2"}))
        lines.write(failure(1, -32010, "no", data={"code": "PROVIDER_ERROR", "session_id": "s1"}))
        assert (await soon(queues[0].get()))["delta"] == "one"
        assert (await soon(queues[1].get()))["delta"] == "two"
        assert dispatcher._unclaimed == {}

    async def test_events_of_another_request_stay_out_of_a_session(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        earlier = _Call(queue=asyncio.Queue(), session_id="s1")
        later = _Call(queue=asyncio.Queue(), session_id="s1")
        dispatcher.register(1, earlier)
        dispatcher.leave(earlier)
        dispatcher.register(2, later)
        lines.write(delta("s1", "old", 1), delta("s1", "new", 2), answer(2, {}))
        await soon(later.response)
        assert later.queue is not None
        assert [item["delta"] for item in taken(later.queue)] == ["new"]

    async def test_leaving_spares_a_later_subscriber(self, dispatcher: _StdoutDispatcher) -> None:
        earlier = _Call(queue=asyncio.Queue(), session_id="s1")
        later = _Call(queue=asyncio.Queue(), session_id="s1")
        dispatcher.register(1, earlier)
        dispatcher.register(2, later)
        dispatcher.leave(earlier)
        assert dispatcher._event_queues["s1"] is later.queue

    async def test_leaving_forgets_kept_events(
        self, lines: Lines, dispatcher: _StdoutDispatcher
    ) -> None:
        pending = _Call(queue=asyncio.Queue())
        dispatcher.register(1, pending)
        marker = dispatcher.expect_response(2)
        lines.write(delta("new", "a"), answer(2, {}))
        await soon(marker)
        assert list(dispatcher._unclaimed) == ["new"]
        dispatcher.leave(pending)
        assert dispatcher._unclaimed == {}


class TestStreamingTurn:
    @pytest.fixture
    async def turn(self, dispatcher: _StdoutDispatcher) -> StreamingTurn:
        return StreamingTurn(
            session_id="s1",
            event_queue=dispatcher.subscribe_events("s1"),
            response_future=dispatcher.expect_response(1),
            dispatcher=dispatcher,
            parse_result=MeerkatClient._parse_run_result,
        )

    async def test_events_and_then_the_result(self, lines: Lines, turn: StreamingTurn) -> None:
        lines.write(event("s1", "turn_started", turn_number=0), delta("s1", "Hello"))
        lines.write(answer(1, RESULT))
        async with turn:
            kinds = [item["type"] async for item in turn]
        assert kinds == ["turn_started", "text_delta"]
        assert (turn.result.session_id, turn.result.text) == ("s1", "Hello")
        assert (turn.session_id, turn.run_id) == ("s1", "")

    async def test_result_before_the_end_raises(self, turn: StreamingTurn) -> None:
        with pytest.raises(MeerkatError, match="Iterate the stream") as caught:
            _ = turn.result
        assert caught.value.code == "STREAM_NOT_CONSUMED"

    async def test_collect(self, lines: Lines, turn: StreamingTurn) -> None:
        lines.write(delta("s1", "Hello"), answer(1, RESULT))
        async with turn:
            assert (await soon(turn.collect())).text == "Hello"
        assert turn.result.text == "Hello"

    async def test_collect_text(self, lines: Lines, turn: StreamingTurn) -> None:
        lines.write(*(delta("s1", text) for text in ("Hel", "lo ", "there")), answer(1, RESULT))
        async with turn:
            text, result = await soon(turn.collect_text())
        assert text == "Hello there"
        assert result.text == "Hello"

    async def test_collect_text_leaves_out_what_a_retry_takes_back(
        self, lines: Lines, turn: StreamingTurn
    ) -> None:
        started = event("s1", "turn_started", turn_number=0)
        retrying = event("s1", "retrying", attempt=1, discard_text=True)
        lines.write(started, delta("s1", "Let me see. "))
        lines.write(started, delta("s1", "wrong"), retrying, delta("s1", "worse"), retrying)
        lines.write(delta("s1", "It is "), event("s1", "retrying", attempt=3), delta("s1", "noon."))
        lines.write(answer(1, RESULT))
        async with turn:
            text, _ = await soon(turn.collect_text())
        assert text == "Let me see. It is noon."

    async def test_collect_text_leaves_out_what_a_fallback_takes_back(
        self, lines: Lines, turn: StreamingTurn
    ) -> None:
        started = event("s1", "turn_started", turn_number=0)
        discarding = event("s1", "model_fallback", model="m2", discard_text=True)
        lines.write(started, delta("s1", "Let me see. "))
        lines.write(started, delta("s1", "wrong"), discarding, delta("s1", "It is "))
        lines.write(event("s1", "model_fallback", model="m3", discard_text=False))
        lines.write(delta("s1", "noon."), answer(1, RESULT))
        async with turn:
            text, _ = await soon(turn.collect_text())
        assert text == "Let me see. It is noon."

    async def test_iteration_shows_what_a_retry_takes_back(
        self, lines: Lines, turn: StreamingTurn
    ) -> None:
        lines.write(delta("s1", "wrong"), event("s1", "retrying", attempt=1, discard_text=True))
        lines.write(delta("s1", "right"), answer(1, RESULT))
        async with turn:
            assert [item.get("delta") async for item in turn] == ["wrong", None, "right"]

    async def test_leaving_unsubscribes(
        self, dispatcher: _StdoutDispatcher, turn: StreamingTurn
    ) -> None:
        async with turn:
            assert "s1" in dispatcher._event_queues
        assert "s1" not in dispatcher._event_queues

    async def test_no_events(self, lines: Lines, turn: StreamingTurn) -> None:
        lines.write(answer(1, RESULT))
        async with turn:
            assert [item async for item in turn] == []
        assert turn.result.text == "Hello"

    async def test_reading_late_loses_nothing(
        self, lines: Lines, dispatcher: _StdoutDispatcher, turn: StreamingTurn
    ) -> None:
        marker = dispatcher.expect_response(2)
        lines.write(*(delta("s1", text) for text in "abc"), answer(1, RESULT), answer(2, {}))
        async with turn:
            await soon(marker)
            assert [item["delta"] async for item in turn] == ["a", "b", "c"]

    async def test_an_error_follows_the_events(self, lines: Lines, turn: StreamingTurn) -> None:
        lines.write(delta("s1", "a"), failure(1, -32010, "provider down"))
        seen = []
        async with turn:
            with pytest.raises(MeerkatError, match="provider down"):
                async for item in turn:
                    seen.append(item["delta"])
            assert [item async for item in turn] == []
            with pytest.raises(MeerkatError, match="provider down"):
                _ = turn.result
        assert seen == ["a"]

    async def test_the_death_of_the_process_follows_the_events(
        self, lines: Lines, turn: StreamingTurn
    ) -> None:
        lines.write(delta("s1", "a"))
        lines.feed_eof()
        async with turn:
            assert (await soon(anext(turn)))["delta"] == "a"
            with pytest.raises(MeerkatError) as caught:
                await soon(anext(turn))
        assert caught.value.code == "CONNECTION_CLOSED"

    async def test_the_result_can_be_had_after_leaving(
        self, lines: Lines, turn: StreamingTurn
    ) -> None:
        async with turn:
            pass
        lines.write(delta("s1", "nobody"), answer(1, RESULT))
        assert (await soon(turn.collect())).text == "Hello"
