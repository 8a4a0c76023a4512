"""Runs the real `rkat` in a place of its own, where the machine has one."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

_FOUND = shutil.which("rkat")
#: Absolute, for it is started in other folders.
RKAT = os.path.abspath(_FOUND or "rkat")

needs_rkat = pytest.mark.skipif(_FOUND is None, reason="rkat is not on PATH")


def isolated(folder: Path, **environment: str) -> dict[str, str]:
    """An environment without the user's files and keys."""
    return {"PATH": os.defpath, "HOME": str(folder), **environment}


def make_rkat(folder: Path, **environment: str) -> str:
    """An executable that runs `rkat` in a folder and in an isolated environment."""
    settings = [f"{name}={value}" for name, value in isolated(folder, **environment).items()]
    command = shlex.join(["env", "-i", *settings, RKAT])
    path = folder / "bin" / "rkat"
    path.parent.mkdir()
    path.write_text(f'#!/bin/sh\ncd {shlex.quote(str(folder))} && exec {command} "$@"\n')
    path.chmod(0o755)
    return str(path)


class RawServer:
    """`rkat rpc`, spoken to without the client."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.stdin = process.stdin
        self.stdout = process.stdout
        self.notifications: list[dict[str, Any]] = []
        self._last_id = 0

    @classmethod
    async def start(cls, folder: Path, **environment: str) -> RawServer:
        return cls(
            await asyncio.create_subprocess_exec(
                RKAT,
                "rpc",
                cwd=folder,
                env=isolated(folder, **environment),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=64 * 1024 * 1024,
            )
        )

    async def send(self, method: str, params: dict[str, Any]) -> int:
        self._last_id += 1
        request = {"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params}
        self.stdin.write(json.dumps(request).encode() + b"\n")
        await self.stdin.drain()
        return self._last_id

    async def read(self) -> dict[str, Any]:
        """The next line, which must be a message."""
        line = await asyncio.wait_for(self.stdout.readline(), 60)
        message = json.loads(line)
        assert isinstance(message, dict)
        return message

    async def call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The response to a request; what comes before it is noted."""
        request_id = await self.send(method, params)
        while (message := await self.read()).get("id") != request_id:
            self.notifications.append(message)
        return message

    async def result(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """The result of a request."""
        response = await self.call(method, params)
        assert "error" not in response, response
        result = response["result"]
        assert isinstance(result, dict)
        return result

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await asyncio.wait_for(self.process.wait(), 5)
