"""Starts rkat for the Python package, in a folder and an environment of its own."""

from __future__ import annotations

import os
import shlex
import signal

from rkat_process import RKAT, Folder


class Launcher:
    """An executable named `rkat` that runs the real one in the folder and notes the ids of its processes."""

    def __init__(self, folder: Folder, **environment: str) -> None:
        assert RKAT, "rkat is not on PATH"
        self.directory = folder.path / "launcher"
        self.directory.mkdir()
        self._pids = self.directory / "pids"
        self.path = self.directory / "rkat"
        variables = {"PATH": os.defpath, "HOME": str(folder.path), **environment}
        command = shlex.join(["env", "-i", *(f"{name}={value}" for name, value in variables.items()), RKAT])
        self.path.write_text(
            f"#!/bin/sh\necho $$ >>{shlex.quote(str(self._pids))}\n"
            f'cd {shlex.quote(str(folder.path))} && exec {command} "$@"\n'
        )
        self.path.chmod(0o755)

    def __str__(self) -> str:
        return str(self.path)

    def kill(self) -> None:
        """Kills the process that was started last."""
        os.kill(int(self._pids.read_text().split()[-1]), signal.SIGKILL)
