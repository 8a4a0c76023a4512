"""Servers that are running: each keeps a locked file `server-PORT.json` beside the models for as long as it lives.

The lock tells whether the server is alive, whatever became of its process number; the text tells where it is.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

from catalogue import Model
from store import LocalModelError, Store

START_LIMIT = 300
STOP_LIMIT = 10


@dataclasses.dataclass(frozen=True)
class RunningServer:
    file: pathlib.Path
    pid: int
    model: str
    url: str | None  # none while the model is being loaded

    @classmethod
    def read(cls, file: pathlib.Path) -> "RunningServer | None":
        """The living server of a file."""
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError), open(file) as state:
            try:
                fcntl.flock(state, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return cls(file, **json.load(state))
        return None

    @classmethod
    def all(cls, store: Store) -> list["RunningServer"]:
        files = sorted(store.directory.glob("server-*.json"))
        return [server for server in map(cls.read, files) if server]

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        if not self.is_gone_within(STOP_LIMIT):
            os.kill(self.pid, signal.SIGKILL)
            self.is_gone_within(STOP_LIMIT)

    def is_gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.read(self.file):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


def state_file(store: Store, port: int) -> pathlib.Path:
    return store.directory / f"server-{port}.json"


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(store: Store, model: Model, port: int, parent: int | None) -> str:
    """Starts a server, waits until it answers, and returns its URL; one that serves the model there is kept."""
    running = RunningServer.read(state_file(store, port))
    if running and running.model == model.name:
        return wait_until_ready(running.file)
    if running:
        raise LocalModelError(
            f"port {port} serves {running.model}. Stop it first (scripts/local-model stop), or choose another --port")
    if port and not port_is_free(port):
        raise LocalModelError(
            f"port {port} is taken by another program. Choose another one: --port N (0: any that is free)")
    port = port or free_port()
    model_file = store.fetch(model)
    remove_traces_of_ended_servers(store)
    file = state_file(store, port)
    process = spawn(store, model, model_file, file, port, parent)
    try:
        return wait_until_ready(file, process)
    except BaseException:
        process.kill()
        process.wait()
        raise


def remove_traces_of_ended_servers(store: Store):
    for file in store.directory.glob("server-*.json"):
        if not RunningServer.read(file):
            file.unlink()
            file.with_suffix(".log").unlink(missing_ok=True)


def spawn(
    store: Store, model: Model, model_file: pathlib.Path, file: pathlib.Path, port: int, parent: int | None
) -> subprocess.Popen:
    here = pathlib.Path(__file__).parent
    command = [store.python, "-B", here / "server.py", model_file, file, "--port", str(port), "--name", model.name]
    if model.template:
        command += ["--template", here / model.template]
    if parent:
        command += ["--with-parent", str(parent)]
    # Worker threads of an idle engine sleep instead of spinning, which would slow down everything else here.
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    with open(file.with_suffix(".log"), "w") as output:
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)


def wait_until_ready(file: pathlib.Path, process: subprocess.Popen | None = None) -> str:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        server = RunningServer.read(file)
        if server and server.url:
            return server.url
        has_ended = process.poll() is not None if process else server is None
        if has_ended:
            log = file.with_suffix(".log")
            end = "\n".join(log.read_text(errors="replace").splitlines()[-8:])
            raise LocalModelError(f"the server ended before it was ready. The end of {log}:\n{end}")
        time.sleep(0.05)
    raise LocalModelError(f"the server was not ready within {START_LIMIT} s")
