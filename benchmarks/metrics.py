"""What is measured, how, and what must be reached.

A metric is a function that starts a subject (see driver.py), works it and returns its figures by key. It runs once for
the floor and once for rkat. Times in milliseconds unless a figure says otherwise; "CPU" is that of the subject alone.
"""

import dataclasses
import pathlib
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable

from driver import Client, MeasurementError, Provider, Subject, fresh_home, started

MiB = 1 << 20
Bar = float | Callable[[float], float] | None
median = statistics.median


@dataclasses.dataclass(frozen=True)
class Figure:
    """One row of the table. The bar is the most it may be, or a function from the floor's value to that."""

    key: str
    title: str
    unit: str = "ms"
    bar: Bar = None

    def bar_for(self, floor: float | None) -> float | None:
        return self.bar(floor) if callable(self.bar) else self.bar


@dataclasses.dataclass(frozen=True)
class Metric:
    measure: Callable[[Subject], dict[str, float]]
    figures: tuple[Figure, ...]
    has_floor: bool = True
    is_slow: bool = False  # left out unless named


class Stopwatch:
    """Wall and CPU time of a subject since it was made."""

    def __init__(self, client: Client):
        self.client, self.cpu_start, self.wall_start = client, client.cpu(), time.monotonic()

    def cpu(self) -> float:
        return (self.client.cpu() - self.cpu_start) * 1e3

    def wall(self) -> float:
        return (time.monotonic() - self.wall_start) * 1e3


def expect(condition: bool, what: str):
    if not condition:
        raise MeasurementError(what)


def turn_on_new_session(client: Client):
    result = client.create("say hello")
    expect(result["text"] == "hello", f"the answer was {result['text'][:80]!r}")
    client.archive(result["session_id"])


def warm_up(client: Client):
    for _ in range(10):
        turn_on_new_session(client)


class Deltas:
    """Counts what arrives of streamed answers."""

    def __init__(self):
        self.count = self.characters = 0

    def __call__(self, params: dict):
        event = params["event"]
        if event["type"] == "text_delta":
            self.count += 1
            self.characters += len(event["delta"])


# The metrics


def cold(subject: Subject, repetitions: int = 15) -> dict[str, float]:
    """Start, initialize, one answered session/create, exit; every time in a new home."""
    runs = []
    with Provider() as provider:
        for _ in range(repetitions):
            with fresh_home() as home, Client(subject, provider, home, deadline=30) as client:
                client.initialize()
                ready = time.monotonic() - client.started
                client.create("say hello")
                answered = time.monotonic() - client.started
                runs.append((ready * 1e3, answered * 1e3, client.exit() * 1e3))
    ready, answered, cpu = (median(values) for values in zip(*runs[1:]))
    return {"ready": ready, "answered": answered, "cpu": cpu}


def turn(subject: Subject, blocks: int = 15, block: int = 20) -> dict[str, float]:
    cpu, wall = [], []
    with started(subject) as (client, _):
        warm_up(client)
        for _ in range(blocks):
            watch = Stopwatch(client)
            for _ in range(block):
                turn_on_new_session(client)
            wall.append(watch.wall() / block)
            cpu.append(watch.cpu() / block)
    return {"cpu": median(cpu), "wall": median(wall)}


def stream(subject: Subject, deltas: int = 5000, repetitions: int = 7) -> dict[str, float]:
    cpu, wall = [], []
    with started(subject) as (client, _):
        client.create("warm up @@n=200@@")
        for _ in range(repetitions):
            arrived, watch = Deltas(), Stopwatch(client)
            client.create(f"count @@n={deltas}@@", arrived)
            wall.append(watch.wall())
            cpu.append(watch.cpu() * 1e3 / deltas)
            expect(arrived.characters == deltas * 8, f"{arrived.characters} characters of {deltas * 8} arrived")
    return {"cpu": median(cpu), "wall": median(wall)}


def tools(subject: Subject, calls: int = 20, repetitions: int = 7) -> dict[str, float]:
    """Runs in which the model asks for `datetime` so many times before it answers."""
    cpu, wall = [], []
    with started(subject) as (client, _):
        warm_up(client)
        for _ in range(repetitions):
            watch = Stopwatch(client)
            result = client.create(f"what time is it? @@tools={calls}@@", enable_builtins=True)
            expect(result["tool_calls"] == calls, f"{result['tool_calls']} tools were called")
            wall.append(watch.wall() / (calls + 1))
            cpu.append(watch.cpu() / (calls + 1))
    return {"cpu": median(cpu), "wall": median(wall)}


def growth(subject: Subject, turns: int = 200, repetitions: int = 3) -> dict[str, float]:
    early, late = [], []
    with started(subject) as (client, _):
        warm_up(client)
        for _ in range(repetitions):
            cpu = cpu_of_turns(client, client.create("say hello")["session_id"], turns)
            early.append(statistics.mean(cpu[5:15]))
            late.append(statistics.mean(cpu[-20:]))
    return {"early": median(early), "late": median(late), "ratio": median(late) / median(early)}


def cpu_of_turns(client: Client, session: str, turns: int) -> list[float]:
    cpu = []
    for number in range(turns):
        watch = Stopwatch(client)
        client.turn(session, f"say hello, turn {number}")
        cpu.append(watch.cpu())
    return cpu


def deep(subject: Subject, messages: int = 10_000) -> dict[str, float]:
    with started(subject, deadline=300) as (client, provider):
        session = client.create("say hello")["session_id"]
        for number in range(messages // 2 - 20):
            client.turn(session, f"say hello, turn {number}")
        cpu = cpu_of_turns(client, session, 20)
        return {"cpu": median(cpu), "body": provider.stats()["last_body_bytes"] / 1024}


def memory(subject: Subject, sessions: int = 1000) -> dict[str, float]:
    with started(subject) as (client, _):
        client.create("say hello")
        one = client.memory()
        for _ in range(sessions // 10 - 1):
            client.create("say hello")
        some = client.memory()
        for _ in range(sessions - sessions // 10):
            client.create("say hello")
        return {"one": one / 1024, "further": (client.memory() - some) / (sessions - sessions // 10)}


class Arrivals:
    """Counts deltas that carry the time they were sent, and how long each was on its way."""

    def __init__(self):
        self.latencies = []

    def __call__(self, params: dict):
        event = params["event"]
        if event["type"] == "text_delta":
            now = time.monotonic_ns()
            stamps = event["delta"].strip("<>").split("><")
            self.latencies += [(now - int(stamp)) / 1e6 for stamp in stamps]


def concurrency(subject: Subject, streams: int = 100, deltas: int = 200, repetitions: int = 3) -> dict[str, float]:
    runs = []
    with started(subject) as (client, _):
        sessions = [client.create("say hello")["session_id"] for _ in range(streams)]
        for _ in range(repetitions):
            arrived, watch = Arrivals(), Stopwatch(client)
            prompt = f"go @@n={deltas},gap_ms=10,ts=1@@"
            requests = [client.send("turn/start", {"session_id": id, "prompt": prompt}) for id in sessions]
            client.gather(requests, arrived)
            expect(len(arrived.latencies) > 1, "no deltas arrived")
            quantiles = statistics.quantiles(arrived.latencies, n=100)
            missing = streams * deltas - len(arrived.latencies)
            runs.append((watch.cpu() / 1e3, missing, watch.wall() / 1e3, quantiles[49], quantiles[98]))
    return dict(zip(("cpu", "missing", "wall", "p50", "p99"), map(median, zip(*runs))))


def size(subject: Subject) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        stripped = pathlib.Path(directory, "stripped")
        subprocess.run(["strip", "-o", stripped, subject.binary], check=True, capture_output=True)
        return {"stripped": stripped.stat().st_size / 1e6}


def big_prompt(subject: Subject) -> dict[str, float]:
    with started(subject) as (client, provider):
        watch = Stopwatch(client)
        result = client.create("x" * (10 * MiB))
        figures = {"cpu": watch.cpu(), "wall": watch.wall()}
        expect(result["text"] == "hello", "there was no answer")
        expect(provider.stats()["last_body_bytes"] > 10 * MiB, "the prompt reached the provider cut")
        return figures


def big_answer(subject: Subject) -> dict[str, float]:
    with started(subject) as (client, _):
        arrived, watch = Deltas(), Stopwatch(client)
        result = client.create(f"write @@n={10 * MiB // 8192},size=8192@@", arrived)
        figures = {"cpu": watch.cpu(), "wall": watch.wall()}
        expect(arrived.characters == 10 * MiB, f"{arrived.characters} characters of {10 * MiB} were streamed")
        expect(len(result["text"]) == 10 * MiB, f"the result holds {len(result['text'])} characters")
        return figures


def https(subject: Subject, turns: int = 100) -> dict[str, float]:
    with started(subject, tls=True) as (client, _):
        first = Stopwatch(client)
        turn_on_new_session(client)
        first_cpu = first.cpu()
        later = Stopwatch(client)
        for _ in range(turns):
            turn_on_new_session(client)
        return {"first": first_cpu, "later": later.cpu() / turns}


def idle(subject: Subject, sessions: int = 1000, settle: float = 60, watched: float = 30) -> dict[str, float]:
    with started(subject, deadline=300) as (client, _):
        for _ in range(sessions):
            client.create("say hello")
        time.sleep(settle)
        wakeups, watch = client.wakeups(), Stopwatch(client)
        time.sleep(watched)
        return {"cpu": watch.cpu(), "wakeups": client.wakeups() - wakeups}


METRICS = {
    "size": Metric(size, (Figure("stripped", "binary, stripped", "MB", bar=30),)),
    "cold": Metric(cold, (
        Figure("ready", "start to the answer of initialize, wall", bar=8),
        Figure("answered", "start to the first answered turn, wall", bar=15),
        Figure("cpu", "start to exit, CPU"),
    )),
    "turn": Metric(turn, (
        Figure("cpu", "a turn on a new session, CPU", bar=0.8),
        Figure("wall", "the same, wall"),
    )),
    "stream": Metric(stream, (
        Figure("cpu", "a delta in a burst of 5 000, CPU", "us", bar=4),
        Figure("wall", "the burst, wall"),
    )),
    "tools": Metric(tools, (
        Figure("cpu", "a model call with one tool call, CPU", bar=0.8),
        Figure("wall", "the same, wall"),
    ), has_floor=False),
    "growth": Metric(growth, (
        Figure("early", "turn 10 of a session, CPU"),
        Figure("late", "turn 200 of a session, CPU", bar=1),
        Figure("ratio", "turn 200 / turn 10", "x", bar=1.5),
    )),
    "deep": Metric(deep, (
        Figure("cpu", "a turn at message 10 000, CPU (3 x floor + 1 ms)", bar=lambda floor: 3 * floor + 1),
        Figure("body", "its request body", "KiB"),
    )),
    "memory": Metric(memory, (
        Figure("one", "PSS after one turn", "MiB", bar=20),
        Figure("further", "PSS of a further session", "KiB", bar=16),
    )),
    "conc": Metric(concurrency, (
        Figure("cpu", "100 streams x 100 deltas/s for 2 s, CPU", "s", bar=0.8),
        Figure("missing", "deltas missing of 20 000", "", bar=0),
        Figure("wall", "until the last answer, wall (2 s ideal)", "s", bar=2.5),
        Figure("p50", "a delta's way from provider to client, p50"),
        Figure("p99", "a delta's way from provider to client, p99"),
    )),
    "big-prompt": Metric(big_prompt, (
        Figure("cpu", "a prompt of 10 MiB, CPU"),
        Figure("wall", "the same, wall"),
    )),
    "big-answer": Metric(big_answer, (
        Figure("cpu", "an answer of 10 MiB, CPU"),
        Figure("wall", "the same, wall"),
    )),
    "https": Metric(https, (
        Figure("first", "the first turn over https, CPU"),
        Figure("later", "a later turn over https, CPU"),
    ), has_floor=False),
    "idle": Metric(idle, (
        Figure("cpu", "1 000 idle sessions for 30 s, CPU", bar=5),
        Figure("wakeups", "the same, wake-ups", "", bar=10),
    ), has_floor=False, is_slow=True),
}
