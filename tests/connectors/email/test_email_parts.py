"""Charsets, headers and files beyond what the corpus shows."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.email import mime
from connectors.email.charset import decode
from connectors.email.composition import ending
from connectors.email.envelope import Envelope, facts, key_of, load, slim
from connectors.email.tnef import SIGNATURE, unpack


@given(
    st.binary(max_size=400),
    st.sampled_from(["", "gb2312", "utf-7", "x-nonsense", "iso-2022-jp", "hz", "\x00", "rot13", "base64"]),
)
def test_any_bytes_become_text_that_a_database_takes(data, label):
    text, used = decode(data, label)
    text.encode()
    assert used


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=60), st.sampled_from(["utf-8", "gb18030"])
)
def test_what_was_encoded_honestly_is_decoded(text, charset):
    assert decode(text.encode(charset), charset)[0] == text


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_mail(raw):
    mail = mime.parse(raw)
    mime.leaves(mail)
    mime.date(mail)
    mime.addresses(mail, "From", "To")
    assert key_of(mail, raw)


@given(st.text(max_size=200))
def test_no_file_name_leaves_its_folder(name):
    clean = mime.clean_name(name)
    assert "/" not in clean
    assert "\\" not in clean
    assert clean not in {".", ".."}
    assert len(clean.encode("utf-8", "replace")) <= 120


def test_ids_are_found_without_blanks_and_with_commas():
    assert mime.ids("<a@x>,<b@x><c@x> <d@x>\n <e@x>") == ["<a@x>", "<b@x>", "<c@x>", "<d@x>", "<e@x>"]


def test_a_comma_inside_an_encoded_name_makes_no_second_address():
    mail = mime.parse(b"From: =?utf-8?Q?a=2C_b_=3Cx=40evil.example=3E?= <a@x.example>\n\n")
    assert [address for _, address in mime.addresses(mail, "From")] == ["a@x.example"]


def test_a_key_is_the_message_id_and_else_what_the_mail_says():
    assert key_of(mime.parse(b"Message-ID: <a@x>\n\n1"), b"1") == "mid:<a@x>"
    first, second = b"Message-ID: <no-at>\n\n1", b"\n2"
    assert key_of(mime.parse(first), first).startswith("sha256:")
    assert key_of(mime.parse(first), first) != key_of(mime.parse(second), second)


def test_a_large_mail_is_stored_without_its_files_and_reads_the_same():
    import mail_corpus as corpus

    raw = corpus.multipart(
        "multipart/mixed",
        corpus.part("text/plain; charset=utf-8", corpus.ZH.encode()),
        corpus.part("image/png", b"\x89PNG" + bytes(500_000), b"Content-Disposition: attachment; filename=a.png\r\n"),
        b"Content-Type: message/rfc822\r\n\r\n" + corpus.mail(b"inner" * 50_000),
    )
    mail = mime.parse(raw)
    known = facts(mail)
    small = slim(mail, raw)
    assert len(small) < 5_000
    before, after = mime.leaves(mime.parse(raw)), mime.leaves(mime.parse(small))
    assert [(leaf.number, leaf.kind, leaf.name) for leaf in before] == [
        (leaf.number, leaf.kind, leaf.name) for leaf in after
    ]
    assert after[0].text_body.strip() == corpus.ZH
    assert known["2"]["size"] == 500_004


def test_an_envelope_reads_back():
    envelope = Envelope(
        b"From: a@x\r\n\r\n\xff", conversation="c", evidence=("address token",), parts={"1": {"size": 3}}
    )
    assert load(envelope.dump()) == envelope


def tnef(*files: tuple[str, bytes, str]) -> bytes:
    """A winmail.dat as Outlook writes it: MS-OXTNEF 2.1, attachment attributes only."""

    def attribute(level: int, tag: int, value: bytes) -> bytes:
        return struct.pack("<BII", level, tag, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)

    def long_name(name: str) -> bytes:
        data = name.encode("utf-16-le") + b"\0\0"
        padded = data + b"\0" * (-len(data) % 4)
        return struct.pack("<IHHII", 1, 0x1F, 0x3707, 1, len(data)) + padded

    out = struct.pack("<IH", SIGNATURE, 1)
    for short, data, name in files:
        out += attribute(2, 0x00069002, bytes(14)) + attribute(2, 0x00018010, short.encode("gbk") + b"\0")
        out += attribute(2, 0x0006800F, data)
        out += attribute(2, 0x00069005, long_name(name)) if name else b""
    return out


def test_outlooks_packet_is_opened():
    found = unpack(tnef(("INVOIC~1.PDF", b"%PDF-1", "发票 2026.pdf"), ("short.txt", b"text", "")))
    assert [(file.name, file.data) for file in found] == [("发票 2026.pdf", b"%PDF-1"), ("short.txt", b"text")]


@pytest.mark.parametrize("cut", [0, 3, 6, 20, 40, 60])
def test_a_broken_packet_gives_what_can_be_read(cut):
    assert isinstance(unpack(tnef(("a.txt", b"text", "long.txt"))[:cut]), list)


@given(st.binary(max_size=300))
def test_no_packet_raises(data):
    unpack(struct.pack("<IH", SIGNATURE, 1) + data)


@pytest.mark.parametrize(
    ("mime_type", "expected"), [("image/jpeg", ".jpg"), ("image/png", ".png"), ("audio/amr", ".amr"), ("x/unknown", "")]
)
def test_a_file_without_a_name_gets_the_ending_of_its_type(mime_type, expected):
    assert ending(mime_type) == expected
