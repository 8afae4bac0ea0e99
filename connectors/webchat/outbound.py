"""Messages as steps. Pure. One message is one entry on a screen, so one step; marks of progress are steps of their own.

`say` goes to a visitor; `comment` and `note` go onto a ticket; `progress` goes to whoever wrote the message it names.
"""

from collections.abc import Sequence
from typing import Any

from bridge.contract import (
    Audience,
    AuthorKind,
    Card,
    File,
    Image,
    Labels,
    Media,
    Message,
    Phrases,
    Progress,
    RenderContext,
    Step,
    Text,
    Video,
    Voice,
)
from connectors.webchat.text import clean_page


def render(messages: Sequence[Message], context: RenderContext) -> list[Step]:
    """Steps in order; each message is covered by the one that shows it."""
    return [step for message in messages for step in _steps(message, context)]


def show(labels: Labels) -> Step:
    """How many replies are left, as tags of the ticket in place of earlier ones of their kind."""
    body = {"tags": list(labels.tags), "prefix": labels.prefix}
    return Step(verb="labels", body=body, audience=Audience.AGENTS, cost=0)


def _steps(message: Message, context: RenderContext) -> list[Step]:
    marks = [part for part in message.parts if isinstance(part, Progress)]
    steps = []
    if len(marks) < len(message.parts):
        steps.append(_shown(message, context))
    # an id with a colon names one of the bridge's own notices: there is nothing on any screen to mark
    shown = [mark for mark in marks if ":" not in mark.of]
    if shown:
        body = {"marks": [_mark(mark) for mark in shown]}
        steps.append(Step(verb="progress", body=body, covers=(message.id,), audience=message.audience, cost=1))
    return steps


def _mark(mark: Progress) -> dict[str, Any]:
    shown: dict[str, Any] = {"of": mark.of, "state": mark.state.value, "reason": mark.reason}
    return {**shown, "words": dict(mark.words)} if mark.words else shown


def _shown(message: Message, context: RenderContext) -> Step:
    phrases = Phrases(context.language)
    content = _Content(phrases)
    for part in message.parts:
        content.add(part)
    body: dict[str, Any] = {
        "text": "\n".join(content.lines) or ("" if content.files or content.cards else phrases.word("empty")),
        "from": {"kind": _speaker(message), "name": message.author.name},
    }
    if words := [part.words for part in message.parts if isinstance(part, Text) and part.words]:
        body["words"] = {context.language[:2]: body["text"], **words[0]}
    if content.files:
        body["files"] = content.files
    if content.cards:
        body["cards"] = content.cards
    if message.sent_at is not None:
        body["at"] = message.sent_at.isoformat()
    if message.subject:
        body["subject"] = " ".join(message.subject.split())[:200]
    return Step(
        verb=_verb(message),
        body=body,
        media=tuple(content.media),
        covers=(message.id,),
        audience=message.audience,
    )


def _verb(message: Message) -> str:
    if message.audience is Audience.AGENTS:
        return "note"
    return "comment" if message.author.kind is AuthorKind.CUSTOMER else "say"


def _speaker(message: Message) -> str:
    if message.author.kind in {AuthorKind.BRIDGE, AuthorKind.SYSTEM}:
        return "bot"
    return "agent" if message.author.kind is AuthorKind.AGENT else "customer"


class _Content:
    """A message's parts, gathered: lines of text, files (by their place in `media`), cards."""

    def __init__(self, phrases: Phrases) -> None:
        self._phrases = phrases
        self.lines: list[str] = []
        self.media: list[Media] = []
        self.files: list[dict[str, Any]] = []
        self.cards: list[dict[str, Any]] = []

    def add(self, part: Any) -> None:
        match part:
            case Image() | Voice() | Video() | File():
                self._file(part.media, part.kind)
                self._say(self._phrases.words(part))
            case Card():
                self._card(part)
            case _:
                self._say(self._phrases.words(part))

    def _say(self, text: str) -> None:
        text = text.replace("\r\n", "\n").strip("\n")
        if text.strip():
            self.lines.append(text)

    def _file(self, media: Media, kind: str) -> None:
        if not media.sha256:
            self._say(self._phrases.file(media, kind))
            return
        self.files.append({"place": self._place(media), "kind": kind})

    def _card(self, card: Card) -> None:
        found: dict[str, Any] = {"title": card.title, "text": card.description}
        if card.url.startswith(("https://", "http://")):
            found["url"] = card.url
        if card.path:
            found["path"] = card.path
        if card.thumb is not None and card.thumb.sha256:
            found["thumb"] = self._place(card.thumb)
        self.cards.append(found)

    def _place(self, media: Media) -> int:
        self.media.append(media)
        return len(self.media) - 1


def subject_of(step: Step, context: dict[str, str]) -> str:
    """How a new ticket is called in the list: what was said first."""
    text = step.body.get("subject") or step.body.get("text") or context.get("title") or clean_page(context.get("page"))
    return " ".join(str(text).split())[:120]
