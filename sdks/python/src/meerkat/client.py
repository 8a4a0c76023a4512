"""The client: one `rkat` process and everything that can be asked of it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from meerkat._connection import Connection, TurnRequest
from meerkat._params import DEFAULT_RETRIES, create_params, given, turn_params
from meerkat._results import parse_models, parse_run_result
from meerkat._version import __version__
from meerkat.capabilities import CapabilityChecker, _parse_capabilities, _version_text
from meerkat.errors import MeerkatError
from meerkat.generated.types import (
    CONTRACT_VERSION,
    CapabilitiesResponse,
    ModelChoice,
    RunLimits,
    WireModel,
    WireRunResult,
)
from meerkat.prompt import Prompt
from meerkat.streaming import EventQueue, StreamingTurn


class MeerkatClient:
    """Starts `rkat rpc` and talks to it; `async with MeerkatClient() as client:` does both ends.

    Any number of calls may be under way at once, from any task of one event loop.
    """

    def __init__(self, rkat_path: str = "rkat") -> None:
        """Finds the executable on `PATH`, or at `rkat_path` when that contains a slash.

        Raises `MeerkatError` with the code `BINARY_NOT_FOUND` when there is none.
        """
        path = shutil.which(rkat_path)
        if path is None:
            raise MeerkatError(
                "BINARY_NOT_FOUND",
                f"'{rkat_path}' is not an executable file; put rkat on PATH or give its path",
            )
        self._path = os.path.abspath(path)
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._capabilities: CapabilitiesResponse | None = None

    async def __aenter__(self) -> MeerkatClient:
        return await self.connect()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def connect(self) -> MeerkatClient:
        """Starts the server, checks its contract version and asks what it can do.

        Does nothing on a connected client; starts a new process when the old one has died.
        Raises `MeerkatError` with the code `VERSION_MISMATCH` when the versions do not fit.
        """
        async with self._connecting:
            if self._connection is not None and self._connection.is_open:
                return self
            await self.close()
            self._connection = await Connection.open(self._path)
            try:
                await self._shake_hands(self._connection)
            except BaseException:
                await self.close()
                raise
        return self

    async def close(self) -> None:
        """Ends the server: SIGTERM, and SIGKILL after five seconds.

        Requests under way fail with `CLIENT_CLOSED`, a running turn is interrupted. May be called
        any number of times, also at once; later calls raise `NOT_CONNECTED`.
        """
        if self._connection is not None:
            await self._connection.close()

    async def create_session(
        self,
        prompt: Prompt,
        model: str | None = None,
        provider: str | None = None,
        system_prompt: str | None = None,
        max_tokens: int | None = None,
        output_schema: dict[str, Any] | None = None,
        structured_output_retries: int = DEFAULT_RETRIES,
        hooks_override: dict[str, Any] | None = None,
        enable_builtins: bool = False,
        enable_shell: bool = False,
        enable_subagents: bool = False,
        enable_memory: bool = False,
        host_mode: bool = False,
        comms_name: str | None = None,
        provider_params: dict[str, Any] | None = None,
        preload_skills: list[str] | None = None,
        skill_references: list[str] | None = None,
        *,
        limits: RunLimits | None = None,
        fallback_models: Sequence[str | ModelChoice] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        run_id: str | None = None,
    ) -> WireRunResult:
        """Creates a session and runs its first turn.

        A prompt is text, or a list of texts and `Image`s. `max_tokens` is for one answer of the
        model; `limits` ends runs, also later ones. The `fallback_models` are asked one after the
        other when the model has failed for good. The tools work in `cwd`, an absolute path of a
        directory; in that of the server without one.
        Asking again with the same `run_id` starts nothing and returns the recorded result.
        Cancelling the call interrupts the turn.

        Raises `MeerkatError` with the code
        `INVALID_PARAMS` when an option, such as the schema or the directory, cannot be used, a
        picture is none, or the limit `max_cost_usd` is given for a model of unknown price;
        `CAPABILITY_UNAVAILABLE` when the server lacks what an option asks for;
        `PROVIDER_ERROR` when there is no such model or it could not answer;
        `BUDGET_EXHAUSTED` when a limit ended the run before there was a result, `reason` says
        which; `AGENT_ERROR` with the `reason` `structured_output` when no answer fitted the
        schema, and with `cancelled` when the turn was interrupted.
        """
        return await self._run(
            "session/create",
            create_params(
                prompt=prompt,
                model=model,
                provider=provider,
                system_prompt=system_prompt,
                max_tokens=max_tokens,
                output_schema=output_schema,
                structured_output_retries=structured_output_retries,
                hooks_override=hooks_override,
                enable_builtins=enable_builtins,
                enable_shell=enable_shell,
                enable_subagents=enable_subagents,
                enable_memory=enable_memory,
                host_mode=host_mode,
                comms_name=comms_name,
                provider_params=provider_params,
                preload_skills=preload_skills,
                skill_references=skill_references,
                limits=limits,
                fallback_models=fallback_models,
                cwd=cwd,
                run_id=run_id,
            ),
        )

    async def start_turn(
        self,
        session_id: str,
        prompt: Prompt,
        skill_references: list[str] | None = None,
        *,
        model: str | None = None,
        provider: str | None = None,
        max_tokens: int | None = None,
        output_schema: dict[str, Any] | None = None,
        structured_output_retries: int | None = None,
        limits: RunLimits | None = None,
        fallback_models: Sequence[str | ModelChoice] | None = None,
        run_id: str | None = None,
    ) -> WireRunResult:
        """Runs a turn of a session, with the options the session was created with.

        What is given here replaces them for this turn only; of `limits`, those that are given.
        Asking again with the same `run_id` starts nothing and returns the recorded result.
        Cancelling the call interrupts the turn.

        Raises `SessionNotFoundError`; `MeerkatError` with the code `SESSION_BUSY` while a turn
        runs, and what `create_session` raises.
        """
        params = turn_params(
            session_id=session_id,
            prompt=prompt,
            skill_references=skill_references,
            model=model,
            provider=provider,
            max_tokens=max_tokens,
            output_schema=output_schema,
            structured_output_retries=structured_output_retries,
            limits=limits,
            fallback_models=fallback_models,
            run_id=run_id,
        )
        return await self._run("turn/start", params, session_id)

    def create_session_streaming(
        self,
        prompt: Prompt,
        model: str | None = None,
        provider: str | None = None,
        system_prompt: str | None = None,
        max_tokens: int | None = None,
        output_schema: dict[str, Any] | None = None,
        structured_output_retries: int = DEFAULT_RETRIES,
        hooks_override: dict[str, Any] | None = None,
        enable_builtins: bool = False,
        enable_shell: bool = False,
        enable_subagents: bool = False,
        enable_memory: bool = False,
        host_mode: bool = False,
        comms_name: str | None = None,
        provider_params: dict[str, Any] | None = None,
        preload_skills: list[str] | None = None,
        skill_references: list[str] | None = None,
        *,
        limits: RunLimits | None = None,
        fallback_models: Sequence[str | ModelChoice] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        run_id: str | None = None,
    ) -> StreamingTurn:
        """Like `create_session`, with the events; the request is sent on `async with` entry."""
        return self._stream(
            "session/create",
            create_params(
                prompt=prompt,
                model=model,
                provider=provider,
                system_prompt=system_prompt,
                max_tokens=max_tokens,
                output_schema=output_schema,
                structured_output_retries=structured_output_retries,
                hooks_override=hooks_override,
                enable_builtins=enable_builtins,
                enable_shell=enable_shell,
                enable_subagents=enable_subagents,
                enable_memory=enable_memory,
                host_mode=host_mode,
                comms_name=comms_name,
                provider_params=provider_params,
                preload_skills=preload_skills,
                skill_references=skill_references,
                limits=limits,
                fallback_models=fallback_models,
                cwd=cwd,
                run_id=run_id,
            ),
        )

    def start_turn_streaming(
        self,
        session_id: str,
        prompt: Prompt,
        skill_references: list[str] | None = None,
        *,
        model: str | None = None,
        provider: str | None = None,
        max_tokens: int | None = None,
        output_schema: dict[str, Any] | None = None,
        structured_output_retries: int | None = None,
        limits: RunLimits | None = None,
        fallback_models: Sequence[str | ModelChoice] | None = None,
        run_id: str | None = None,
    ) -> StreamingTurn:
        """Like `start_turn`, with the events; the request is sent on `async with` entry."""
        params = turn_params(
            session_id=session_id,
            prompt=prompt,
            skill_references=skill_references,
            model=model,
            provider=provider,
            max_tokens=max_tokens,
            output_schema=output_schema,
            structured_output_retries=structured_output_retries,
            limits=limits,
            fallback_models=fallback_models,
            run_id=run_id,
        )
        return self._stream("turn/start", params, session_id)

    async def resume_turn(self, session_id: str, run_id: str | None = None) -> WireRunResult:
        """Goes on with the turn of a session that was cut off by the end of its process.

        The turn keeps its options, its `run_id` and what it has done. Given a `run_id`, only that
        run is meant; when it has ended meanwhile, its recorded result is returned. Cancelling the
        call interrupts the turn.

        Raises `SessionNotFoundError`; `MeerkatError` with the code `SESSION_NOT_RUNNING` when
        there is nothing to go on with, `SESSION_BUSY` while a turn runs, here or in another
        process, and what `start_turn` raises.
        """
        params = given(session_id=session_id, run_id=run_id)
        return await self._run("turn/resume", params, session_id)

    def resume_turn_streaming(self, session_id: str, run_id: str | None = None) -> StreamingTurn:
        """Like `resume_turn`, with the events; the request is sent on `async with` entry."""
        params = given(session_id=session_id, run_id=run_id)
        return self._stream("turn/resume", params, session_id)

    async def interrupt(self, session_id: str, run_id: str | None = None) -> None:
        """Cancels the running turn of a session; given a `run_id`, only that run.

        Returns once the turn has ended; its own call raises `AGENT_ERROR`.
        """
        await self._request("turn/interrupt", given(session_id=session_id, run_id=run_id))

    async def open_session(
        self,
        *,
        model: str | None = None,
        provider: str | None = None,
        system_prompt: str | None = None,
        max_tokens: int | None = None,
        output_schema: dict[str, Any] | None = None,
        structured_output_retries: int = DEFAULT_RETRIES,
        hooks_override: dict[str, Any] | None = None,
        enable_builtins: bool = False,
        enable_shell: bool = False,
        enable_subagents: bool = False,
        enable_memory: bool = False,
        host_mode: bool = False,
        comms_name: str | None = None,
        provider_params: dict[str, Any] | None = None,
        preload_skills: list[str] | None = None,
        limits: RunLimits | None = None,
        fallback_models: Sequence[str | ModelChoice] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        run_id: str | None = None,
    ) -> str:
        """Creates a session without a turn and returns its id; `start_turn` runs the first one.

        Asking again with the same `run_id` creates nothing and returns the same id.

        Raises `MeerkatError` with the code `INVALID_PARAMS`, `CAPABILITY_UNAVAILABLE` or
        `PROVIDER_ERROR` like `create_session`; the model is chosen, but not asked.
        """
        params = create_params(
            initial_turn=False,
            model=model,
            provider=provider,
            system_prompt=system_prompt,
            max_tokens=max_tokens,
            output_schema=output_schema,
            structured_output_retries=structured_output_retries,
            hooks_override=hooks_override,
            enable_builtins=enable_builtins,
            enable_shell=enable_shell,
            enable_subagents=enable_subagents,
            enable_memory=enable_memory,
            host_mode=host_mode,
            comms_name=comms_name,
            provider_params=provider_params,
            preload_skills=preload_skills,
            limits=limits,
            fallback_models=fallback_models,
            cwd=cwd,
            run_id=run_id,
        )
        session_id: str = (await self._request("session/create", params)).get("session_id", "")
        return session_id

    async def fork_session(
        self, session_id: str, seq: int | None = None, *, run_id: str | None = None
    ) -> dict[str, Any]:
        """Creates a session that goes on from a copy of another one, and returns its state.

        The copy ends with the entry `seq` of `session_history`, from 1, or is whole. It has used
        no tokens yet. The original may be running and is left as it is. Asking again with the same
        `run_id` creates nothing and returns the same session.

        Raises `SessionNotFoundError`; `MeerkatError` with the code `INVALID_PARAMS` when there is
        no such `seq`.
        """
        params = given(session_id=session_id, seq=seq, run_id=run_id)
        return await self._request("session/fork", params)

    async def compact_session(self, session_id: str) -> dict[str, Any]:
        """Lets the model summarize the older part of a conversation, which the summary replaces.

        `session_history` shows all of it all the same. Returns `compacted`, and when that is true
        `summary_tokens`, and `messages_before` and `messages_after`, the numbers of messages the
        model is shown. It is false when there was nothing to summarize or the summary failed.
        Cancelling the call interrupts it and changes nothing.

        Raises `SessionNotFoundError`; `MeerkatError` with the code `SESSION_BUSY` while a turn
        runs, `PROVIDER_ERROR` when there is no model to ask, `AGENT_ERROR` when it was interrupted.
        """
        params = {"session_id": session_id}
        return await self._answer("session/compact", params, session_id)

    async def list_sessions(self, include_stored: bool = False) -> list[dict[str, Any]]:
        """The live sessions in the order of their creation; on request the stored ones too."""
        params = given(include_stored=include_stored)
        page = await self._request("session/list", params)
        sessions: list[dict[str, Any]] = page.get("sessions", [])
        while cursor := page.get("next_cursor"):
            page = await self._request("session/list", {**params, "cursor": cursor})
            sessions += page.get("sessions", [])
        return sessions

    async def read_session(self, session_id: str, include_calls: bool = False) -> dict[str, Any]:
        """The state of a session; answered at once while a turn runs.

        On request it has the `model_calls` of all its runs, with members like `WireModelCall`.
        """
        params = given(session_id=session_id, include_calls=include_calls)
        return await self._request("session/read", params)

    async def session_history(
        self, session_id: str, cursor: int | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """A page of the messages of a session; `cursor` is the `next_cursor` of the page before."""
        params = given(session_id=session_id, cursor=cursor, limit=limit)
        return await self._request("session/history", params)

    async def archive_session(self, session_id: str) -> None:
        """Puts a session away; its turn in progress, if any, finishes first."""
        await self._request("session/archive", {"session_id": session_id})

    async def delete_session(self, session_id: str) -> None:
        """Removes a session and what it has stored, for good."""
        await self._request("session/delete", {"session_id": session_id})

    async def list_models(self, provider: str | None = None) -> list[WireModel]:
        """The models that are known or configured, on request those of one provider.

        Of a provider that is named and whose models are not known, its own server is asked.

        Raises `MeerkatError` with the code `PROVIDER_ERROR` when there is no such provider or its
        server does not tell.
        """
        return parse_models(await self._request("models/list", given(provider=provider)))

    async def get_capabilities(self) -> CapabilitiesResponse:
        """What the server can do, as it said when the client connected."""
        if self._capabilities is None:
            self._capabilities = _parse_capabilities(await self._request("capabilities/get", {}))
        return self._capabilities

    def has_capability(self, capability_id: str) -> bool:
        """Whether the server said that it has the capability; before `connect()`, no."""
        return self._checker().has(capability_id)

    def require_capability(self, capability_id: str) -> None:
        """Raises `CapabilityUnavailableError` unless the server has the capability."""
        self._checker().require(capability_id)

    async def get_config(self) -> dict[str, Any]:
        """The whole configuration."""
        return await self._request("config/get", {})

    async def set_config(self, config: dict[str, Any]) -> None:
        """Replaces the configuration; what is missing takes its default."""
        await self._request("config/set", config)

    async def patch_config(self, patch: dict[str, Any]) -> dict[str, Any]:
        """Merges into the configuration (RFC 7396) and returns the whole of it."""
        return await self._request("config/patch", patch)

    async def _shake_hands(self, connection: Connection) -> None:
        client = {"name": "meerkat-sdk", "version": __version__, "discard_text": True}
        server = await connection.request("initialize", {"client": client})
        version = _version_text(server.get("contract_version"))
        if not _is_compatible(version, CONTRACT_VERSION):
            raise MeerkatError(
                "VERSION_MISMATCH",
                f"the server speaks contract version '{version}', this client {CONTRACT_VERSION}",
            )
        self._capabilities = _parse_capabilities(await connection.request("capabilities/get", {}))

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.is_closed:
            raise MeerkatError("NOT_CONNECTED", "call connect() first")
        return self._connection

    async def _request(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        return await self._connected().request(method, params)

    async def _run(
        self, method: str, params: dict[str, Any], session_id: str = ""
    ) -> WireRunResult:
        return self._parse_run_result(await self._answer(method, params, session_id))

    async def _answer(self, method: str, params: dict[str, Any], session_id: str) -> dict[str, Any]:
        """The result of a request whose cancelled wait interrupts the session."""
        request = TurnRequest(self._connected(), method, params, session_id)
        await request.send()
        result = await request.answer()
        return result if isinstance(result, dict) else {}

    def _stream(self, method: str, params: dict[str, Any], session_id: str = "") -> StreamingTurn:
        connection = self._connected()
        queue: EventQueue = asyncio.Queue()
        request = TurnRequest(connection, method, params, session_id, queue)
        return StreamingTurn(
            session_id=session_id,
            event_queue=queue,
            response_future=request.call.response,
            dispatcher=connection.dispatcher,
            parse_result=self._parse_run_result,
            request=request,
        )

    def _checker(self) -> CapabilityChecker:
        return CapabilityChecker(self._capabilities or CapabilitiesResponse())

    _parse_run_result = staticmethod(parse_run_result)


def _is_compatible(server: str, client: str) -> bool:
    """Whether two contract versions fit: same major, and before 1.0 the same minor as well."""
    ours, theirs = _version_numbers(client), _version_numbers(server)
    if len(ours) < 2 or len(theirs) < 2 or ours[0] != theirs[0]:
        return False
    return ours[0] > 0 or ours[1] == theirs[1]


def _version_numbers(version: str) -> list[int]:
    """The parts of a dotted version; none when it is not made of numbers."""
    if re.fullmatch(r"[0-9]+(\.[0-9]+)*", version) is None:
        return []
    return [int(part) for part in version.split(".")]
