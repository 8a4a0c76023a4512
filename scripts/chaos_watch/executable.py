"""Where the victim's executable stands."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def victim_executable() -> str:
    """The executable that `CHAOS_VICTIM` names, else one that is built now."""
    if chosen := os.environ.get("CHAOS_VICTIM"):
        return os.path.abspath(chosen)
    build = ["swift", "build", "--product", "chaos-victim"]
    subprocess.run(build, cwd=ROOT, check=True, stdout=sys.stderr)
    path = subprocess.run([*build, "--show-bin-path"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return os.path.join(path.strip(), "chaos-victim")
