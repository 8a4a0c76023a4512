"""A model on loopback that gives prepared answers in their order, one a request, over Chat Completions."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Message = dict[str, Any]
#: The deltas of an answer and why it ended; None for an answer that begins and does not end.
Answer = tuple[list[Message], str | None, int]


def say(text: str, tokens: int = 30) -> Answer:
    """A text, said to have used so many tokens in all."""
    return [{"content": text}], "stop", tokens


def call(*tools: tuple[str, Message], text: str = "", tokens: int = 30) -> Answer:
    """Calls of tools, each with its arguments, after a text."""
    calls = [
        {"index": index, "id": f"call_{index}", "type": "function",
         "function": {"name": name, "arguments": json.dumps(arguments)}}
        for index, (name, arguments) in enumerate(tools)
    ]
    return [*([{"content": text}] if text else []), {"tool_calls": calls}], "tool_calls", tokens


#: Begins with "Well" and goes on only when the model is left.
HELD: Answer = [{"content": "Well"}], None, 0
#: Begins with "Well" and breaks off.
CUT: Answer = [{"content": "Well"}], "cut", 0


class ScriptedModel:
    """The server. A number in place of an answer is an HTTP status; when no answer is left, that is 400."""

    def __init__(self, *answers: Answer | int, port: int = 0) -> None:
        self.answers = list(answers)
        #: The bodies of all requests.
        self.requests: list[Message] = []
        self.headers: list[dict[str, str]] = []
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> ScriptedModel:
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def said(self, request: int) -> list[str]:
        """The texts of the messages of a request, those of the system left out."""
        messages = self.requests[request]["messages"]
        return [plain(message.get("content")) for message in messages if message["role"] != "system"]

    def _take(self, request: Message) -> Answer | int:
        with self._lock:
            self.requests.append(request)
            return self.answers.pop(0) if self.answers else 400

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 0

            def do_GET(self) -> None:
                self._send(200, {"object": "list", "data": [{"id": "scripted", "object": "model"}]})

            def do_POST(self) -> None:
                model.headers.append(dict(self.headers.items()))
                answer = model._take(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                if isinstance(answer, int):
                    self._send(answer, {"error": {"message": "there is no answer", "code": answer}})
                    return
                self.close_connection = True
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                self.wfile.write("".join(f"data: {line}\n\n" for line in lines(answer)).encode())
                if answer[1] is None:
                    model._ended.wait()

            def _send(self, status: int, value: Message) -> None:
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def lines(answer: Answer) -> Iterator[str]:
    """The data lines of an answer's event stream."""
    deltas, reason, tokens = answer
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1700000000, "model": "scripted"}
    for delta in deltas:
        yield json.dumps({**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    if reason not in (None, "cut"):
        usage = {"prompt_tokens": tokens - 1, "completion_tokens": 1, "total_tokens": tokens}
        yield json.dumps({**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        yield json.dumps({**frame, "choices": [], "usage": usage})
        yield "[DONE]"


def plain(content: Any) -> str:
    """The text of a message's content, whichever form it has."""
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part["text"] for part in content)
