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
    Location,
    Media,
    Message,
    Progress,
    RenderContext,
    Step,
    Text,
    Unsupported,
    Video,
    Voice,
    to_plain,
)
from connectors.webchat.text import clean_page

_WORDS = {
    "en": {"lost": "could not be passed on", "empty": "[message without text]", "place": "Location", "page": "page"},
    "zh": {"lost": "未能转发", "empty": "[无文字内容的消息]", "place": "位置", "page": "页面"},
}
_KINDS = {Image: "image", Voice: "voice", Video: "video", File: "file"}


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
        body = {"marks": [{"of": mark.of, "state": mark.state.value, "reason": mark.reason} for mark in shown]}
        steps.append(Step(verb="progress", body=body, covers=(message.id,), audience=message.audience, cost=1))
    return steps


def _shown(message: Message, context: RenderContext) -> Step:
    words = _WORDS.get(context.language, _WORDS["en"])
    content = _Content(words)
    for part in message.parts:
        content.add(part)
    body: dict[str, Any] = {
        "text": "\n".join(content.lines) or ("" if content.files or content.cards else words["empty"]),
        "from": {"kind": _speaker(message), "name": message.author.name},
    }
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

    def __init__(self, words: dict[str, str]) -> None:
        self._words = words
        self.lines: list[str] = []
        self.media: list[Media] = []
        self.files: list[dict[str, Any]] = []
        self.cards: list[dict[str, Any]] = []

    def add(self, part: Any) -> None:
        match part:
            case Text():
                self._say(to_plain(part.body, part.format))
            case Image() | Voice() | Video() | File():
                self._file(part.media, _KINDS[type(part)])
                self._say(part.transcript if isinstance(part, Voice) else part.caption)
            case Card():
                self._card(part)
            case Location():
                where = f"{part.latitude:.6f}, {part.longitude:.6f}"
                self._say(f"[{self._words['place']}] {part.label} ({where})".replace("]  (", "] ("))
            case Unsupported():
                self._say(f"[{part.what}] {part.text}".strip())
            case _:
                pass

    def _say(self, text: str) -> None:
        text = text.replace("\r\n", "\n").strip("\n")
        if text.strip():
            self.lines.append(text)

    def _file(self, media: Media, kind: str) -> None:
        if not media.sha256:
            self._say(f"[{kind}: {' '.join(media.name.split())}] {self._words['lost']}".replace(": ]", "]"))
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
