"""A customer's message as RT's mail gateway takes it."""

from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from bridge.contract import Contact
from connectors.rt.api import Upload
from connectors.rt.text import address, message_id

_PLAIN = str.maketrans(dict.fromkeys('"<>\\@,\r\n\x00', " "))


def sender(contact: Contact, domain: str) -> Address:
    """The customer's own address with their name, which RT takes over for a new requestor."""
    return Address(
        " ".join((contact.name or contact.called).translate(_PLAIN).split()), addr_spec=address(contact.id, domain)
    )


def compose(text: str, files: Sequence[Upload], who: Address, key: str, *, subject: str) -> bytes:
    """A mail from the customer in 7 bit, the same at every attempt. Its Message-ID carries the step's key."""
    message = EmailMessage(policy=SMTP)
    message["From"] = who
    message["Subject"] = " ".join(subject.split())
    message["Message-ID"] = message_id(key, who.domain)
    # as bytes: as a text its line ends would be changed
    message.set_content(text.encode(), maintype="text", subtype="plain", params={"charset": "utf-8"})
    for name, data, mime in files:
        kind, _, subtype = mime.partition(";")[0].strip().partition("/")
        message.add_attachment(data, maintype=kind or "application", subtype=subtype or "octet-stream", filename=name)
    if message.is_multipart():
        message.set_boundary(f"=_{key}")  # a random one would make each attempt differ; base64 cannot contain it
    return message.as_bytes()
