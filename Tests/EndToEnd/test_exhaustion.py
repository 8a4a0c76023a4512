"""The system has no threads or descriptors left: requests fail with errors, and the process recovers."""

from __future__ import annotations

import itertools
import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rkat_process import RKAT, Folder, Message, Provider, Rkat
from test_shell import call

#: A user with no other processes: the limit on processes does not hold for root.
UNPRIVILEGED = 0x6D65_0000 + os.getpid() % 0x10000
CONFIG = "[retry]\nmax_retries = 0\n"

Prepare = Callable[[], None]
Run = Callable[..., Rkat]


def become_unprivileged() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(UNPRIVILEGED)
        os.setuid(UNPRIVILEGED)


def forbid_threads() -> None:
    become_unprivileged()
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


@pytest.fixture
def home() -> Iterator[Folder]:
    """A folder that an unprivileged user can use, which those of pytest are not."""
    assert RKAT
    if os.geteuid() == 0:
        closed = [path for path in Path(RKAT).parents if not path.stat().st_mode & 0o001]
        if closed:
            pytest.skip(f"an unprivileged user cannot enter {closed[0]}, where rkat is")
    with tempfile.TemporaryDirectory(prefix="rkat-exhaustion-") as name:
        folder = Folder(Path(name), CONFIG)
        if os.geteuid() == 0:
            for path in [Path(name), *Path(name).rglob("*")]:
                os.chown(path, UNPRIVILEGED, UNPRIVILEGED)
        yield folder


@pytest.fixture
def run(home: Folder, provider: Provider) -> Iterator[Run]:
    running: list[Rkat] = []

    def run(prepare: Prepare = become_unprivileged, **environment: str) -> Rkat:
        rkat = Rkat(home, prepare=prepare, **{"RKAT_LOCAL_URL": provider.url + "/v1", **environment})
        running.append(rkat)
        return rkat

    yield run
    for rkat in running:
        rkat.discard()


@contextmanager
def forbidden(rkat: Rkat, limit: int) -> Iterator[None]:
    """While entered, the process gets no more of what a limit is about."""
    pid = rkat.process.pid
    count = 0
    if limit == resource.RLIMIT_NOFILE:
        # The lowest free numbers are the next descriptors. Some are left, to read the settings.
        used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
        free = (number for number in itertools.count() if number not in used)
        count = next(itertools.islice(free, 3, None))
    before, _ = resource.getrlimit(limit)
    set_limit(pid, limit, count)
    try:
        yield
    finally:
        set_limit(pid, limit, before)


def set_limit(pid: int, limit: int, count: int) -> None:
    """Sets a limit as the user of the process, who may do that without privileges."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            become_unprivileged()
            resource.prlimit(pid, limit, (count, resource.prlimit(pid, limit)[1]))
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0, "the limit cannot be set"


LIMITS = pytest.mark.parametrize(
    "limit", [resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE], ids=["threads", "descriptors"])


def call_ended(rkat: Rkat, session: str, prompt: str) -> Message:
    """The event that ends the call that a prompt asks for."""
    request = rkat.start_turn(session, prompt)
    rkat.result(request)
    return rkat.event("tool_execution_completed", request)["event"]


def test_without_threads_the_start_fails_with_a_message(run: Run) -> None:
    rkat = run(forbid_threads)
    assert rkat.wait() == 1
    assert rkat.stderr().startswith("rkat: cannot start the thread")


@LIMITS
def test_the_store_cannot_be_opened_and_then_can(run: Run, limit: int) -> None:
    rkat = run(RKAT_TEST_CLIENT="1")
    rkat.call("initialize")
    with forbidden(rkat, limit):
        for _ in range(2):
            error = rkat.fail("session/create", {"prompt": "Hello."})
            # What the first attempt has opened may be kept for the second, which then cannot read the settings.
            assert error["data"]["code"] in ("AGENT_ERROR", "INTERNAL_ERROR"), error
        rkat.call("initialize")
    assert rkat.call("session/create", {"prompt": "Hello."})["text"] == "ok"
    assert rkat.exit() == 0


@LIMITS
def test_a_provider_cannot_be_reached_and_then_can(run: Run, limit: int) -> None:
    first = run()
    session = first.call("session/create", {"prompt": "Hello."})["session_id"]
    assert first.exit() == 0
    rkat = run()
    rkat.call("session/archive", {"session_id": rkat.call("session/fork", {"session_id": session})["session_id"]})
    with forbidden(rkat, limit):
        for _ in range(2):
            error = rkat.failure(rkat.start_turn(session, "Again."))
            assert error["data"]["code"] == "PROVIDER_ERROR", error
    assert rkat.turn(session, "Again.")["text"] == "hello"
    assert rkat.exit() == 0


def test_a_host_name_is_not_waited_for_without_threads(run: Run, home: Folder, provider: Provider) -> None:
    port = provider.url.rsplit(":", 1)[1]
    text = f'[providers.named]\nkind = "openai_compatible"\nbase_url = "http://localhost:{port}/v1"\n'
    (home.path / ".rkat" / "config.toml").write_text(CONFIG + text)
    rkat = run()
    session = rkat.call("session/create", {"prompt": "Hello."})["session_id"]
    with forbidden(rkat, resource.RLIMIT_NPROC):
        assert rkat.fail("models/list", {"provider": "named"}, timeout=5)
        # Connections that exist go on.
        assert rkat.turn(session, "Again.")["text"] == "hello"
    assert rkat.call("models/list", {"provider": "named"})["models"]
    assert rkat.exit() == 0


@pytest.mark.parametrize(
    ("limit", "tool"),
    [
        (resource.RLIMIT_NPROC, "read_file"),
        (resource.RLIMIT_NPROC, "shell"),
        (resource.RLIMIT_NOFILE, "shell"),
    ],
)
def test_a_tool_fails_and_then_works(run: Run, home: Folder, limit: int, tool: str) -> None:
    note = home.path / "note.txt"
    note.write_text("noted\n")
    note.chmod(0o644)
    prompt = call("read_file", path="note.txt") if tool == "read_file" else call("shell", command="cat note.txt")
    rkat = run()
    created = {"prompt": "Hello.", "enable_builtins": True, "enable_shell": True}
    session = rkat.call("session/create", created)["session_id"]
    with forbidden(rkat, limit):
        for _ in range(2):
            event = call_ended(rkat, session, prompt)
            assert event["is_error"] and "noted" not in event["result"], event
    event = call_ended(rkat, session, prompt)
    assert not event["is_error"] and "noted" in event["result"], event
    assert rkat.exit() == 0


@pytest.mark.parametrize("closed", [(1,), (2,), (0, 1, 2)])
def test_a_closed_standard_stream_is_no_file_of_ours(folder: Folder, provider: Provider, closed: tuple[int, ...]) -> None:
    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    with Rkat(folder, prepare=close, RKAT_LOCAL_URL=provider.url + "/v1") as rkat:
        try:
            for _ in range(3):
                rkat.send("session/create", {"prompt": "Hello."})
            rkat.close_input()
        except BrokenPipeError:
            pass
        rkat.wait()
    for file in (path for path in folder.sessions.rglob("*") if path.is_file()):
        assert b"jsonrpc" not in file.read_bytes()


def test_a_limit_on_file_sizes_is_an_error(folder: Folder, provider: Provider) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    with Rkat(folder, prepare=limit, RKAT_LOCAL_URL=provider.url + "/v1") as rkat:
        session = rkat.call("session/create", {"prompt": "Hello."})["session_id"]
        for _ in range(40):
            response = rkat.response(rkat.start_turn(session, "x" * 20_000 + "@@n=1@@"))
            if "error" in response:
                break
        assert response["error"]["data"]["details"]["reason"].startswith("store")
        assert rkat.call("session/read", {"session_id": session})["state"] in ("idle", "interrupted")


def test_a_standard_input_that_does_not_block_is_read(folder: Folder, provider: Provider) -> None:
    with Rkat(folder, prepare=lambda: os.set_blocking(0, False), RKAT_LOCAL_URL=provider.url + "/v1") as rkat:
        for _ in range(3):
            assert rkat.call("session/create", {"prompt": "Hello."})["text"] == "hello"
