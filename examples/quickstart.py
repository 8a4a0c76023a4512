#!/usr/bin/env python3
"""A conversation with an agent, kept when its process has gone.

Needs the `meerkat` package (pip install sdks/python), `rkat` on PATH and a model: a provider's key in the environment,
or a local server (see `make quickstart`, which sees to all of it).
"""

import asyncio
import sys

from meerkat import MeerkatClient, MeerkatError


async def converse() -> str:
    """Holds a conversation of three turns. Returns the session's id."""
    # The client starts an `rkat` process and talks to it; the process ends with the block.
    async with MeerkatClient() as client:
        # A session is a conversation. Creating it runs the first turn; very small models need a limit to find an end.
        result = await client.create_session(
            "What is the capital of France?", system_prompt="You are a helpful guide. Answer in one short sentence.",
            max_tokens=200)
        print(f"> What is the capital of France?\n{result.text}\n")

        # Later turns know what has been said before.
        session_id = result.session_id
        result = await client.start_turn(session_id, "And of Germany?")
        print(f"> And of Germany?\n{result.text}\n")

        # A streamed turn yields its events while they happen; the text arrives in pieces.
        answered_by = {}
        print("> Name one sight in each of the two cities.")
        async with client.start_turn_streaming(session_id, "Name one sight in each of the two cities.") as stream:
            async for event in stream:
                if event["type"] == "run_started":
                    answered_by = event
                elif event["type"] == "text_delta":
                    print(event["delta"], end="", flush=True)
        print("\n")

        # The first event of a run tells what really answers.
        provider, model, endpoint = (answered_by.get(key, "?") for key in ("provider", "model", "endpoint"))
        print(f"{model} answered, by way of {provider} at {endpoint}.")
        print(f"The session has used {stream.result.usage.total_tokens} tokens.\n")
        return session_id


async def read_back(session_id: str) -> None:
    """Reads the conversation from the store, with a process that has never seen it."""
    async with MeerkatClient() as client:
        session = await client.read_session(session_id)
        history = await client.session_history(session_id)
        print(f"Session {session_id}, {session['state']}, read back by a new process:")
        for message in history["messages"]:
            print(f"  {message['role']}: {text_of(message)}")


def text_of(message: dict) -> str:
    """The text of a message: a plain string, or blocks of which some are text."""
    if "content" in message:
        return message["content"]
    texts = [block["data"]["text"] for block in message.get("blocks", []) if block["block_type"] == "text"]
    return "".join(texts)


async def main() -> None:
    await read_back(await converse())


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except MeerkatError as error:
        sys.exit(f"{error.code}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
