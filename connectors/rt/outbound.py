"""From messages to steps. Pure."""

from collections.abc import Sequence
from itertools import groupby

from bridge.contract import Audience, Labels, Message, RenderContext, Status, Step
from connectors.rt.text import body_of, files_of, first_line

_MOST = 40_000  # characters of one correspondence
LABELS = "labels"
_CONTEXT = {"session_from": "came from", "page": "page", "entry_page": "page", "page_path": "page"}


def render(messages: Sequence[Message], context: RenderContext) -> list[Step]:
    """A burst is one correspondence; private notes stay apart. The first one makes the ticket."""
    steps: list[Step] = []
    missing = context.conversation is None
    for audience, group in groupby(messages, key=lambda message: message.audience):
        for part in _portions(list(group)):
            verb = "comment" if audience is Audience.AGENTS else "correspond"
            if missing and audience is Audience.CUSTOMER:
                verb, missing = "create", False
            steps.append(_step(verb, part, context, audience))
    return steps


def show(labels: Labels) -> Step | None:
    """RT itself has no tags: what has a custom field is shown, and nothing else."""
    if not labels.fields:
        return None
    return Step(verb=LABELS, body={"fields": dict(labels.fields)}, audience=Audience.AGENTS)


def _portions(messages: list[Message]) -> list[list[Message]]:
    portions: list[list[Message]] = [[]]
    size = 0
    for message in messages:
        length = len(body_of([message]))
        if portions[-1] and size + length > _MOST:
            portions.append([])
            size = 0
        portions[-1].append(message)
        size += length
    return portions


def _step(verb: str, messages: list[Message], context: RenderContext, audience: Audience) -> Step:
    body = {"text": body_of(messages)}
    if verb == "create":
        body["subject"] = _subject(messages, context)
        body["text"] = "\n\n".join(filter(None, (body["text"], _where_from(context))))
    if verb == "correspond" and context.status is Status.SOLVED:
        body["status"] = "open"
    return Step(
        verb=verb,
        body=body,
        media=files_of(messages),
        covers=tuple(message.id for message in messages),
        audience=audience,
    )


def _subject(messages: list[Message], context: RenderContext) -> str:
    given = next((message.subject for message in messages if message.subject), "")
    line = given or first_line(messages)
    name = context.contact.name
    return f"{name}: {line}" if name and line else name or line or "New conversation"


def _where_from(context: RenderContext) -> str:
    """What is known of the customer's way in, and the ticket this one follows: for the agent, once."""
    lines = [f"[{_CONTEXT.get(key, key)}: {value}]" for key, value in context.context.items() if value]
    if context.previous:
        lines.append(f"[continues ticket #{context.previous}]")
    return "\n".join(lines)
