"""A stand-in for `rkat rpc`: speaks the wire, and does what the prompt tells it to.

Of a prompt with several parts the texts count. A turn is resumed, and a session is summarized, with
the id of the session for a prompt.

say TEXT     streams the words and answers
hold         begins the run and holds it until it is interrupted
hold late    the same, but begins only at the next `session/list`
pair         waits for a second such request, then answers both, interleaved
big N        streams and returns N bytes
fail CODE    answers with that error
die          writes to stderr and exits with status 3
orphan       exits, leaving behind a process that holds the pipes
deafen       closes stdin and stays
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

Object = dict[str, Any]


class Run:
    """A turn under way: the request that started it and the session it runs in."""

    def __init__(self, server: FakeServer, request_id: int, params: Object) -> None:
        self.server = server
        self.request_id = request_id
        self.run_id: str = params.get("run_id") or f"run-of-{request_id}"
        self.session_id: str = params.get("session_id") or f"session-of-{self.run_id}"

    def emit(self, kind: str, **members: Any) -> None:
        params: Object = {"session_id": self.session_id}
        if self.server.names_requests:
            params |= {"run_id": self.run_id, "request_id": self.request_id}
        params["event"] = {"type": kind, **members}
        self.server.write({"method": "session/event", "params": params})

    def begin(self, prompt: str) -> None:
        self.emit("run_started", session_id=self.session_id, prompt=prompt)

    def finish(self, text: str) -> None:
        usage = {"input_tokens": 2, "output_tokens": 1, "total_tokens": 3}
        self.emit("run_completed", session_id=self.session_id, result=text, usage=usage)
        result = {"session_id": self.session_id, "text": text, "turns": 1, "tool_calls": 0}
        self.server.answer(self.request_id, {**result, "usage": usage, "run_id": self.run_id})

    def fail(self, code: int, name: str, details: Any = None) -> None:
        self.emit("run_failed", session_id=self.session_id, error=name)
        data = {"code": name, "message": name, "details": details}
        data |= {"session_id": self.session_id, "run_id": self.run_id}
        error = {"code": code, "message": name, "data": data}
        self.server.write({"id": self.request_id, "error": error})


class FakeServer:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.names_requests: bool = not options.no_request_ids
        self.received: list[Object] = []
        self.held: dict[str, Run] = {}
        self.late: list[tuple[Run, str]] = []
        self.pair: list[Run] = []
        self.reads: list[int] = []

    def serve(self) -> None:
        for line in sys.stdin.buffer:
            request = json.loads(line)
            self.received.append(request)
            handle = getattr(self, request["method"].replace("/", "_"))
            handle(request["id"], request["params"])

    def write(self, message: Object) -> None:
        print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)

    def answer(self, request_id: int, result: Any) -> None:
        self.write({"id": request_id, "result": result})

    def initialize(self, request_id: int, params: Object) -> None:
        sys.stderr.write("x" * self.options.flood)
        sys.stderr.flush()
        self.answer(request_id, {"contract_version": self.options.contract_version})

    def capabilities_get(self, request_id: int, params: Object) -> None:
        if self.options.no_capabilities:
            self.write({"id": request_id, "error": {"code": -32603, "message": "no"}})
            return
        version = {"major": 0, "minor": 1, "patch": 0}
        entries = [
            {"id": "sessions", "description": "", "status": "Available"},
            {"id": "shell", "description": "", "status": {"NotCompiled": {"feature": "shell"}}},
        ]
        self.answer(request_id, {"contract_version": version, "capabilities": entries})

    def session_create(self, request_id: int, params: Object) -> None:
        run = Run(self, request_id, params)
        if params.get("initial_turn") is False:
            self.answer(request_id, {"session_id": run.session_id, "text": "", "turns": 0})
        else:
            self.obey(run, text_of(params["prompt"]))

    turn_start = session_create

    def turn_resume(self, request_id: int, params: Object) -> None:
        self.obey(Run(self, request_id, params), params["session_id"])

    def session_fork(self, request_id: int, params: Object) -> None:
        members = {"message_count": 2, "total_tokens": 54, "is_active": False}
        times = {"created_at": 1770836700, "updated_at": 1770836709}
        session = {"session_id": params["session_id"], "state": "idle", "cost_usd": 0.00021}
        session |= {**members, **times}
        self.answer(request_id, {**session, "last_assistant_text": "Paris."})

    def session_compact(self, request_id: int, params: Object) -> None:
        run = Run(self, request_id, params)
        if run.session_id.startswith("hold"):
            self.obey(run, params["session_id"])
            return
        run.emit("compaction_started", message_count=42)
        completed = {"summary_tokens": 310, "messages_before": 42, "messages_after": 9}
        run.emit("compaction_completed", **completed)
        self.answer(request_id, {"compacted": True, **completed})

    def obey(self, run: Run, prompt: str) -> None:
        word, _, rest = prompt.partition(" ")
        if word == "say":
            run.begin(prompt)
            for piece in rest.split(" "):
                run.emit("text_delta", delta=piece)
            run.finish(rest)
        elif word == "hold":
            self.held[run.session_id] = run
            if rest == "late":
                self.late.append((run, prompt))
            else:
                run.begin(prompt)
        elif word == "pair":
            self.pair.append(run)
            if len(self.pair) == 2:
                self.answer_pair(prompt)
        elif word == "big":
            run.emit("text_delta", delta="d" * int(rest))
            run.finish("t" * int(rest))
        elif word == "fail":
            self.write({"id": run.request_id, "error": {"code": int(rest), "message": prompt}})
        elif word == "die":
            run.begin(prompt)
            print("fatal: out of luck", file=sys.stderr, flush=True)
            os._exit(3)
        elif word == "orphan":
            subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"])
            os._exit(4)
        elif word == "deafen":
            os.close(0)
            signal.pause()

    def answer_pair(self, prompt: str) -> None:
        for step in ("a", "b"):
            for run in self.pair:
                run.emit("text_delta", delta=step + run.session_id)
        for run in reversed(self.pair):
            run.finish(run.session_id)

    def turn_interrupt(self, request_id: int, params: Object) -> None:
        run = self.held.get(params["session_id"])
        late = any(run is other for other, _ in self.late)
        if run is not None and not late and params.get("run_id") in (None, run.run_id):
            del self.held[run.session_id]
            run.fail(-32013, "AGENT_ERROR", {"reason": "cancelled"})
        self.answer(request_id, {"interrupted": True})
        if not self.held:
            for read in self.reads:
                self.answer(read, {"received": self.received})

    def session_read(self, request_id: int, params: Object) -> None:
        """What was received so far; for the session "ended" once nothing is held any more."""
        if params["session_id"] == "ended" and self.held:
            self.reads.append(request_id)
        else:
            self.answer(request_id, {"received": self.received})

    def session_list(self, request_id: int, params: Object) -> None:
        for run, prompt in self.late:
            run.begin(prompt)
        self.late.clear()
        if params.get("include_stored") and "cursor" not in params:
            self.answer(request_id, {"sessions": [{"session_id": "s1"}], "next_cursor": "2"})
        else:
            self.answer(request_id, {"sessions": [{"session_id": "s2"}]})

    def session_history(self, request_id: int, params: Object) -> None:
        self.answer(request_id, {"messages": []})

    def session_archive(self, request_id: int, params: Object) -> None:
        self.answer(request_id, {"archived": True})

    def session_delete(self, request_id: int, params: Object) -> None:
        self.answer(request_id, {"deleted": True})

    def models_list(self, request_id: int, params: Object) -> None:
        model = {"provider": "anthropic", "model": "claude-sonnet-4-5"}
        self.answer(request_id, {"models": [model]})

    def config_get(self, request_id: int, params: Object) -> None:
        self.answer(request_id, {"max_tokens": 1})

    def config_set(self, request_id: int, params: Object) -> None:
        self.answer(request_id, {"ok": True})

    def config_patch(self, request_id: int, params: Object) -> None:
        self.answer(request_id, {"max_tokens": 1, **params})


def text_of(prompt: Any) -> str:
    """What a prompt says."""
    if isinstance(prompt, str):
        return prompt
    return "".join(part.get("text", "") for part in prompt)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["rpc"])
    parser.add_argument("--pid-file", required=True)
    parser.add_argument("--contract-version", default="0.1.0")
    parser.add_argument("--no-capabilities", action="store_true")
    parser.add_argument("--no-request-ids", action="store_true")
    parser.add_argument("--stubborn", action="store_true", help="ignore SIGTERM and EOF")
    parser.add_argument("--flood", type=int, default=0, help="bytes to write to stderr")
    options = parser.parse_args()
    with open(options.pid_file, "a") as file:
        print(os.getpid(), file=file)
    if options.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    FakeServer(options).serve()
    if options.stubborn:
        time.sleep(60)


if __name__ == "__main__":
    main()
