"""What a turn is asked: text, pictures, or parts of both."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

#: The content of a file; `Image` has a method named like the first of the types.
_Content: TypeAlias = bytes | bytearray | memoryview


@dataclass(frozen=True)
class Image:
    """A picture for a prompt: PNG, JPEG, GIF or WebP, up to 20 MiB and 8000 pixels a side.

    Made by `Image.file`, `Image.bytes` or `Image.base64`. The server looks at it when the prompt is
    sent, and refuses with `INVALID_PARAMS` what is no such picture.
    """

    #: Where the server reads it, an absolute path; `None` for a picture that is sent.
    path: str | None = None
    #: What is sent: the content of its file as base64.
    data: str | None = field(default=None, repr=False)

    @classmethod
    def file(cls, path: str | os.PathLike[str]) -> Image:
        """The picture in a file, which the server reads; a relative path is one of this process."""
        return cls(path=os.path.abspath(path))

    @classmethod
    def bytes(cls, data: _Content) -> Image:
        """The picture with this content of its file."""
        return cls.base64(b64encode(data).decode())

    @classmethod
    def base64(cls, text: str) -> Image:
        """The picture with this content of its file, as base64."""
        return cls(data=text)


#: Text, or parts in their order: texts, pictures, and parts as the wire has them.
Prompt: TypeAlias = str | Sequence[str | Image | Mapping[str, Any]]


def wire_prompt(prompt: Prompt) -> str | list[dict[str, Any]]:
    """The prompt as requests carry it.

    Raises `TypeError` when it is neither text nor a sequence of parts.
    """
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, Mapping) or not isinstance(prompt, Sequence):
        raise TypeError(f"a prompt is text or a sequence of parts, not {type(prompt).__name__}")
    return [_wire_part(part) for part in prompt]


def _wire_part(part: str | Image | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    if isinstance(part, Image):
        return {"type": "image", "source": _wire_source(part)}
    if isinstance(part, Mapping):
        return dict(part)
    raise TypeError(
        f"a part of a prompt is text, an Image or a mapping, not {type(part).__name__}"
    )


def _wire_source(image: Image) -> dict[str, Any]:
    if image.path is not None:
        return {"type": "file", "path": image.path}
    return {"type": "base64", "data": image.data}
