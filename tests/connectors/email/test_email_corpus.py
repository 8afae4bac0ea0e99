"""Every mail of the corpus gives what stands beside it."""

import mail_corpus as corpus
import pytest

from bridge.contract import File, Image, Malformed, MessageReceived, Raw, Text, Video, Voice
from connectors.email import mime
from connectors.email.envelope import Envelope, facts
from connectors.email.inbound import normalise
from connectors.email.settings import EmailConfig
from connectors.email.token import Signer

SAMPLES = corpus.everything()
CHANNEL = EmailConfig(
    kind="email", address="bridge@bridge.example", imap_url="imaps://mail.example", smtp_url="smtps://mail.example"
)
SIGNER = Signer(b"k" * 32, "mailbox")


def read(raw: bytes) -> MessageReceived:
    mail = mime.parse(raw)
    envelope = Envelope(raw, sha256="f" * 64, size=len(raw), conversation="c" * 13, parts=facts(mail))
    (event,) = normalise(Raw(key="mid:<c1@customer.example>", payload=envelope.dump()), CHANNEL, "mailbox", SIGNER)
    assert isinstance(event, MessageReceived)
    return event


def text_of(event: MessageReceived) -> str:
    return "\n".join(part.body for part in event.message.parts if isinstance(part, Text))


def test_there_are_enough_mails_and_no_name_twice():
    names = [sample.name for sample in SAMPLES]
    assert len(names) == len(set(names)) > 500


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.text is not None], ids=lambda sample: sample.name)
def test_a_mail_gives_its_text_and_files(sample):
    event = read(sample.raw)
    assert text_of(event) == sample.text
    files = [part.media.name for part in event.message.parts if isinstance(part, File | Image | Video | Voice)]
    assert tuple(files) == sample.files


@pytest.mark.parametrize("sample", [s for s in SAMPLES if s.text is None], ids=lambda sample: sample.name)
@pytest.mark.timeout(20)  # a stall would take minutes
def test_a_hostile_mail_is_read_or_set_aside(sample):
    try:
        event = read(sample.raw)
    except Malformed:
        return
    assert event.message.parts
    assert event.model_dump_json().encode()  # fits into a database


@pytest.mark.parametrize(("name", "raw", "expected"), corpus.SUBJECTS, ids=[row[0] for row in corpus.SUBJECTS])
def test_a_subject_is_readable(name, raw, expected):
    assert read(corpus.mail(b"x", subject=raw)).message.subject == expected


def test_an_interleaved_html_answer_keeps_both_voices():
    for name in ("gmail", "apple", "netease", "proton"):
        page = corpus.HTML[name].format("Hello") + "<p>And this below.</p>"
        said = text_of(read(corpus.mail(page.encode(), kind="text/html")))
        assert "Hello" in said
        assert "old" in said
        assert "And this below." in said
