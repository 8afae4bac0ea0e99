"""From messages to mails. Pure: one mail carries a whole burst; what cannot be attached is said in words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from bridge.contract import (
    Audience,
    Card,
    Choices,
    Contact,
    File,
    Format,
    Image,
    Location,
    Media,
    Message,
    Part,
    Phrases,
    Progress,
    RenderContext,
    Step,
    Text,
    Unsupported,
    Video,
    Voice,
)
from connectors.email.cut.html import readable, sanitise
from connectors.email.plain import to_lines

_MAX_TEXT = 200_000  # characters in one mail
_WORDS = {
    "en": {
        "large": "too large to attach",
        "note": "[note of the bridge, not written by the customer]",
        "attached": "see attachment",
        "empty": "(nothing that can be shown)",
    },
    "zh": {
        "large": "过大，未能附上",
        "note": "[来自桥接系统的说明，并非客户所写]",
        "attached": "见附件",
        "empty": "（没有可显示的内容）",
    },
}


@dataclass(slots=True)
class _Draft:
    texts: list[str] = field(default_factory=list)
    htmls: list[str] = field(default_factory=list)
    files: list[Media] = field(default_factory=list)
    covers: list[str] = field(default_factory=list)
    size: int = 0
    rich: bool = False


def render(messages: Sequence[Message], context: RenderContext, *, desk: bool, max_files: int) -> Sequence[Step]:
    """One step per mail. A burst shares one mail, files over `max_files` bytes start another. Notes stand below the
    customer's words, for a mail of their own would open a closed ticket again; only notes that are alone are a mail.
    """
    phrases = Phrases(context.language)
    steps: list[Step] = []
    said = [one for one in messages if one.audience is Audience.CUSTOMER]
    if desk and context.conversation is None and said:
        first = said[0].model_copy(update={"parts": (*said[0].parts, *_way_in(phrases, context, messages))})
        opened = [first if one is said[0] else one for one in messages]
        steps += render(opened, context.model_copy(update={"conversation": ""}), desk=desk, max_files=max_files)
        return [_entitled(steps[0], phrases, context, said), *steps[1:]]
    if desk and 0 < len(said) < len(messages):
        drafts = list(_drafts(said, phrases, max_files))
        for place, notes in _beside(messages, drafts).items():
            for draft in _drafts(notes, phrases, max_files):
                _append(drafts[place], draft, _WORDS[phrases.language]["note"])
        order = {message.id: number for number, message in enumerate(messages)}
        for draft in drafts:
            draft.covers.sort(key=order.__getitem__)
        return [_step(draft, Audience.CUSTOMER, context, desk=desk) for draft in drafts]
    for audience, group in groupby(messages, key=lambda message: message.audience):
        steps += [_step(draft, audience, context, desk=desk) for draft in _drafts(list(group), phrases, max_files)]
    return steps


def _beside(messages: Sequence[Message], drafts: Sequence[_Draft]) -> dict[int, list[Message]]:
    """Notes by the mail that they go along with: that of the words before them, else the first."""
    found: dict[int, list[Message]] = {}
    place = 0
    for message in messages:
        if message.audience is Audience.AGENTS:
            found.setdefault(place, []).append(message)
        else:
            place = max(number for number, draft in enumerate(drafts) if message.id in draft.covers)
    return found


def _way_in(phrases: Phrases, context: RenderContext, messages: Sequence[Message]) -> list[Text]:
    way_in = phrases.way_in(context, messages)
    return [Text(body=way_in)] if way_in else []


def _entitled(step: Step, phrases: Phrases, context: RenderContext, said: Sequence[Message]) -> Step:
    """A new ticket's subject says where the customer writes; who writes is the sender."""
    nameless = context.model_copy(update={"contact": Contact(id="")})
    return step.model_copy(update={"body": {**step.body, "about": phrases.subject(said, nameless, channel=True)}})


def _drafts(messages: list[Message], phrases: Phrases, max_files: int) -> Iterator[_Draft]:
    draft = _Draft()
    for message in messages:
        draft.covers.append(message.id)
        for part in message.parts:
            media = _media(part)
            size = (media.size or 0) if media and _attachable(media, max_files) else 0
            text = _text(part, phrases, attached=bool(size or (media and _attachable(media, max_files))))
            full = draft.size + size > max_files or sum(map(len, draft.texts)) + len(text) > _MAX_TEXT
            if full and (draft.texts or draft.files):
                yield draft
                draft = _Draft(covers=[message.id])
            if media and _attachable(media, max_files):
                draft.files.append(media)
                draft.size += size
            _add(draft, part, text)
    if draft.covers:
        yield draft


def _add(draft: _Draft, part: Part, text: str) -> None:
    if not text:
        return
    draft.texts.append(text)
    if isinstance(part, Text) and part.format is Format.HTML:
        html = sanitise(part.body)
        # what is not sent on as markup is said in words: nothing vanishes on the way
        draft.htmls.append(html if to_lines(html) == text else _escaped(text))
        draft.rich = True
    else:
        draft.htmls.append(_escaped(text))


def _append(draft: _Draft, notes: _Draft, title: str) -> None:
    """The bridge's remarks at the end of a customer's mail."""
    text = "\n\n".join(["-" * 40, title, *notes.texts])
    draft.texts.append(text)
    draft.htmls.append(_escaped(text))
    draft.files += notes.files
    draft.covers += notes.covers


def _step(draft: _Draft, audience: Audience, context: RenderContext, *, desk: bool) -> Step:
    words = _WORDS[Phrases(context.language).language]
    text = "\n\n".join(draft.texts)
    if audience is Audience.AGENTS and desk:
        text = f"{words['note']}\n\n{text}"
    if not text:  # some helpdesks refuse a mail without words
        names = ", ".join(media.name for media in draft.files if media.name)
        text = f"[{words['attached']}{': ' if names else ''}{names}]" if draft.files else words["empty"]
    body: dict[str, object] = {
        "text": text,
        "about": text[:200],
        "name": context.contact.name or context.contact.called,
    }
    if draft.rich and not (audience is Audience.AGENTS and desk):
        body["html"] = "".join(f"<div>{html}</div>" for html in draft.htmls)
    return Step(
        verb="mail", body=body, media=tuple(draft.files), covers=tuple(dict.fromkeys(draft.covers)), audience=audience
    )


def _media(part: Part) -> Media | None:
    return part.media if isinstance(part, Image | File | Voice | Video) else None


def _attachable(media: Media, max_files: int) -> bool:
    return bool(media.sha256) and not media.error and (media.size or 0) <= max_files


def _text(part: Part, phrases: Phrases, *, attached: bool) -> str:
    match part:
        case Text():
            return to_lines(readable(part.body)) if part.format is Format.HTML else part.body.strip("\n")
        case Image() | File() | Voice() | Video():
            return _file_words(part, phrases, attached=attached)
        case Card():
            lines = (part.title, part.description, part.url or " ".join(filter(None, (part.app, part.path))))
            return "\n".join(line for line in lines if line)
        case Location():
            page = f"https://www.openstreetmap.org/?mlat={part.latitude:.6f}&mlon={part.longitude:.6f}"
            return f"{phrases.words(part)}\n{page}"
        case Choices() | Unsupported():
            return phrases.words(part)
        case Progress():
            return f"[{part.state}] {part.reason}".strip()


def _file_words(part: Image | File | Voice | Video, phrases: Phrases, *, attached: bool) -> str:
    media = part.media
    if not attached:
        too_large = _WORDS[phrases.language]["large"] if not media.error else ""
        shown = phrases.file(media, part.kind, too_large)
    else:
        shown = phrases.file(media, part.kind) if isinstance(part, Voice | Video) and media.name else ""
    return "\n".join(line for line in (phrases.words(part), shown) if line)


def _escaped(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("\n", "<br>\n")
