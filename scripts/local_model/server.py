"""Serves one model on loopback until it is told to stop or its parent has gone. Runs in the engine's environment."""

import argparse
import fcntl
import json
import os
import pathlib
import signal
import threading

import xllamacpp

CONTEXT_TOKENS = 8192


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("model_file", type=pathlib.Path)
    parser.add_argument("state_file", type=pathlib.Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--template", type=pathlib.Path)
    parser.add_argument("--with-parent", type=int)
    return parser.parse_args()


def parameters(options: argparse.Namespace) -> xllamacpp.CommonParams:
    params = xllamacpp.CommonParams()
    params.model.path = str(options.model_file)
    params.model_alias = {options.name}
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = os.cpu_count()
    params.use_jinja = True
    params.ui = False
    params.offline = True
    if options.template:
        params.chat_template = options.template.read_text()
    return params


def lives(pid: int) -> bool:
    """Whether a process is there and is not merely waiting to be collected."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    status = pathlib.Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] not in "XZ"


def tell(state: int, model: str, url: str | None):
    """Writes who serves what; the second text is longer than the first and covers it."""
    os.pwrite(state, json.dumps({"pid": os.getpid(), "model": model, "url": url}).encode(), 0)


def main():
    options = parse_arguments()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    state = os.open(options.state_file, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(state, fcntl.LOCK_EX)
    os.ftruncate(state, 0)
    tell(state, options.name, None)
    server = xllamacpp.Server(parameters(options))
    tell(state, options.name, f"{server.listening_address}/v1")
    while not stopped.wait(0.5):
        if options.with_parent and not lives(options.with_parent):
            break
    del server


main()
