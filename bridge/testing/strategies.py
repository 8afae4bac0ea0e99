"""Hypothesis strategies: whatever people can say, and payloads that time and networks have damaged."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Capabilities,
    Card,
    Contact,
    DeliveryState,
    File,
    Format,
    Image,
    Location,
    Media,
    Message,
    Part,
    Progress,
    RenderContext,
    Role,
    Status,
    Text,
    Unsupported,
    Video,
    Voice,
)

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
WORDS = (
    "hello",
    "order",
    "17",
    "你好",
    "退款",
    "Größe",
    "👍🏽",
    "a" * 40,
    "<b>",
    "&amp;",
    "{{x}}",
    "'\"",
    "https://acme.example/a?b=1",
)

_texts = st.one_of(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=30).map(" ".join),
    st.text(st.characters(codec="utf-8"), max_size=200),
    st.builds(lambda word, times: word * times, st.sampled_from(WORDS), st.integers(1, 2000)),
)
_formats = st.sampled_from(Format)
_names = st.sampled_from(("", "photo.jpg", "Rechnung März.pdf", "发票.pdf", "a\r\nBcc: x.txt", "x" * 300 + ".png"))
_captions = st.one_of(st.just(""), _texts)
_states = st.sampled_from(DeliveryState)
_ids = st.uuids().map(str)


@st.composite
def medias(draw: st.DrawFn, mimes: tuple[str, ...], account: str = "desk") -> Media:
    """A file as `render` sees it: in the store with its link, or with the reason why it could not be had."""
    mime, name, number = draw(st.sampled_from(mimes)), draw(_names), draw(st.integers(0, 10**6))
    if draw(st.integers(0, 9)) == 0:
        return Media(account=account, id=f"m{number}", mime=mime, name=name, error="the file has expired")
    digest = f"{number:064x}"
    return Media(
        account=account,
        id=f"m{number}",
        mime=mime,
        name=name,
        size=draw(st.sampled_from((0, 1, 70_000, 3 * 2**20, 30 * 2**20))),
        sha256=digest,
        url=f"https://bridge.example.com/media/{digest[-12:]}",
    )


_images = medias(("image/jpeg", "image/png", "image/gif", "image/webp", "image/heic"))
_voices = medias(("audio/amr", "audio/mpeg", "audio/silk", "audio/ogg"))
_videos = medias(("video/mp4", "video/quicktime"))
_files = medias(("application/pdf", "application/zip", "text/csv", "text/html", "application/octet-stream"))


def parts(*, progress: bool = False) -> st.SearchStrategy[Part]:
    """Every kind of part; `Progress` only for accounts that show it."""
    kinds: list[st.SearchStrategy[Part]] = [
        st.builds(Text, body=_texts, format=_formats),
        st.builds(Image, media=_images, caption=_captions),
        st.builds(Voice, media=_voices, transcript=_captions),
        st.builds(Video, media=_videos, thumb=st.none() | _images, caption=_captions),
        st.builds(File, media=_files, caption=_captions),
        st.builds(
            Card,
            title=_captions,
            description=_captions,
            url=st.sampled_from(("", "https://acme.example/p/1", "javascript:alert(1)")),
            app=st.sampled_from(("", "wx0123456789abcdef")),
            path=st.sampled_from(("", "pages/order?id=17")),
            thumb=st.none() | _images,
        ),
        st.builds(
            Location,
            latitude=st.floats(-90, 90, allow_nan=False),
            longitude=st.floats(-180, 180, allow_nan=False),
            label=_captions,
        ),
        st.builds(Unsupported, what=st.sampled_from(("sticker", "poll")), text=_captions),
    ]
    if progress:
        kinds.append(st.builds(Progress, of=_ids, state=_states, reason=_captions))
    return st.one_of(kinds)


def messages(role: Role, capabilities: Capabilities, conversation: str = "c1") -> st.SearchStrategy[list[Message]]:
    """What the engine may hand to `render` of an account of this role: customers' words go to desks, agents' to
    channels, the bridge's own notes to desks that have notes.
    """
    speaker = AuthorKind.CUSTOMER if role is Role.DESK else AuthorKind.AGENT
    author = st.builds(
        Author, kind=st.just(speaker), id=st.just("p1"), name=st.sampled_from(("", "Customer A", "顾客", "A <b> & Co."))
    )
    said = st.builds(
        Message,
        id=_ids,
        conversation=st.just(conversation),
        author=author,
        parts=st.lists(parts(progress=capabilities.delivery_status), min_size=1, max_size=4).map(tuple),
        sent_at=st.none() | st.just(NOW),
        subject=st.sampled_from(("", "Order 17", "Re:\r\nBcc: x")),
    )
    kinds = [said]
    if role is Role.DESK and capabilities.notes:
        kinds.append(
            st.builds(
                Message,
                id=_ids,
                conversation=st.just(conversation),
                author=st.just(Author(kind=AuthorKind.BRIDGE)),
                parts=st.builds(Text, body=_texts).map(lambda text: (text,)),
                audience=st.just(Audience.AGENTS),
            )
        )
    return st.lists(st.one_of(kinds), min_size=1, max_size=5, unique_by=lambda message: message.id)


def rooms(role: Role, capabilities: Capabilities, conversation: str = "c1") -> st.SearchStrategy[RenderContext]:
    """The place messages go to: a ticket or none yet at a desk, an open chat with some allowance at a channel."""
    desk = role is Role.DESK
    return st.builds(
        RenderContext,
        conversation=st.sampled_from((conversation, None)) if desk else st.just(conversation),
        status=st.sampled_from((Status.OPEN, Status.SOLVED)) if desk else st.just(Status.OPEN),
        contact=st.builds(
            Contact,
            id=st.just("p1"),
            name=st.sampled_from(("", "Customer A", "顾客")),
            email=st.sampled_from(("", "customer.a@acme.example")),
            locale=st.sampled_from(("", "zh_CN")),
        ),
        previous=st.sampled_from(("", "t0")) if desk else st.just(""),
        replies=st.integers(0, 5) if capabilities.window is not None else st.none(),
        until=st.just(NOW) if capabilities.window is not None else st.none(),
        language=st.sampled_from(("en", "zh")),
        now=st.just(NOW),
    )


def damaged(payload: bytes) -> st.SearchStrategy[bytes]:
    """The payload with something wrong: cut, overwritten, or JSON with a value of another type or none."""
    choices: list[st.SearchStrategy[bytes]] = [
        st.integers(0, len(payload)).map(lambda end: payload[:end]),
        st.tuples(st.integers(0, len(payload)), st.binary(max_size=12)).map(
            lambda spot: payload[: spot[0]] + spot[1] + payload[spot[0] + len(spot[1]) :]
        ),
        st.binary(max_size=200),
        st.sampled_from((b"", b"null", b"[]", b"{}", b"[" * 100_000, b"\xff\xfe", b'{"a":' * 5000, b"<xml></xml>")),
    ]
    try:
        value = json.loads(payload)
    except ValueError:
        return st.one_of(choices)
    places = list(_places(value))
    if places:
        choices += [_replaced(value, places)] * 4
    return st.one_of(choices)


_ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**70,
    1.5,
    "",
    "x",
    "\x00",
    "9" * 400,
    [],
    {},
    [None],
    [[]],
    {"id": None},
    ...,
)


def _replaced(value: Any, places: list[tuple[Any, ...]]) -> st.SearchStrategy[bytes]:
    def make(choice: tuple[tuple[Any, ...], Any]) -> bytes:
        place, odd = choice
        copy = json.loads(json.dumps(value))
        inside = copy
        for step in place[:-1]:
            inside = inside[step]
        if odd is ...:
            del inside[place[-1]]
        else:
            inside[place[-1]] = odd
        return json.dumps(copy, ensure_ascii=False).encode()

    return st.tuples(st.sampled_from(places), st.sampled_from(_ODD)).map(make)


def _places(value: Any, here: tuple[Any, ...] = ()) -> Any:
    """The path of every value inside a JSON document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, part in inside:
        yield (*here, step)
        yield from _places(part, (*here, step))
