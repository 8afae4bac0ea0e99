"""A stream of Dify's events, read to its end. Pure.

Source: langgenius/dify-docs, `en/api-reference/openapi_service.json` (July 2026): `message` and `agent_message` add,
`message_replace` replaces everything said so far, a New Agent's closing `message` repeats the whole answer,
`workflow_finished` may fail before an `error`, a pause ends the stream; `ping` and comments mean nothing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_ADDS = frozenset({"message", "agent_message"})
_PAUSES = frozenset({"human_input_required", "workflow_paused"})


@dataclass(slots=True)
class Said:
    """What a stream came to. `ended`: Dify said that it is over; without it the answer is only half."""

    text: str = ""
    conversation: str = ""
    tokens: int = 0
    ended: bool = False
    person: bool = False
    error: Mapping[str, Any] = field(default_factory=dict)


def read_stream(body: bytes) -> Said:
    """All events of an answer."""
    said = Said()
    for event in _events(body):
        name = str(event.get("event", ""))
        said.conversation = str(event.get("conversation_id") or said.conversation)
        if name in _ADDS:
            piece = str(event.get("answer") or "")
            said.text = said.text if len(piece) > 1 and piece == said.text else said.text + piece
        elif name == "message_replace":
            said.text = str(event.get("answer") or "")
        elif name == "message_end":
            said.ended = True
            said.tokens = _tokens(event) or said.tokens
        elif name == "error":
            said.error, said.ended = event, True
        elif name == "workflow_finished":
            _finish(said, event)
        elif name in _PAUSES:  # a form for a person: no customer can fill it in
            said.person, said.ended = True, True
    return said


def _finish(said: Said, event: Mapping[str, Any]) -> None:
    data = event.get("data")
    status = data.get("status") if isinstance(data, Mapping) else ""
    if status in {"failed", "stopped"}:
        said.error, said.ended = {"code": f"workflow {status}"}, True


def _tokens(event: Mapping[str, Any]) -> int:
    metadata = event.get("metadata")
    usage = metadata.get("usage") if isinstance(metadata, Mapping) else None
    total = usage.get("total_tokens") if isinstance(usage, Mapping) else 0
    return total if isinstance(total, int) else 0


def _events(body: bytes) -> Iterator[Mapping[str, Any]]:
    for line in body.decode("utf-8", "replace").splitlines():
        if line.startswith("data:"):
            try:
                event = json.loads(line.removeprefix("data:").strip())
            except (ValueError, RecursionError):
                continue
            if isinstance(event, Mapping):
                yield event
