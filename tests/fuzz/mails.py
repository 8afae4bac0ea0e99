"""Mails that hardly anybody would send."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from bridge.contract import Raw
from connectors.email.intake import Fetched
from tests.connectors.email.mail_rig import make_rig

_WORDS = [
    "=?utf-8?b?4oKs?=", "=?unicode-escape?q?\\ud800?=", "=?x?y?z?=", "=?utf-8?q?=ED=A0=80?=", "a\tb", "\x00", "\xff\xfe", "x" * 3000,
    "Customer <a@acme.example>", "<>", "a@b, c@d;", "(" * 200, '"' * 9, "Re: [#1]", "=?utf-8?b?" + "A" * 900,
]  # fmt: skip
_CHARSETS = [
    "unicode-escape",
    "utf-8",
    "utf-7",
    "idna",
    "punycode",
    "hex",
    "zip",
    "rot13",
    "gb18030",
    "utf-16",
    "nonsense",
    "\xff",
    "",
]
_TYPES = [
    "text/plain",
    "text/html",
    "image/png",
    "message/rfc822",
    "message/delivery-status",
    "application/octet-stream",
    "x",
    "multipart/mixed",
]
_CODINGS = ["base64", "quoted-printable", "8bit", "uuencode", "nonsense", ""]


def mail(random: Random, depth: int = 0) -> bytes:
    """One mail, or a part of one."""
    names = [
        "From",
        "To",
        "Subject",
        "Message-ID",
        "In-Reply-To",
        "References",
        "Date",
        "Auto-Submitted",
        "Reply-To",
        "X",
    ]
    head = (
        [f"{name}: {random.choice(_WORDS)}" for name in random.sample(names, random.randrange(len(names)))]
        if not depth
        else []
    )
    charset, kind = random.choice(_CHARSETS), random.choice(_TYPES)
    boundary = random.choice(["b", "b" * 80, "", "b b"])
    file = random.choice(
        ["", f'; name="{random.choice(_WORDS)}"', f"; name*={charset}''%ff%00", "; name*0=a; name*1*=b%zz"]
    )
    if random.random() < 0.5 and depth < 6:
        inner = b"".join(
            b"--" + boundary.encode() + b"\r\n" + mail(random, depth + 1) + b"\r\n" for _ in range(random.randrange(4))
        )
        head.append(
            f'Content-Type: {random.choice(["multipart/mixed", "multipart/alternative", "multipart/x"])}; boundary="{boundary}"'
        )
        body = inner + b"--" + boundary.encode() + b"--\r\n"
    else:
        head.append(f'Content-Type: {kind}; charset="{charset}"{file}')
        head.append(
            f'Content-Disposition: {random.choice(["attachment", "inline", "x"])}; filename="{random.choice(_WORDS)}"'
        )
        body = random.choice(
            [
                b"hello",
                b"\\ud800",
                b"<" * 3000,
                b"<b>x" * 300,
                b"> " * 900,
                random.randbytes(300),
                b"=ED=A0=80",
                b"====",
                b"",
            ]
        )
    head.append(f"Content-Transfer-Encoding: {random.choice(_CODINGS)}")
    return "\r\n".join(head).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


@asynccontextmanager
async def box() -> AsyncIterator[tuple[Callable[[bytes], Awaitable[Raw]], Callable[[Raw], Any]]]:
    """How a mail is taken, and how it is read."""
    async with make_rig(role="channel") as rig:
        intake = rig.box._reader.intake

        async def take(data: bytes) -> Raw:
            return await intake.take(Fetched(data, size=len(data)))

        yield take, rig.box.normalise
