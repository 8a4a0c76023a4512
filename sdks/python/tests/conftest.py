"""What several test files use."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

FakeRkat = Callable[..., str]


@pytest.fixture
def pid_file(tmp_path: Path) -> Path:
    """Where the fake server notes the id of each process, one a line."""
    return tmp_path / "pids"


@pytest.fixture
def fake_rkat(tmp_path: Path, pid_file: Path) -> FakeRkat:
    """Makes an executable that behaves like `rkat`, as its arguments say."""

    def make(*options: str) -> str:
        script = str(Path(__file__).with_name("fake_rkat.py"))
        command = [sys.executable, script, "--pid-file", str(pid_file), *options]
        path = tmp_path / "rkat"
        path.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        path.chmod(0o755)
        return str(path)

    return make


def is_running(pid: int) -> bool:
    """Whether a process exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
