"""How what people send is said in words, in English and Chinese: parts, files, a ticket's subject, the way in. Pure.

`Phrases(context.language)` gives the words; what is said to a vendor in a format of its own (HTML, cards) is yours.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.contract.callbacks import RenderContext
from bridge.contract.messages import (
    Audience,
    Card,
    Choices,
    File,
    Image,
    Location,
    Media,
    Message,
    Part,
    Progress,
    Text,
    Unsupported,
    Video,
    Voice,
)
from bridge.contract.names import line_of
from bridge.contract.plaintext import to_plain

_TEXTS = {
    "en": {
        "image": "image",
        "voice": "voice message",
        "video": "video",
        "file": "file",
        "thumbnail": "thumbnail",
        "card": "card",
        "location": "location",
        "page": "page",
        "session_from": "came from",
        "entry_page": "page",
        "page_path": "page",
        "title": "title",
        "referrer": "referrer",
        "scene": "scene",
        "menu": "menu",
        "business_id": "business",
        "previous": "[continues ticket #{id}]",
        "new": "New conversation",
        "empty": "[message without text]",
        "missing": "could not be fetched",
        "follows": "follows as soon as it can be fetched",
        "behind": "follows in a moment",
        "unknown": "unknown reason",
        "large": "too large for the ticket",
        "refused": "not accepted by the helpdesk",
    },
    "zh": {
        "image": "图片",
        "voice": "语音",
        "video": "视频",
        "file": "文件",
        "thumbnail": "缩略图",
        "card": "卡片",
        "location": "位置",
        "page": "页面",
        "session_from": "来源",
        "entry_page": "页面",
        "page_path": "页面",
        "title": "标题",
        "referrer": "来源网页",
        "scene": "场景",
        "menu": "菜单",
        "business_id": "商户",
        "previous": "[接续工单 #{id}]",
        "new": "新会话",
        "empty": "[无文字内容的消息]",
        "missing": "无法获取",
        "follows": "暂未取得，取得后会自动补发",
        "behind": "稍后补发",
        "unknown": "原因不明",
        "large": "过大，未能附在工单上",
        "refused": "工单系统不接受该文件",
    },
}
_MARKS = {"en": (": ", ", "), "zh": ("：", "，")}  # between a name and what it names; between what is listed
_PLACED = {"en": "{name} ({place})", "zh": "{name}（{place}）"}
_ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "image/webp": "webp",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "video/mp4": "mp4",
    "application/pdf": "pdf",
    "text/plain": "txt",
    "application/octet-stream": "bin",
}


@dataclass(frozen=True)
class Phrases:
    """The words of one language; English for a language that has none. `Phrases("zh_CN")` is Chinese."""

    language: str = "en"

    def __post_init__(self) -> None:
        object.__setattr__(self, "language", "zh" if self.language.lower().startswith("zh") else "en")

    def word(self, name: str) -> str:
        """How a kind of part, a field of the context or a remark is called; a name that is not known stays itself."""
        return _TEXTS[self.language].get(name, name)

    def part(self, part: Part, file: Callable[[Media, str], str] | None = None) -> str:
        """All of a part, with a line for each of its files. `file(media, kind)` says one in another way than `file`."""
        files = [(file or self.file)(media, kind) for media, kind in files_in(part)]
        words = self.words(part)
        return "\n".join(filter(None, [words, *files] if isinstance(part, Card) else [*files, words]))

    def words(self, part: Part) -> str:
        """What a part says besides its files: captions, transcripts, cards, places, and what has no shape here."""
        colon, _ = _MARKS[self.language]
        match part:
            case Text():
                return to_plain(part.body, part.format)
            case Image() | File() | Video():
                return part.caption
            case Voice():
                return part.transcript
            case Card():
                page = part.path and f"{self.word('page')}{colon}{part.path}"
                return "\n".join(filter(None, (f"[{self.word('card')}]", part.title, part.description, part.url, page)))
            case Location():
                place = f"{_degrees(part.latitude)}, {_degrees(part.longitude)}"
                return " ".join(filter(None, (f"[{self.word('location')}]", part.label, place)))
            case Choices():
                return part.plain or "\n".join((part.text, *(f"· {option}" for option in part.options)))
            case Unsupported():
                return part.words.get(self.language) or f"[{part.what}] {part.text}".strip()
            case Progress():
                return ""

    def message(self, message: Message, file: Callable[[Media, str], str] | None = None) -> str:
        """All parts of a message, each on lines of its own."""
        return "\n".join(filter(None, (self.part(part, file) for part in message.parts)))

    def file(self, media: Media, kind: str, why: str = "") -> str:
        """A file that stands beside the text, or why it does not. With `why` ("large", "refused" or words of yours)
        the bridge's own link stands in for it.
        """
        colon, comma = _MARKS[self.language]
        kind = self.word(kind)
        if not media.sha256:
            missing = colon.join(filter(None, (self.word("missing"), self.word(media.error))))
            return f"[{kind}{colon}{line_of(media.name) or kind}{comma}{missing}]"
        if why:
            return f"[{kind}{colon}{file_name(media)}{comma}{self.word(why)}] {media.url}".strip()
        return f"[{kind}{colon}{file_name(media)}]"

    def subject(
        self, messages: Sequence[Message], context: RenderContext, limit: int = 120, *, channel: bool = False
    ) -> str:
        """A new ticket's name: who writes, and the customer's own subject or first words; never a note's. With
        `channel` it says where they write, for desks that have no tags to show it.
        """
        colon, _ = _MARKS[self.language]
        said = [message for message in messages if message.audience is not Audience.AGENTS]
        given = next((message.subject for message in said if message.subject.strip()), "")
        parts = (part for message in said for part in message.parts)
        line = first_line(given) or first_line("\n".join(map(self._headline, parts)))
        name = line_of(context.contact.name or context.contact.called)[:60]
        if channel and context.channel:
            place = line_of(context.channel)[:40]
            name = _PLACED[self.language].format(name=name, place=place) if name else place
        return (f"{name}{colon}{line}" if name and line else name or line or self.word("new"))[:limit]

    def _headline(self, part: Part) -> str:
        """What a subject says of a part: of a card its title, for that it is a card says nothing."""
        return (isinstance(part, Card) and (part.title or part.description)) or self.part(part)

    def way_in(self, context: RenderContext, said: Sequence[Message] = ()) -> str:
        """What is known of the customer's way in, and the ticket this one follows: a line each, for the agent, once.
        What a card or subject of `said` (the messages beside it) shows already is not said again.

        Names that begin with `_` are the channel's own.
        """
        colon, _ = _MARKS[self.language]
        known = {place for message in said for part in message.parts for place in _places(part)}
        known |= {message.subject for message in said}  # it is the ticket's already
        lines = []
        for key, value in context.context.items():
            if value and value not in known and not key.startswith("_"):
                known.add(value)
                lines.append(f"[{self.word(key)}{colon}{value}]")
        if context.previous:
            lines.append(self.word("previous").format(id=context.previous))
        return "\n".join(lines)


def _places(part: Part) -> tuple[str, ...]:
    return (part.title, part.url, part.path) if isinstance(part, Card) else ()


def words_of(message: Message) -> str:
    """What was said, as far as it is words: texts, what a voice message was heard to say, captions, a card's title."""
    found = []
    for part in message.parts:
        match part:
            case Text():
                found.append(to_plain(part.body, part.format))
            case Voice():
                found.append(part.transcript)
            case Card():
                found.append(part.title)
            case Image() | File() | Video():
                found.append(part.caption)
            case Choices() | Unsupported():
                found.append(part.text)
            case _:
                pass
    return "\n".join(filter(None, found))


def files_in(part: Part) -> list[tuple[Media, str]]:
    """A part's files, each with the kind under which `Phrases` names it."""
    match part:
        case Image() | File() | Voice():
            return [(part.media, part.kind)]
        case Video():
            return [(part.media, part.kind), *([(part.thumb, "thumbnail")] if part.thumb else [])]
        case Card():
            return [(part.thumb, "thumbnail")] if part.thumb else []
        case _:
            return []


def file_name(media: Media) -> str:
    """A file's name with an ending that fits its content, without folders, quotes or hidden characters: agents'
    browsers go by it, and it stands in headers and URLs.
    """
    name = line_of(media.name.replace("/", "_").replace("\\", "_")).replace('"', "'")
    stem, dot, ending = name.rpartition(".")
    if dot and not stem and ending in _ENDINGS.values():
        stem = media.sha256[:8] or "file"
    if dot and stem:
        return f"{stem[:150]}.{ending[:20]}"
    mime = media.mime.partition(";")[0].strip().lower()
    ending = _ENDINGS.get(mime) or re.sub(r"[^a-z0-9]", "", mime.rpartition("/")[2])[:10] or "bin"
    return f"{name[:150] or media.sha256[:8] or 'file'}.{ending}"


def first_line(text: str) -> str:
    """The first line that says something."""
    return next((line for line in map(line_of, text.splitlines()) if line), "")


def _degrees(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def english_words() -> tuple[str, ...]:
    """Pieces that only a text in English has, as `Phrases` writes them: for tests of other languages."""
    kinds = ("image", "voice", "video", "file", "thumbnail", "card", "location")
    english = Phrases("en")
    return (
        *(f"[{spoken}{end}" for kind in kinds for spoken in (english.word(kind), kind) for end in (":", "]", " ")),
        *(english.word(name) for name in ("missing", "session_from", "new", "empty", "large", "refused", "unknown")),
        "continues ticket",
        "page: ",
    )
