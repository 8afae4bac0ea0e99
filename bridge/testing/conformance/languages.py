"""What the bridge itself adds to people's words stands in the language of the configuration."""

import json

from bridge.contract import (
    Card,
    File,
    Image,
    Location,
    Media,
    MessageReceived,
    Part,
    RenderContext,
    Role,
    Text,
    Unsupported,
    Video,
    Voice,
)
from bridge.contract.phrases import english_words
from bridge.testing.conformance.builders import CUSTOMER, said, target_for
from bridge.testing.conformance.case import ConnectorCase

_LOST = Media(account="other", id="1", mime="application/pdf", name="7", error="unknown")
_HERE = Media(account="other", id="2", mime="image/jpeg", name="8.jpg", sha256="ab" * 32, size=9, url="https://b/8")
_SPOKEN: tuple[Part, ...] = (
    Text(body="你好"),
    Image(media=_LOST),
    Voice(media=_LOST),
    Video(media=_LOST, thumb=_LOST),
    File(media=_HERE),
    Card(title="订单", path="pages/7", thumb=_LOST),
    Location(latitude=31.2, longitude=121.5),
    Unsupported(what="sticker", words={"zh": "[表情]"}),
)


class Languages(ConnectorCase):
    """A desk whose agents read Chinese shows Chinese."""

    def test_chinese_tickets_are_chinese(self) -> None:
        context = RenderContext(
            contact=CUSTOMER if self.role is Role.DESK else target_for(self.role, "c1", key="k")[0].contact,
            conversation=None if self.role is Role.DESK else "c1",
            context={"page": "pages/7", "session_from": "首页"} if self.role is Role.DESK else {},
            previous="17" if self.role is Role.DESK else "",
            language="zh",
            replies=None if self.role is Role.DESK else 20,
        )
        steps = self.isolated().render([said(self.role, *_SPOKEN, conversation="c1")], context)
        text = json.dumps([step.body for step in steps], ensure_ascii=False)
        left = [word for word in english_words() if word in text]
        assert not left, f"with language = zh these words are English: {left} in {text}"

    def test_what_has_no_shape_is_named_in_both_languages(self) -> None:
        """Words of the connector's own, English in `what` and `text`, have their Chinese in `words`."""
        for raw in self.samples:
            for event in self.isolated().normalise(raw):
                if isinstance(event, MessageReceived):
                    for part in event.message.parts:
                        spoken = isinstance(part, Unsupported) and " " in part.what
                        assert not spoken or part.words.get("zh"), f"{part} is said in English only"  # type: ignore[union-attr] # `spoken` says so
