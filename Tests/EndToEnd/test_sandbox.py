"""What commands of a model reach: not the runtime, and not what the sandbox keeps from them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rkat_process import RKAT, Folder, Message, Provider, Rkat
from test_exhaustion import UNPRIVILEGED, Prepare, Run, become_unprivileged, home, run  # noqa: F401
from test_shell import call

#: What a command can find out of the process that has started its supervisor.
ROB = """
rkat=$(cut -d' ' -f4 /proc/$PPID/stat)
for pid in $PPID $rkat; do
    cat /proc/$pid/environ
    ls -l /proc/$pid/fd
    head -c 1 /proc/$pid/mem
    for file in /proc/$pid/fd/0 /proc/$pid/fd/1; do head -c 1 $file; echo forged > $file; done
done
echo done
"""


def shell(rkat: Rkat, command: str, **arguments: object) -> Message:
    """Runs one command in a session of its own; what its tool returned."""
    prompt = call("shell", command=command, **arguments)
    before = len(rkat.messages)
    rkat.call("session/create", {"prompt": prompt, "enable_shell": True})
    result = next(
        event for message in rkat.messages[before:]
        if (event := message.get("params", {}).get("event", {})).get("type") == "tool_execution_completed")
    return {**json.loads(result["result"]), "is_error": result["is_error"]}


def test_an_unprivileged_command_does_not_reach_the_runtime(run: Run) -> None:  # noqa: F811
    rkat = run(RKAT_SECRET="very secret")
    shown = shell(rkat, ROB)
    assert shown["stdout"] == "done\n"
    assert rkat.garbage == []
