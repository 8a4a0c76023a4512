"""Starts the programs that are measured, talks to them, and reads what they cost. Linux, standard library only."""

import contextlib
import ctypes
import dataclasses
import fcntl
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
CLOCK_TICK = os.sysconf("SC_CLK_TCK")
PASSED_ON = ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
#: The model and the provider that an API is spoken with.
MODELS = {
    "messages": ("claude-sonnet-4-5", "anthropic"), "chat": ("fake-chat", "openai_compatible"),
    "responses": ("gpt-4.1", "openai"), "gemini": ("gemini-2.5-flash", "gemini"),
}


def endpoints(url: str) -> dict[str, str]:
    """The environment in which every API is found at `url`."""
    return {
        "ANTHROPIC_API_KEY": "x", "ANTHROPIC_BASE_URL": url, "RKAT_LOCAL_URL": url + "/v1",
        "OPENAI_API_KEY": "x", "OPENAI_BASE_URL": url, "GEMINI_API_KEY": "x", "GEMINI_BASE_URL": url,
    }


class MeasurementError(Exception):
    """A program under measurement ended, answered with an error, or took too long."""


# The two programs


@dataclasses.dataclass(frozen=True)
class Subject:
    """A program to measure."""

    name: str
    binary: pathlib.Path
    api: str
    arguments: tuple[str, ...] = ()

    def command(self, provider: "Provider") -> list[str]:
        if self.name == "floor":
            return [str(self.binary), str(provider.port), self.api]
        return [str(self.binary), *self.arguments]

    def environment(self, provider: "Provider", home: str) -> dict[str, str]:
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        environment.update(HOME=home, **endpoints(provider.url))
        if provider.certificate:
            environment["SSL_CERT_FILE"] = str(provider.certificate)
        return environment


def compile_floor(directory: str, api: str) -> Subject:
    binary = pathlib.Path(directory, "floor")
    subprocess.run(["gcc", "-O2", "-static", "-o", binary, HERE / "floor.c"], check=True)
    return Subject("floor", binary, api)


@contextlib.contextmanager
def fresh_home():
    """A home directory, in which the sessions are kept."""
    with tempfile.TemporaryDirectory(prefix="rkat-bench-", ignore_cleanup_errors=True) as home:
        yield home


# The provider


class Provider:
    """A running fake_provider.py."""

    def __init__(self, tls_directory: str | None = None):
        command = [sys.executable, str(HERE / "fake_provider.py"), "--exit-on-eof"]
        self.certificate = self_signed_certificate(tls_directory) if tls_directory else None
        if self.certificate:
            command += ["--tls-cert", self.certificate, "--tls-key", self.certificate.with_name("key.pem")]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.url = f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def stats(self) -> dict:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(self.url + "/_stats") as response:
            return json.load(response)


def self_signed_certificate(directory: str, names: str = "IP:127.0.0.1,DNS:localhost") -> pathlib.Path:
    """Makes `cert.pem` and `key.pem` for this machine; the first is also the only root a client needs to trust."""
    certificate = pathlib.Path(directory, "cert.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2",
         "-subj", "/CN=rkat-bench", "-addext", f"subjectAltName={names}",
         "-out", certificate, "-keyout", certificate.with_name("key.pem")],
        check=True, capture_output=True)
    return certificate


# The connection to a subject


class Client:
    """A subject that has been started, and the JSON-RPC connection to it.

    Calls block. Whatever takes longer than `deadline` seconds in all is killed, which ends every wait.
    """

    def __init__(self, subject: Subject, provider: Provider, home: str, deadline: float):
        self.model = dict(zip(("model", "provider"), MODELS[subject.api]))
        self.last_id = 0
        self.errors = tempfile.TemporaryFile()
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            subject.command(provider), env=subject.environment(provider, home), cwd=home,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, start_new_session=True)
        self.watchdog = threading.Timer(deadline, self.kill)
        self.watchdog.daemon = True
        self.watchdog.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.watchdog.cancel()
        self.kill()
        with contextlib.suppress(BrokenPipeError), self.process:
            self.errors.close()

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def send(self, method: str, params: dict) -> int:
        self.last_id += 1
        message = {"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}
        try:
            self.process.stdin.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise self.ended() from None
        return self.last_id

    def receive(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise self.ended()
        return json.loads(line)

    def call(self, method: str, params: dict, on_event=lambda params: None) -> dict:
        """Sends a request and returns its result; every event on the way goes to `on_event`."""
        return self.gather([self.send(method, params)], on_event)[0]

    def gather(self, requests: list[int], on_event=lambda params: None) -> list[dict]:
        """Waits for the results of requests that have been sent."""
        results = dict.fromkeys(requests)
        missing = len(results)
        while missing:
            message = self.receive()
            if message.get("method") == "session/event":
                on_event(message["params"])
            elif message.get("id") in results:
                if "error" in message:
                    raise MeasurementError(f"answered with an error: {message['error']}")
                results[message["id"]] = message["result"]
                missing -= 1
        return list(results.values())

    def initialize(self) -> dict:
        return self.call("initialize", {})

    def create(self, prompt: str, on_event=lambda params: None, **options: object) -> dict:
        return self.call("session/create", {**self.model, "prompt": prompt, **options}, on_event)

    def turn(self, session: str, prompt: str, on_event=lambda params: None) -> dict:
        return self.call("turn/start", {"session_id": session, "prompt": prompt}, on_event)

    def archive(self, session: str) -> None:
        self.call("session/archive", {"session_id": session})

    def exit(self) -> float:
        """Closes the connection and waits for the end. Returns the CPU seconds of the whole life."""
        self.process.stdin.close()
        self.process.stdout.read()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if self.process.returncode:
            raise self.ended()
        return usage.ru_utime + usage.ru_stime

    def ended(self) -> MeasurementError:
        status = self.process.wait()
        if not self.watchdog.is_alive():
            return MeasurementError("took too long and was killed")
        self.errors.seek(0)
        return MeasurementError(f"ended with status {status}: {self.errors.read().decode(errors='replace')[-500:]}")

    # What it costs

    def cpu(self) -> float:
        """CPU seconds so far: ended threads, living descendants and reaped children included."""
        return self.total(cpu_of)

    def memory(self) -> int:
        """Proportional set size in KiB."""
        return self.total(proportional_set_size)

    def wakeups(self) -> int:
        """How often a thread has waited for something and gone on."""
        return self.total(voluntary_switches)

    def total(self, cost_of) -> float:
        total = 0
        for process in with_descendants(self.process.pid):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):  # a child that has ended meanwhile
                total += cost_of(process)
        return total


@contextlib.contextmanager
def started(subject: Subject, deadline: float = 120, tls: bool = False):
    """A subject that answers, with a provider and a home directory of its own. Yields (client, provider)."""
    with fresh_home() as home, Provider(tls_directory=home if tls else None) as provider:
        with Client(subject, provider, home, deadline) as client:
            client.initialize()
            yield client, provider


# Reading the costs of a process


def with_descendants(root: int) -> list[int]:
    found, waiting = [], [root]
    while waiting:
        process = waiting.pop()
        found.append(process)
        for children in pathlib.Path(f"/proc/{process}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                waiting += map(int, children.read_text().split())
    return found


def cpu_of(process: int) -> float:
    """The CPU clock of a process, which counts its ended threads, and the times of the children it has reaped."""
    process_clock = (~process << 3) | 2
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return time.clock_gettime(process_clock) + (int(fields[13]) + int(fields[14])) / CLOCK_TICK


def proportional_set_size(process: int) -> int:
    for line in pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise MeasurementError("the kernel does not tell the proportional set size")


def voluntary_switches(process: int) -> int:
    total = 0
    for status in pathlib.Path(f"/proc/{process}/task").glob("*/status"):
        for line in status.read_text().splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total


# Isolation


def enter_loopback_only_network() -> bool:
    """As root, moves this process and all it starts into a network that has only loopback."""
    new_network_namespace = 0x40000000
    if os.geteuid() != 0 or ctypes.CDLL(None).unshare(new_network_namespace):
        return False
    get_flags, set_flags, up = 0x8913, 0x8914, 1
    request = struct.Struct("16sh14x")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        _, flags = request.unpack(fcntl.ioctl(control, get_flags, request.pack(b"lo", 0)))
        fcntl.ioctl(control, set_flags, request.pack(b"lo", flags | up))
    return True
