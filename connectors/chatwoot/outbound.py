"""From messages to steps. Pure. One message is one entry; delivery states are steps of their own."""

from collections.abc import Sequence
from typing import Any

from bridge.contract import (
    Audience,
    DeliveryState,
    Labels,
    Media,
    Message,
    Phrases,
    Progress,
    RenderContext,
    Step,
    files_in,
)

CREATE, SAY, REMARK, MARK, LABELS = "create", "say", "remark", "mark", "labels"
FILE_BYTES = 40 * 2**20  # https://github.com/chatwoot/chatwoot: app/models/attachment.rb
_FILES = 15  # of one message
_MOST = 150_000  # characters of one message
_SHOWN = {
    DeliveryState.ACCEPTED: "sent",
    DeliveryState.DELIVERED: "delivered",
    DeliveryState.READ: "read",
    DeliveryState.FAILED: "failed",
    DeliveryState.UNCONFIRMED: "failed",
}


def render(messages: Sequence[Message], context: RenderContext) -> list[Step]:
    """The first customer's message makes the conversation; private notes never do."""
    steps: list[Step] = []
    missing = context.conversation is None
    for message in messages:
        if any(not isinstance(part, Progress) for part in message.parts):
            verb = REMARK if message.audience is Audience.AGENTS else SAY
            if missing and verb == SAY:
                verb, missing = CREATE, False
            steps += _shown(message, verb, context)
        steps += _marks(message)
    return steps


def show(labels: Labels) -> Step:
    """One update of the conversation's labels and attributes."""
    body = {"tags": [label(tag) for tag in labels.tags], "prefix": label(labels.prefix), "fields": labels.fields}
    return Step(verb=LABELS, body=body, audience=Audience.AGENTS, cost=0)


def label(text: str) -> str:
    """Labels are lower case without blanks."""
    return "-".join(text.lower().split())


def _shown(message: Message, verb: str, context: RenderContext) -> list[Step]:
    phrases = Phrases(context.language)
    files = [media for part in message.parts for media, _ in files_in(part)]
    carried = [media for media in files if media.sha256 and (media.size or 0) <= FILE_BYTES][:_FILES]
    names = {id(media) for media in carried}

    def named(media: Media, kind: str) -> str:
        return "" if id(media) in names else phrases.file(media, kind, "large" if media.sha256 else "")

    text = phrases.message(message, named)
    if verb == CREATE and (way_in := phrases.way_in(context, [message])):
        text = f"{text}\n\n{way_in}".strip()
    text = text or ("" if carried else phrases.word("empty"))
    pieces = [text[start : start + _MOST] for start in range(0, len(text), _MOST)] or [""]
    steps = []
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        body: dict[str, Any] = {"text": piece, "language": phrases.language}
        steps.append(
            Step(
                verb=verb if number == 0 or verb != CREATE else SAY,
                body=body,
                media=tuple(carried) if last else (),
                covers=(message.id,),
                audience=message.audience,
            )
        )
    return steps


def _marks(message: Message) -> list[Step]:
    """A state that the desk has no sign for is said in a note."""
    steps = []
    for part in message.parts:
        if not isinstance(part, Progress) or not part.of.isdecimal():
            continue  # an id of another kind names one of the bridge's own notices
        status = _SHOWN.get(part.state)
        if status is None:
            if part.reason:
                step = Step(
                    verb=REMARK,
                    body={"text": part.reason, "language": "en"},
                    covers=(message.id,),
                    audience=Audience.AGENTS,
                    cost=0,
                )
                steps.append(step)
            continue
        error = part.reason if status == "failed" else ""
        body = {"of": part.of, "status": status, "error": error}
        steps.append(Step(verb=MARK, body=body, covers=(message.id,), audience=Audience.AGENTS, cost=0))
    if not steps and any(isinstance(part, Progress) for part in message.parts):
        steps.append(Step(verb=MARK, body={}, covers=(message.id,), audience=Audience.AGENTS, cost=0))
    return steps if any(isinstance(part, Progress) for part in message.parts) else []
