"""The examples of the documentation: all compile, and the whole programs run.

Those that need a model with a mind of its own run in `Tests/EndToEnd/test_examples.py` of the checkout.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from real_rkat import isolated, make_rkat, needs_rkat

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "docs" / "python-sdk.md", ROOT / "sdks" / "python" / "README.md"]


def blocks() -> list[str]:
    """The Python examples of those pages that the checkout has."""
    texts = [page.read_text() for page in PAGES if page.exists()]
    return [
        block for text in texts for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    ]


def programs() -> list[str]:
    """Those that any model can answer."""
    demanding = ("output_schema", "enable_", "Image.", "fallback_models", "max_cost_usd")
    found = [block for block in blocks() if "asyncio.run(" in block]
    return [block for block in found if not any(word in block for word in demanding)]


@pytest.mark.parametrize("block", blocks())
def test_example_compiles(block: str) -> None:
    compile(block, "example", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@needs_rkat
@pytest.mark.parametrize("program", programs())
def test_program_runs(program: str, tmp_path: Path) -> None:
    folder = Path(make_rkat(tmp_path, RKAT_TEST_CLIENT="1")).parent
    environment = isolated(tmp_path, PATH=f"{folder}:{os.defpath}")
    run = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert "ok" in run.stdout
