#!/usr/bin/env python3
"""A model provider that answers from memory, so that a measurement holds no model.

    fake_provider.py [--port N] [--tls-cert FILE --tls-key FILE] [--exit-on-eof]

It listens on 127.0.0.1 and prints one line of JSON when it is ready: {"port": 41234}. Without --port the system picks
a free one. --exit-on-eof ends it when its standard input closes, so that it never outlives the program that started it.

Answers
    POST /v1/messages                                        Messages API
    POST /v1/chat/completions                                Chat Completions API
    POST /v1/responses                                       Responses API
    POST /v1beta/models/MODEL:streamGenerateContent?alt=sse  Gemini API
    POST /v1beta/models/MODEL:generateContent                the same, not streamed
    GET  /v1/models                                          some models
    GET  /_stats    {"requests", "most_at_once", "connections", "cpu_s", "last_body_bytes"}
    GET  /_last     the body of the last request, byte for byte

Streams are server-sent events; a request that does not ask for a stream gets one JSON object.

A marker in the prompt chooses the answer: @@key=value,key=value@@. The last marker of a request body counts, so in a
growing conversation the newest message decides. Without a marker the answer is "hello".
    n=5000       that many text deltas (1)
    size=8       bytes in each delta (the word "hello" if n is 1, else 8)
    gap_ms=10    one delta every 10 ms; otherwise the whole answer leaves in one write
    first_ms=50  wait before the first byte
    ts=1         each delta is <NNN>, the monotonic clock in ns when it was written, 26 digits
    status=529   an error with that HTTP status instead of an answer
    whole=1      one JSON object, even if a stream is asked for
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
import itertools
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
    "responses": re.compile(rb'"type"\s*:\s*"function_call_output"'),
    "gemini": re.compile(rb'"functionResponse"\s*:'),
}
ENDPOINTS = {
    b"POST /v1/messages": "messages", b"POST /v1/chat/completions": "chat", b"POST /v1/responses": "responses",
}
GEMINI_ENDPOINT = re.compile(
    rb"POST /v1beta/models/([^/:]+):(?:(streamGenerateContent)\?alt=sse|generateContent(?:\?|$))")
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
    whole: int = 0
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
class Question:
    """What a request asks for, besides its marker."""

    api: str
    model: str
    is_streamed: bool
    has_usage: bool = False  # of a stream of the Chat Completions API


@dataclasses.dataclass(frozen=True)
class Answer:
    """A rendered event stream; every delta is one chunk of the HTTP body. An answer in one piece is all head."""

    head: bytes
    deltas: tuple[bytes, ...] = ()
    tail: bytes = b""

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


def json_head(status: bytes, body: bytes) -> bytes:
    return http_head(status, b"content-type: application/json", b"content-length: %d" % len(body))


def whole_answer(value) -> Answer:
    body = compact(value).encode()
    return Answer(json_head(b"200 OK", body) + body)


STREAM_HEAD = http_head(b"200 OK", b"content-type: text/event-stream", b"transfer-encoding: chunked")


# The Messages API


def messages_answer(script: Script, question: Question, calling: bool) -> Answer:
    message = {
        "id": "msg_" + ID.decode(), "type": "message", "role": "assistant", "model": question.model, "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 25, "output_tokens": 1},
    }
    reason = "tool_use" if calling else "end_turn"
    if not question.is_streamed:
        message["content"] = messages_content(script, calling)
        message["stop_reason"] = reason
        message["usage"]["output_tokens"] = 1 + (0 if calling else script.n)
        return whole_answer(message)
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
    tail += [
        named_event("message_delta", delta={"stop_reason": reason, "stop_sequence": None},
                    usage={"output_tokens": len(deltas) + 1}),
        named_event("message_stop"),
        LAST_CHUNK,
    ]
    return Answer(b"".join(head), tuple(deltas), b"".join(tail))


def messages_content(script: Script, calling: bool) -> list[dict]:
    if not calling:
        return [{"type": "text", "text": "".join(script.texts())}]
    arguments = json.loads(script.arguments())
    return [messages_tool_use(script, index, arguments) for index in range(script.par)]


def messages_tool_use(script: Script, index: int, arguments: dict) -> dict:
    return {"type": "tool_use", "id": f"toolu_{ID.decode()}{index:02d}", "name": script.name, "input": arguments}


def messages_tool_call(script: Script, index: int) -> list[bytes]:
    block = messages_tool_use(script, index, {})
    arguments = {"type": "input_json_delta", "partial_json": script.arguments()}
    return [
        named_event("content_block_start", index=index, content_block=block),
        named_event("content_block_delta", index=index, delta=arguments),
        named_event("content_block_stop", index=index),
    ]


def messages_error(status: int, message: str) -> dict:
    kind = MESSAGES_ERRORS.get(status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": message}}


MESSAGES_ERRORS = {
    400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
    413: "request_too_large", 429: "rate_limit_error", 529: "overloaded_error",
}


# The Chat Completions API


def chat_answer(script: Script, question: Question, calling: bool) -> Answer:
    frame = {
        "id": "chatcmpl-" + ID.decode(), "object": "chat.completion.chunk", "created": 1700000000,
        "model": question.model,
    }
    calls = chat_tool_calls(script) if calling else []
    reason = "tool_calls" if calling else "stop"
    count = 0 if calling else script.n
    usage = {"prompt_tokens": 25, "completion_tokens": count, "total_tokens": 25 + count}
    if not question.is_streamed:
        message = {"role": "assistant", "content": None if calling else "".join(script.texts())}
        if calling:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return whole_answer({**frame, "object": "chat.completion", "choices": [choice], "usage": usage})

    def delta(value, finish=None) -> bytes:
        return plain_event({**frame, "choices": [{"index": 0, "delta": value, "finish_reason": finish}]})

    head = [STREAM_HEAD, delta({"role": "assistant", "content": None if calling else ""})]
    head += [delta({"tool_calls": [{"index": index, **call}]}) for index, call in enumerate(calls)]
    deltas = [] if calling else [delta({"content": text}) for text in script.texts()]
    tail = [delta({}, reason)]
    if question.has_usage:
        tail.append(plain_event({**frame, "choices": [], "usage": usage}))
    tail += [chunk(b"data: [DONE]\n\n"), LAST_CHUNK]
    return Answer(b"".join(head), tuple(deltas), b"".join(tail))


def chat_tool_calls(script: Script) -> list[dict]:
    function = {"name": script.name, "arguments": script.arguments()}
    return [
        {"id": f"call_{ID.decode()}{index:02d}", "type": "function", "function": function}
        for index in range(script.par)
    ]


def openai_error(status: int, message: str) -> dict:
    """An error of the Chat Completions and of the Responses API."""
    kind = OPENAI_ERRORS.get(status, "server_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


OPENAI_ERRORS = {
    400: "invalid_request_error", 401: "invalid_request_error", 403: "invalid_request_error",
    404: "invalid_request_error", 413: "invalid_request_error", 429: "requests", 529: "overloaded_error",
}


# The Responses API


def responses_answer(script: Script, question: Question, calling: bool) -> Answer:
    items = responses_calls(script) if calling else [responses_message(script)]
    count = 0 if calling else script.n
    usage = {
        "input_tokens": 25, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": count,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 25 + count,
    }
    begun = {
        "id": "resp_" + ID.decode(), "object": "response", "created_at": 1700000000, "status": "in_progress",
        "error": None, "incomplete_details": None, "model": question.model, "output": [], "store": False, "usage": None,
    }
    whole = {**begun, "status": "completed", "output": items, "usage": usage}
    if not question.is_streamed:
        return whole_answer(whole)
    numbers = itertools.count()

    def event(name: str, **members) -> bytes:
        return named_event(name, sequence_number=next(numbers), **members)

    head = [STREAM_HEAD, event("response.created", response=begun), event("response.in_progress", response=begun)]
    deltas, tail = [], []
    if calling:
        for index, item in enumerate(items):
            place = {"item_id": item["id"], "output_index": index}
            begun_item = {**item, "status": "in_progress", "arguments": ""}
            head += [
                event("response.output_item.added", output_index=index, item=begun_item),
                event("response.function_call_arguments.delta", **place, delta=item["arguments"]),
                event("response.function_call_arguments.done", **place, arguments=item["arguments"]),
                event("response.output_item.done", output_index=index, item=item),
            ]
    else:
        item, = items
        part, = item["content"]
        place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
        begun_item = {**item, "status": "in_progress", "content": []}
        head += [
            event("response.output_item.added", output_index=0, item=begun_item),
            event("response.content_part.added", **place, part={**part, "text": ""}),
        ]
        deltas = [event("response.output_text.delta", **place, delta=text) for text in script.texts()]
        tail = [
            event("response.output_text.done", **place, text=part["text"]),
            event("response.content_part.done", **place, part=part),
            event("response.output_item.done", output_index=0, item=item),
        ]
    tail += [event("response.completed", response=whole), LAST_CHUNK]
    return Answer(b"".join(head), tuple(deltas), b"".join(tail))


def responses_message(script: Script) -> dict:
    part = {"type": "output_text", "annotations": [], "text": "".join(script.texts())}
    return {
        "id": "msg_" + ID.decode(), "type": "message", "status": "completed", "role": "assistant", "content": [part],
    }


def responses_calls(script: Script) -> list[dict]:
    return [
        {"id": f"fc_{ID.decode()}{index:02d}", "type": "function_call", "status": "completed",
         "call_id": f"call_{ID.decode()}{index:02d}", "name": script.name, "arguments": script.arguments()}
        for index in range(script.par)
    ]


# The Gemini API


def gemini_answer(script: Script, question: Question, calling: bool) -> Answer:
    """The last chunk of a stream has the finish reason and no text; there is no end mark."""
    count = 0 if calling else script.n
    usage = {"promptTokenCount": 25, "candidatesTokenCount": count, "totalTokenCount": 25 + count}

    def content(*parts: dict, **members) -> dict:
        candidate = {"content": {"parts": list(parts), "role": "model"}, **members, "index": 0}
        return {
            "candidates": [candidate], "usageMetadata": usage, "modelVersion": question.model,
            "responseId": ID.decode(),
        }

    call = {"functionCall": {"name": script.name, "args": json.loads(script.arguments())}}
    calls = [call] * script.par if calling else []
    texts = [] if calling else script.texts()
    if not question.is_streamed:
        parts = calls or [{"text": "".join(texts)}]
        return whole_answer(content(*parts, finishReason="STOP"))
    head = [STREAM_HEAD, *(plain_event(content(call)) for call in calls)]
    deltas = tuple(plain_event(content({"text": text})) for text in texts)
    return Answer(b"".join(head), deltas, plain_event(content({"text": ""}, finishReason="STOP")) + LAST_CHUNK)


def gemini_error(status: int, message: str) -> dict:
    return {"error": {"code": status, "message": message, "status": GEMINI_ERRORS.get(status, "UNKNOWN")}}


GEMINI_ERRORS = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED", 529: "UNAVAILABLE",
}


RENDERERS = {
    "messages": messages_answer, "chat": chat_answer, "responses": responses_answer, "gemini": gemini_answer,
}
ERRORS = {"messages": messages_error, "chat": openai_error, "responses": openai_error, "gemini": gemini_error}


@functools.lru_cache(maxsize=256)
def script_of(marker: bytes) -> Script:
    return Script.parse(marker)


@functools.lru_cache(maxsize=64)
def rendered(script: Script, question: Question, calling: bool) -> Answer:
    return RENDERERS[question.api](script, question, calling)


@functools.lru_cache(maxsize=64)
def endpoint(request_line: bytes) -> tuple[str, Question | None] | None:
    """The API of a request and, for Gemini, what is asked: it stands in the path. None for what is no model call."""
    if match := GEMINI_ENDPOINT.match(request_line):
        return "gemini", Question("gemini", match[1].decode(), is_streamed=match[2] is not None)
    api = ENDPOINTS.get(request_line.partition(b"?")[0])
    return (api, None) if api else None


def question_in(api: str, body: bytes) -> Question:
    model = MODEL.search(body)
    name = model[1].decode() if model else ""
    return Question(api, name, has_flag(body, b"stream"), has_flag(body, b"include_usage"))


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
        self.at_once = 0
        self.most_at_once = 0
        self.connections = 0
        self.last_body = b""

    def begin(self, body: bytes):
        self.requests += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.last_body = body

    def next_id(self) -> bytes:
        return b"%0*d" % (len(ID), self.requests)

    def stats(self) -> dict:
        return {
            "requests": self.requests, "most_at_once": self.most_at_once, "connections": self.connections,
            "cpu_s": time.process_time(), "last_body_bytes": len(self.last_body),
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
        self.is_answering = False  # a model's answer is due or going out

    def connection_made(self, transport):
        self.transport = transport
        self.provider.connections += 1

    def connection_lost(self, error):
        if self.pacing:
            self.pacing.cancel()
        self.end_answer()

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
        if found := endpoint(request_line):
            self.is_answering = True
            self.provider.begin(body)
            self.respond_as_model(*found, body)
        elif request_line == b"GET /_stats":
            self.respond_with_json(self.provider.stats())
        elif request_line == b"GET /_last":
            self.respond_with_body(b"200 OK", self.provider.last_body)
        elif request_line == b"GET /v1/models":
            names = ("fake-chat", "claude-sonnet-4-5", "gpt-4.1", "gemini-2.5-flash")
            self.respond_with_json({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})
        else:
            self.respond_with_error("messages", 404, f"nothing here: {request_line.decode()}")

    def respond_as_model(self, api: str, question: Question | None, body: bytes):
        marker, marker_end = last_marker(body)
        try:
            script = script_of(marker)
        except (KeyError, ValueError) as error:
            return self.respond_with_error(api, 400, f"cannot read the marker {marker.decode()}: {error}")
        if script.status != 200:
            return self.respond_with_error(api, script.status, f"status {script.status} was asked for")
        question = question or question_in(api, body)
        if script.whole:
            question = dataclasses.replace(question, is_streamed=False)
        calling = script.tools > 0 and len(TOOL_RESULT[api].findall(body, marker_end)) < script.tools
        answer = rendered(script, question, calling)
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
            self.transport.write(self.filled(answer.tail, identifier, script))
            return self.finish()
        self.transport.write(self.filled(answer.deltas[index], identifier, script))
        due += script.gap_ms / 1000
        self.pacing = self.provider.loop.call_at(due, self.send_delta, answer, script, identifier, index + 1, due)

    @staticmethod
    def filled(data: bytes, identifier: bytes, script: Script) -> bytes:
        data = data.replace(ID, identifier)
        return data.replace(STAMP, b"<%026d>" % time.monotonic_ns()) if script.ts else data

    def end_answer(self):
        if self.is_answering:
            self.is_answering = False
            self.provider.at_once -= 1

    def finish(self):
        self.pacing = None
        self.end_answer()
        if self.unread:
            self.answer_next()

    def respond_with_error(self, api: str, status: int, message: str):
        self.respond_with_body(b"%d Error" % status, compact(ERRORS[api](status, message)).encode())

    def respond_with_json(self, value):
        self.respond_with_body(b"200 OK", compact(value).encode())

    def respond_with_body(self, status: bytes, body: bytes):
        self.transport.write(json_head(status, body).replace(ID, self.provider.next_id()) + body)
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
