"""The parameters of requests, from the arguments of the client."""

from __future__ import annotations

import os
from typing import Any
from uuid import uuid4

from meerkat.prompt import Prompt, wire_prompt

#: The documented `structured_output_retries`, left to the server: its own may be configured.
DEFAULT_RETRIES = 2


def create_params(
    *,
    prompt: Prompt | None = None,
    structured_output_retries: int,
    cwd: str | os.PathLike[str] | None,
    run_id: str | None,
    initial_turn: bool = True,
    **options: Any,
) -> dict[str, Any]:
    """Of `session/create`."""
    retries = None if structured_output_retries == DEFAULT_RETRIES else structured_output_retries
    params = given(
        prompt=None if prompt is None else wire_prompt(prompt),
        **options,
        structured_output_retries=retries,
        cwd=None if cwd is None else os.fspath(cwd),
        run_id=run_id or str(uuid4()),
    )
    return params if initial_turn else {**params, "initial_turn": False}


def turn_params(*, prompt: Prompt, run_id: str | None, **members: Any) -> dict[str, Any]:
    """Of `turn/start`."""
    return given(prompt=wire_prompt(prompt), **members, run_id=run_id or str(uuid4()))


def given(**members: Any) -> dict[str, Any]:
    """The members that say something: `None` and a flag that is off are the server's default."""
    return {
        name: value for name, value in members.items() if value is not None and value is not False
    }
