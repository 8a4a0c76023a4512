#!/usr/bin/env python3
"""A model provider that answers from memory, so that a measurement holds no model.

    fake_provider.py [--port N] [--tls-cert FILE --tls-key FILE] [--exit-on-eof]

It listens on 127.0.0.1 and prints one line of JSON when it is ready: {"port": 41234}. Without --port the system picks
a free one. --exit-on-eof ends it when its standard input closes, so that it never outlives the program that started it.

Answers
    POST /v1/messages           Messages API, server-sent events
    POST /v1/chat/completions   Chat Completions API, server-sent events
    GET  /v1/models             two models
    GET  /_stats                {"requests", "connections", "cpu_s", "last_body_bytes"}
    GET  /_last                 the body of the last request, byte for byte

A marker in the prompt chooses the answer: @@key=value,key=value@@. The last marker of a request body counts, so in a
growing conversation the newest message decides. Without a marker the answer is "hello".
    n=5000       that many text deltas (1)
    size=8       bytes in each delta (the word "hello" if n is 1, else 8)
    gap_ms=10    one delta every 10 ms; otherwise the whole answer leaves in one write
    first_ms=50  wait before the first byte
    ts=1         each delta is <NNN>, the monotonic clock in ns when it was written, 26 digits
    status=529   an error with that HTTP status instead of an answer
    cut=3        close the connection after 3 deltas
    tools=20     call a tool until 20 tool results stand behind the marker, then answer with text
    name=wait    the tool to call (datetime)
    args=7b7d    its arguments, JSON in hexadecimal ({})
    par=2        calls in one message (1)

Every answer is rendered once and kept; only its ids and time stamps are filled in when it is sent.
"""

import argparse
import asyncio
import dataclasses
import functools
import json
import os
import re
import ssl
import sys
import threading
import time

# Stand-ins of constant width in a rendered answer.
ID = b"id-of-this-answer-"
STAMP = b"<%s>" % b"time-stamp".center(26, b"-")

MARKER = re.compile(rb"\w+=[^,@]*(?:,\w+=[^,@]*)*")
MODEL = re.compile(rb'"model"\s*:\s*"([^"]*)"')
TOOL_RESULT = {
    "messages": re.compile(rb'"type"\s*:\s*"tool_result"'),
    "chat": re.compile(rb'"role"\s*:\s*"tool"'),
}
ENDPOINTS = {b"POST /v1/messages": "messages", b"POST /v1/chat/completions": "chat"}
LAST_CHUNK = b"0\r\n\r\n"


@dataclasses.dataclass(frozen=True)
class Script:
    """What a marker asks for."""

    n: int = 1
    size: int = 0
    gap_ms: float = 0.0
    first_ms: float = 0.0
    ts: int = 0
    status: int = 200
    cut: int = 0
    tools: int = 0
    name: str = "datetime"
    args: str = "7b7d"
    par: int = 1

    @classmethod
    def parse(cls, marker: bytes) -> "Script":
        types = {field.name: type(field.default) for field in dataclasses.fields(cls)}
        values = {}
        for pair in filter(None, marker.decode().split(",")):
            key, _, value = pair.partition("=")
            values[key] = types[key](value)
        return cls(**values)

    def texts(self) -> list[str]:
        """The text of the answer, one string a delta."""
        if self.ts:
            return [STAMP.decode()] * self.n
        if self.n == 1 and not self.size:
            return ["hello"]
        return ["w" * ((self.size or 8) - 1) + " "] * self.n

    def arguments(self) -> str:
        return bytes.fromhex(self.args).decode()


@dataclasses.dataclass(frozen=True)
class Answer:
    """A rendered event stream; every element of it is one chunk of the HTTP body."""

    head: bytes
    deltas: tuple[bytes, ...]
    tail: bytes

    @functools.cached_property
    def whole(self) -> bytes:
        return self.head + b"".join(self.deltas) + self.tail


def chunk(payload: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(payload), payload)


def compact(value) -> str:
    return json.dumps(value, separators=(",", ":"))


def named_event(name: str, **members) -> bytes:
    return chunk(f"event: {name}\ndata: {compact({'type': name, **members})}\n\n".encode())


def plain_event(value) -> bytes:
    return chunk(f"data: {compact(value)}\n\n".encode())


def http_head(status: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 " + status, b"request-id: " + ID, *fields, b"", b""))


STREAM_HEAD = http_head(b"200 OK", b"content-type: text/event-stream", b"transfer-encoding: chunked")


def messages_answer(script: Script, model: str, calling: bool, with_usage: bool) -> Answer:
    """An answer of the Messages API."""
    message = {
        "id": "msg_" + ID.decode(), "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 25, "output_tokens": 1},
    }
    head = [STREAM_HEAD, named_event("message_start", message=message)]
    deltas = []
    if calling:
        for index in range(script.par):
            head += messages_tool_call(script, index)
    else:
        text = {"type": "text", "text": ""}
        head += [named_event("content_block_start", index=0, content_block=text), named_event("ping")]
        deltas = [
            named_event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
            for text in script.texts()
        ]
    tail = [] if calling else [named_event("content_block_stop", index=0)]
    reason = "tool_use" if calling else "end_turn"
    tail += [
        named_event("message_delta", delta={"stop_reason": reason, "stop_sequence": None},
                    usage={"output_tokens": len(deltas) + 1}),
        named_event("message_stop"),
        LAST_CHUNK,
    ]
    return Answer(b"".join(head), tuple(deltas), b"".join(tail))


def messages_tool_call(script: Script, index: int) -> list[bytes]:
    block = {"type": "tool_use", "id": f"toolu_{ID.decode()}{index:02d}", "name": script.name, "input": {}}
    arguments = {"type": "input_json_delta", "partial_json": script.arguments()}
    return [
        named_event("content_block_start", index=index, content_block=block),
        named_event("content_block_delta", index=index, delta=arguments),
        named_event("content_block_stop", index=index),
    ]


def chat_answer(script: Script, model: str, calling: bool, with_usage: bool) -> Answer:
    """An answer of the Chat Completions API."""
    frame = {"id": "chatcmpl-" + ID.decode(), "object": "chat.completion.chunk", "created": 1700000000, "model": model}

    def delta(value, finish=None) -> bytes:
        return plain_event({**frame, "choices": [{"index": 0, "delta": value, "finish_reason": finish}]})

    head = [STREAM_HEAD, delta({"role": "assistant", "content": None if calling else ""})]
    deltas = []
    if calling:
        for index in range(script.par):
            function = {"name": script.name, "arguments": script.arguments()}
            call = {"index": index, "id": f"call_{ID.decode()}{index:02d}", "type": "function", "function": function}
            head.append(delta({"tool_calls": [call]}))
    else:
        deltas = [delta({"content": text}) for text in script.texts()]
    tail = [delta({}, "tool_calls" if calling else "stop")]
    if with_usage:
        count = len(deltas)
        usage = {"prompt_tokens": 25, "completion_tokens": count, "total_tokens": 25 + count}
        tail.append(plain_event({**frame, "choices": [], "usage": usage}))
    tail += [chunk(b"data: [DONE]\n\n"), LAST_CHUNK]
    return Answer(b"".join(head), tuple(deltas), b"".join(tail))


RENDERERS = {"messages": messages_answer, "chat": chat_answer}


@functools.lru_cache(maxsize=256)
def script_of(marker: bytes) -> Script:
    return Script.parse(marker)


@functools.lru_cache(maxsize=64)
def rendered(api: str, script: Script, model: bytes, calling: bool, with_usage: bool) -> Answer:
    return RENDERERS[api](script, model.decode(), calling, with_usage)


def last_marker(body: bytes) -> tuple[bytes, int]:
    """The last marker of a request body and where it ends; empty when there is none."""
    end = body.rfind(b"@@")
    start = body.rfind(b"@@", 0, end) if end > 0 else -1
    inside = body[start + 2:end] if start >= 0 else b""
    return (inside, end) if MARKER.fullmatch(inside) else (b"", 0)


def has_flag(body: bytes, name: bytes) -> bool:
    return b'"%s":true' % name in body or b'"%s": true' % name in body


class Provider:
    """What all connections share."""

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self.loop = loop
        self.requests = 0
        self.connections = 0
        self.last_body = b""

    def next_id(self) -> bytes:
        return b"%0*d" % (len(ID), self.requests)

    def stats(self) -> dict:
        return {
            "requests": self.requests, "connections": self.connections, "cpu_s": time.process_time(),
            "last_body_bytes": len(self.last_body),
        }


class Connection(asyncio.Protocol):
    """One keep-alive connection: a request is read whole, answered, then the next one is read."""

    def __init__(self, provider: Provider):
        self.provider = provider
        self.unread = bytearray()
        self.request_line: bytes | None = None
        self.body_start = 0
        self.body_length: int | None = None  # None when the body comes in chunks
        self.chunks: list[bytes] = []
        self.pacing: asyncio.TimerHandle | None = None

    def connection_made(self, transport):
        self.transport = transport
        self.provider.connections += 1

    def connection_lost(self, error):
        if self.pacing:
            self.pacing.cancel()

    def data_received(self, data: bytes):
        self.unread += data
        self.answer_next()

    def answer_next(self):
        if self.pacing or (self.request_line is None and not self.read_head()):
            return
        body = self.read_body()
        if body is not None:
            request_line, self.request_line = self.request_line, None
            self.respond(request_line, body)

    def read_head(self) -> bool:
        end = self.unread.find(b"\r\n\r\n")
        if end < 0:
            return False
        lines = bytes(self.unread[:end]).split(b"\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in lines[1:] if b": " in line)
        self.request_line = lines[0].rsplit(b" ", 1)[0]
        self.body_start = end + 4
        is_chunked = fields.get(b"transfer-encoding") == b"chunked"
        self.body_length = None if is_chunked else int(fields.get(b"content-length", 0))
        if fields.get(b"expect") == b"100-continue":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def read_body(self) -> bytes | None:
        """Takes the request's body from the buffer, if it has arrived whole."""
        if self.body_length is None:
            return self.read_chunked_body()
        end = self.body_start + self.body_length
        if len(self.unread) < end:
            return None
        with memoryview(self.unread) as view:
            body = bytes(view[self.body_start:end])
        del self.unread[:end]
        return body

    def read_chunked_body(self) -> bytes | None:
        while (line_end := self.unread.find(b"\r\n", self.body_start)) >= 0:
            length = int(self.unread[self.body_start:line_end], 16)
            end = line_end + 2 + length + 2
            if len(self.unread) < end:
                return None
            self.chunks.append(bytes(self.unread[line_end + 2:end - 2]))
            self.body_start = end
            if length == 0:
                body, self.chunks = b"".join(self.chunks), []
                del self.unread[:end]
                return body
        return None

    def respond(self, request_line: bytes, body: bytes):
        api = ENDPOINTS.get(request_line.partition(b"?")[0])
        if api:
            self.provider.requests += 1
            self.provider.last_body = body
            self.respond_as_model(api, body)
        elif request_line == b"GET /_stats":
            self.respond_with_json(self.provider.stats())
        elif request_line == b"GET /_last":
            self.respond_with_body(b"200 OK", self.provider.last_body)
        elif request_line == b"GET /v1/models":
            models = [{"id": name, "object": "model"} for name in ("fake-chat", "claude-sonnet-4-5")]
            self.respond_with_json({"object": "list", "data": models})
        else:
            self.respond_with_error("messages", 404, f"nothing here: {request_line.decode()}")

    def respond_as_model(self, api: str, body: bytes):
        marker, marker_end = last_marker(body)
        try:
            script = script_of(marker)
        except (KeyError, ValueError) as error:
            return self.respond_with_error(api, 400, f"cannot read the marker {marker.decode()}: {error}")
        if script.status != 200:
            return self.respond_with_error(api, script.status, f"status {script.status} was asked for")
        if not has_flag(body, b"stream"):
            return self.respond_with_error(api, 400, "only streamed answers are given here")
        calling = script.tools > 0 and len(TOOL_RESULT[api].findall(body, marker_end)) < script.tools
        model = MODEL.search(body)
        answer = rendered(api, script, model[1] if model else b"", calling, has_flag(body, b"include_usage"))
        if script.first_ms:
            self.pacing = self.provider.loop.call_later(script.first_ms / 1000, self.send, answer, script)
        else:
            self.send(answer, script)

    def send(self, answer: Answer, script: Script):
        identifier = self.provider.next_id()
        if script.gap_ms and answer.deltas:
            self.transport.write(answer.head.replace(ID, identifier))
            self.send_delta(answer, script, identifier, 0, self.provider.loop.time())
        elif script.cut:
            self.transport.write(self.filled(answer.head + b"".join(answer.deltas[:script.cut]), identifier, script))
            self.transport.close()
        else:
            self.transport.write(self.filled(answer.whole, identifier, script))
            self.finish()

    def send_delta(self, answer: Answer, script: Script, identifier: bytes, index: int, due: float):
        """Writes delta `index`, and sets the clock for the next one."""
        if script.cut and index == script.cut:
            return self.transport.close()
        if index == len(answer.deltas):
            self.transport.write(answer.tail.replace(ID, identifier))
            return self.finish()
        self.transport.write(self.filled(answer.deltas[index], identifier, script))
        due += script.gap_ms / 1000
        self.pacing = self.provider.loop.call_at(due, self.send_delta, answer, script, identifier, index + 1, due)

    @staticmethod
    def filled(data: bytes, identifier: bytes, script: Script) -> bytes:
        data = data.replace(ID, identifier)
        return data.replace(STAMP, b"<%026d>" % time.monotonic_ns()) if script.ts else data

    def finish(self):
        self.pacing = None
        if self.unread:
            self.answer_next()

    def respond_with_error(self, api: str, status: int, message: str):
        error = {"type": "overloaded_error" if status == 529 else "api_error", "message": message}
        body = {"type": "error", "error": error} if api == "messages" else {"error": {**error, "code": status}}
        self.respond_with_body(b"%d Error" % status, compact(body).encode())

    def respond_with_json(self, value):
        self.respond_with_body(b"200 OK", compact(value).encode())

    def respond_with_body(self, status: bytes, body: bytes):
        fields = (b"content-type: application/json", b"content-length: %d" % len(body))
        self.transport.write(http_head(status, *fields).replace(ID, self.provider.next_id()) + body)
        self.finish()


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["http/1.1"])
    return context


def exit_on_eof():
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


async def serve(options):
    loop = asyncio.get_running_loop()
    provider = Provider(loop)
    tls = tls_context(options.tls_cert, options.tls_key) if options.tls_cert else None
    server = await loop.create_server(
        lambda: Connection(provider), "127.0.0.1", options.port, ssl=tls, backlog=4096)
    print(compact({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


def run(main):
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A model provider on loopback that answers from memory.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--exit-on-eof", action="store_true", help="end when standard input closes")
    arguments = parser.parse_args()
    if arguments.exit_on_eof:
        threading.Thread(target=exit_on_eof, daemon=True).start()
    try:
        run(serve(arguments))
    except KeyboardInterrupt:
        sys.exit(130)
