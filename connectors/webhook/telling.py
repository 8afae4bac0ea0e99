"""What a program that is a desk is told: one JSON object for each message. Pure.

`type` is `message` (the customer's words, or what a bot or a person said before), `note` (for agents only), `progress`
(how far one of the program's answers came) or `labels`.
"""

from collections.abc import Sequence
from typing import Any

from bridge.contract import (
    Audience,
    AuthorKind,
    Labels,
    Media,
    Message,
    Phrases,
    Progress,
    RenderContext,
    Step,
    Target,
    file_name,
    files_in,
)

MESSAGE, NOTE, PROGRESS, LABELS = "message", "note", "progress", "labels"
TYPES = frozenset({MESSAGE, NOTE, PROGRESS, LABELS})
_FROM = {AuthorKind.CUSTOMER: "customer", AuthorKind.AGENT: "agent", AuthorKind.BOT: "bot"}


def render(messages: Sequence[Message], context: RenderContext) -> list[Step]:
    """One step for each message, and one for each state of an answer."""
    steps = []
    for message in messages:
        states = [part for part in message.parts if isinstance(part, Progress)]
        if len(states) < len(message.parts) or not states:
            steps.append(_said(message, context))
        for part in states:
            body = {"of": part.of, "state": part.state.value, "reason": part.reason}
            steps.append(Step(verb=PROGRESS, body=body, covers=(message.id,), audience=Audience.AGENTS, cost=0))
    return steps


def show(labels: Labels) -> Step:
    """What the ticket should show: the tags it should have, and the beginning of those that should go."""
    body: dict[str, Any] = {"tags": list(labels.tags), "prefix": labels.prefix, "fields": dict(labels.fields)}
    if labels.priority:
        body["priority"] = labels.priority
    if labels.rating:
        body["rating"] = labels.rating
    return Step(verb=LABELS, body=body, audience=Audience.AGENTS, cost=0)


def _said(message: Message, context: RenderContext) -> Step:
    phrases = Phrases(context.language)
    found = [(media, kind) for part in message.parts for media, kind in files_in(part)]
    carried = [(media, kind) for media, kind in found if media.sha256]
    files = [
        {"kind": kind, "name": file_name(media), "mime": media.mime, "size": media.size or 0} for media, kind in carried
    ]
    at = f"{message.sent_at:%Y-%m-%dT%H:%M:%SZ}" if message.sent_at is not None else ""
    body = {
        "from": _FROM.get(message.author.kind, "system"),
        "at": at,
        "text": phrases.message(message) or phrases.word("empty"),
        "files": files,
    }
    return Step(
        verb=NOTE if message.audience is Audience.AGENTS else MESSAGE,
        body=body,
        media=tuple(media for media, _ in carried),
        covers=(message.id,),
        audience=message.audience,
    )


def ticket_of(target: Target) -> str:
    """A ticket's id is ours: stable, and another one where this ticket follows a finished one."""
    if target.conversation is not None:
        return target.conversation
    return f"{target.link}-{target.key[-12:]}" if target.previous else target.link


def letter(step: Step, target: Target) -> dict[str, Any]:
    """All of a request but its files' contents."""
    contact = target.contact
    customer = {
        name: value
        for name, value in contact.model_dump(
            include={"id", "name", "avatar", "email", "phone", "locale", "profile"}
        ).items()
        if value
    }
    return {
        "version": 1,
        "type": step.verb,
        "id": target.key,
        "ticket": ticket_of(target),
        "new": target.conversation is None,
        "previous": target.previous,
        "channel": target.channel,
        "customer": customer,
        "context": {name: value for name, value in target.context.items() if not name.startswith("_")},
        "fields": target.fields,
        **step.body,
    }


def fits(media: Media, limit: int) -> bool:
    """Whether a file goes into the request itself."""
    return 0 < (media.size or 0) <= limit
