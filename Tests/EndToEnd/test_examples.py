"""The examples of docs/python-sdk.md that need a model with a mind of its own, as they are printed there.

With a scripted model, and with `MEERKAT_LIVE_TESTS=1` also with a real one.
"""

from __future__ import annotations

import ast
import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rkat_process import Folder
from scripted_model import ScriptedModel, call, say
from sdk_process import Launcher

ROOT = Path(__file__).resolve().parents[2]
TOKYO = {"city": "Tokyo", "country": "Japan", "population": 14000000}


def example(heading: str) -> str:
    """The program below a heading."""
    page = (ROOT / "docs" / "python-sdk.md").read_text()
    found = re.search(rf"^### {heading}\n.*?^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert found is not None, heading
    return found[1]


TOOLS = example("Using with tools enabled")
STRUCTURED = example("Structured output")
PICTURES = example("Pictures")
FALLBACK = example("Fallback models")
COSTS = example("Costs")

#: What the lines begin with that the examples print.
LABELS = [
    "Response", "Tool calls made", "Text", "Structured", "Warnings", "Answer", "Asked instead", "Answered by",
    "Stopped", "Cost in dollars", "claude-sonnet-4-5, attempt 1",
]


def printed(program: str, folder: Folder, url: str, timeout: float = 60) -> dict[str, str]:
    """The lines that a program prints, each by the words before its colon."""
    launcher = Launcher(folder, RKAT_LOCAL_URL=url)
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=folder.path, capture_output=True, text=True, timeout=timeout, check=False,
        env={"PATH": f"{launcher.directory}:{os.defpath}", "HOME": str(folder.path)})
    assert (run.returncode, run.stderr) == (0, "")
    lines = re.findall(rf"^({'|'.join(LABELS)}): (.*)$", run.stdout, re.MULTILINE)
    return dict(lines)


# With a scripted model


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("write_file", {"path": "hello.txt", "content": "Hello World"}),
        ("shell", {"command": "printf 'Hello World' >hello.txt"}),
    ],
)
def test_tools(folder: Folder, tool: str, arguments: dict[str, str]) -> None:
    with ScriptedModel(call((tool, arguments)), say("Created.")) as model:
        assert printed(TOOLS, folder, model.url) == {"Response": "Created.", "Tool calls made": "1"}
    assert (folder.path / "hello.txt").read_text() == "Hello World"
    assert model.said(0) == ["Create a file called hello.txt with 'Hello World' in it"]
    assert {"write_file", "shell"} <= {offered["function"]["name"] for offered in model.requests[0]["tools"]}


@pytest.mark.parametrize("wrong", [[], ["Tokyo is large."], ['{"city": "Tokyo"}', "{}", "[]"]])
def test_structured_output(folder: Folder, wrong: list[str]) -> None:
    text = json.dumps(TOKYO)
    with ScriptedModel(*map(say, wrong), say(text)) as model:
        lines = printed(STRUCTURED, folder, model.url)
    assert lines == {"Text": text, "Structured": str(TOKYO)}
    assert len(model.requests) == len(wrong) + 1


def test_pictures(folder: Folder) -> None:
    # The smallest that is one: of a transparent point.
    gif = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
    (folder.path / "photo.png").write_bytes(gif)
    with ScriptedModel(say("Nothing much.")) as model:
        assert printed(PICTURES, folder, model.url) == {"Answer": "Nothing much."}
    text, picture = model.requests[0]["messages"][-1]["content"]
    assert text["text"] == "What is in this picture?"
    assert picture["image_url"]["url"].startswith("data:image/gif;base64,R0lGOD")


@pytest.mark.parametrize("second_fails", [False, True])
def test_fallback_models(folder: Folder, second_fails: bool) -> None:
    with ScriptedModel(401) as first, ScriptedModel() as second, ScriptedModel(say("Its coast.")) as third:
        second.answers.append(401 if second_fails else say("Its old town."))
        provide(folder, first=(first, "claude-sonnet-4-5"), second=(second, "gpt-4.1"), gemini=(third, ""))
        lines = printed(FALLBACK, folder, first.url)
    answering = "gemini-3-flash-preview" if second_fails else "gpt-4.1"
    assert lines == {"Asked instead": answering, "Answered by": answering}


@pytest.mark.parametrize(
    ("dollars", "expected"),
    [
        (3, {"Cost in dollars": "0.000102", "claude-sonnet-4-5, attempt 1": "0.000102"}),
        (300_000, {"Stopped": "it would cost more than that."}),
    ],
)
def test_costs(folder: Folder, dollars: int, expected: dict[str, str]) -> None:
    with ScriptedModel(say("Nile, Rhine, Po.")) as model:
        provide(folder, first=(model, "claude-sonnet-4-5"))
        with (folder.path / ".rkat" / "config.toml").open("a") as config:
            config.write(f'[providers.first.prices.claude-sonnet-4-5]\ninput = {dollars}\noutput = {5 * dollars}\n')
        assert printed(COSTS, folder, model.url) == expected
    assert len(model.requests) == (1 if dollars == 3 else 0)


def provide(folder: Folder, **providers: tuple[ScriptedModel, str]) -> None:
    """Configures providers, each a server of one model."""
    sections = [
        f'[providers.{name}]\nkind = "openai_compatible"\nbase_url = "{server.url}"\n'
        + (f'models = ["{model}"]\n' if model else "")
        for name, (server, model) in providers.items()
    ]
    (folder.path / ".rkat" / "config.toml").write_text("\n".join(sections))


# With a real model


def test_tools_live(folder: Folder, live_url: str) -> None:
    lines = printed(TOOLS, folder, live_url, timeout=600)
    assert int(lines["Tool calls made"]) >= 1
    assert "Hello World" in (folder.path / "hello.txt").read_text()


def test_structured_output_live(folder: Folder, live_url: str) -> None:
    structured = ast.literal_eval(printed(STRUCTURED, folder, live_url, timeout=600)["Structured"])
    assert set(TOKYO) <= set(structured)
    assert "tokyo" in structured["city"].lower()
    assert isinstance(structured["population"], int)
