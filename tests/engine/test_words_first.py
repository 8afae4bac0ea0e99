"""Messages with words and files, on the way to a desk: the words never share a request with a file that may take long."""

import pytest

from bridge.contract import Author, AuthorKind, Capabilities, Card, File, Image, Media, Message, Part, Text
from bridge.engine.outbound import accessories

PNG = Media(account="shop", id="1", sha256="5" * 64, mime="image/png", size=700, name="a.png")


@pytest.mark.parametrize("opening", [False, True])
def test_words_never_share_a_request_with_a_file(opening: bool) -> None:
    said = [
        message("1", Text(body="before"), Image(media=PNG, caption="under it"), Text(body="after")),
        message("2", Image(media=PNG)),
        message("3", Card(title="Order 17", path="p", thumb=PNG)),
        message("4", Text(body="lost"), File(media=PNG.model_copy(update={"sha256": "", "error": "expired"}))),
    ]
    runs, behind = accessories.apart(said, Capabilities(), "en", opening=opening)
    names = [[one.id for one in run] for run in runs]
    if opening:
        assert names == [["1", "2", "3", "4"]]
        assert [one.id for one in behind] == ["1+files", "2+files", "3+files"]
        assert runs[0][1].parts == (Text(body="[image: follows in a moment]"),) and "a.png" in runs[0][1].subject
    else:
        assert names == [["1"], ["1+files", "2"], ["3"], ["3+files"], ["4"]] and not behind
        assert [part.body for part in runs[0][0].parts if isinstance(part, Text)] == ["before", "under it", "after"]


def test_large_files_go_apart_where_they_are_uploaded_beforehand() -> None:
    large = PNG.model_copy(update={"size": 9_000_000})
    said = [message("1", Text(body="see"), Image(media=PNG)), message("2", Text(body="film"), Image(media=large))]
    runs, _ = accessories.apart(said, Capabilities(uploads_apart=True), "en", opening=False)
    assert [[one.id for one in run] for run in runs] == [["1", "2"], ["2+files"]]


def message(identifier: str, *parts: Part) -> Message:
    author = Author(kind=AuthorKind.CUSTOMER, id="c", name="C")
    return Message(id=identifier, conversation="c", author=author, parts=parts)
