"""Fixtures: a folder, a provider on loopback, and rkat processes that end with the test."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rkat_process import RKAT, Folder, Provider, Rkat

Start = Callable[..., Rkat]
ROOT = Path(__file__).resolve().parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if RKAT is None:
        here = Path(__file__).parent
        for item in items:
            if here in item.path.parents:
                item.add_marker(pytest.mark.skip(reason="rkat is not on PATH"))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture(scope="session")
def shared_provider() -> Iterator[Provider]:
    with Provider() as provider:
        yield provider


@pytest.fixture
def provider(shared_provider: Provider) -> Provider:
    """The provider; markers in prompts say how it answers, see its head."""
    return shared_provider


@pytest.fixture
def start(folder: Folder, provider: Provider) -> Iterator[Start]:
    """Starts rkat processes on one folder, whose default model is the provider's."""
    running: list[Rkat] = []

    def start(*arguments: str, prepare: Callable[[], None] | None = None, **environment: str) -> Rkat:
        rkat = Rkat(folder, *arguments, prepare=prepare, **{"RKAT_LOCAL_URL": provider.url + "/v1", **environment})
        running.append(rkat)
        return rkat

    yield start
    for rkat in running:
        rkat.discard()


@pytest.fixture
def rkat(start: Start) -> Rkat:
    return start()


@pytest.fixture
def offline(start: Start) -> Rkat:
    """A process whose model answers every turn with "ok" at once."""
    return start(RKAT_TEST_CLIENT="1")


@pytest.fixture(scope="session")
def live_url() -> Iterator[str]:
    """The base URL of a real model, with `MEERKAT_LIVE_TESTS=1`.

    It is that of the server at `RKAT_LOCAL_URL`, else of the one that `scripts/local-model` starts for the time of the
    tests (`MEERKAT_LIVE_MODEL`: 1.5b, or another it knows).
    """
    if os.environ.get("MEERKAT_LIVE_TESTS") != "1":
        pytest.skip("opt in with MEERKAT_LIVE_TESTS=1")
    if url := os.environ.get("RKAT_LOCAL_URL"):
        yield url
        return
    script, name = str(ROOT / "scripts" / "local-model"), os.environ.get("MEERKAT_LIVE_MODEL", "1.5b")
    start = [script, "start", "--model", name, "--port", "0", "--with-parent", str(os.getpid())]
    url = subprocess.run(start, capture_output=True, text=True, check=True).stdout.split()[-1]
    yield url
    port = re.search(r":(\d+)", url.removeprefix("http://"))
    assert port is not None
    subprocess.run([script, "stop", "--port", port[1]], capture_output=True, check=True)
