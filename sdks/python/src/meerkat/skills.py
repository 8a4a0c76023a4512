"""Runs prompts through skills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meerkat.generated.types import WireRunResult
from meerkat.prompt import Prompt

if TYPE_CHECKING:
    from meerkat.client import MeerkatClient


class SkillHelper:
    """Invokes skills by reference: `"/shell-patterns"`, the leading slash may be left out."""

    def __init__(self, client: MeerkatClient) -> None:
        self._client = client

    def is_available(self) -> bool:
        """Whether the connected server has skills."""
        return self._client.has_capability("skills")

    def require_skills(self) -> None:
        """Raises `CapabilityUnavailableError` unless the server has skills."""
        self._client.require_capability("skills")

    async def invoke(self, session_id: str, skill_reference: str, prompt: Prompt) -> WireRunResult:
        """Runs a turn of an existing session with the skill."""
        self.require_skills()
        return await self._client.start_turn(session_id, _with_skill(skill_reference, prompt))

    async def invoke_new_session(
        self, skill_reference: str, prompt: Prompt, model: str | None = None
    ) -> WireRunResult:
        """Creates a session whose first turn uses the skill."""
        self.require_skills()
        return await self._client.create_session(
            prompt=_with_skill(skill_reference, prompt), model=model
        )


def _with_skill(skill_reference: str, prompt: Prompt) -> Prompt:
    reference = f"/{skill_reference.removeprefix('/')} "
    return reference + prompt if isinstance(prompt, str) else [reference, *prompt]
