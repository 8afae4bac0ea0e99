"""What a mail means. Pure: the envelope holds all that stored state had to say."""

from collections.abc import Sequence
from email.message import Message as Mail

from bridge.contract import (
    Audience,
    Author,
    AuthorKind,
    Contact,
    DeliveryState,
    Event,
    Malformed,
    Message,
    MessageReceived,
    Part,
    Raw,
    ReceiptReceived,
    Text,
    Unsupported,
)
from connectors.email import mime
from connectors.email.authenticity import result, why_untrusted
from connectors.email.automatic import Flow, is_helpdesk, is_report, why_automatic, why_doubtful
from connectors.email.bounce import Bounce, read_bounce
from connectors.email.content import Content, read
from connectors.email.envelope import Envelope, load
from connectors.email.settings import EmailConfig
from connectors.email.subject import stem
from connectors.email.token import Signer

_MAX_RECEIVED = 25
_STATES = {"failed": DeliveryState.FAILED, "delayed": DeliveryState.HELD, "delivered": DeliveryState.DELIVERED}


def normalise(raw: Raw, config: EmailConfig, account: str, signer: Signer, language: str = "en") -> Sequence[Event]:
    """The events of one mail. Raises Malformed, with what to do, for mails that must wait for a person."""
    try:
        envelope = load(raw.payload)
        mail = mime.parse(envelope.mail)
        return _events(raw, mail, envelope, config, account, signer, language)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Malformed(f"this mail cannot be read ({type(error).__name__}); its raw form is kept") from None


def _events(  # noqa: PLR0913 - what a mail was found to be
    raw: Raw, mail: Mail, envelope: Envelope, config: EmailConfig, account: str, signer: Signer, language: str
) -> Sequence[Event]:
    if envelope.own:
        return ()
    if not envelope.mail.strip() or not mail.keys():
        raise Malformed("this mail has no headers")
    bounce = read_bounce(mail, signer, language)
    if bounce:
        return _receipt(bounce, signer, config)
    if is_report(mail):
        return ()  # a read receipt
    if len(mime.headers(mail, "Received")) > _MAX_RECEIVED and not raw.released:
        raise Malformed(f"this mail passed more than {_MAX_RECEIVED} servers: a mail loop")
    content = read(mail, envelope, account, config.delimiters)
    if config.is_desk:
        return (_from_desk(raw, mail, envelope, content, config),)
    return (_from_customer(raw, mail, envelope, content, config),)


def _receipt(bounce: Bounce, signer: Signer, config: EmailConfig) -> Sequence[Event]:
    if bounce.own is None:
        raise Malformed(f"a delivery report that names none of our mails ({bounce.reason or 'no reason given'})")
    state = _STATES.get(bounce.action)
    if state is None:
        return ()
    message = signer.message_id(bounce.own.conversation, bounce.own.mail, config.domain)
    reason = bounce.reason if state is not DeliveryState.DELIVERED else ""
    return (ReceiptReceived(conversation=bounce.own.conversation, message=message, state=state, reason=reason),)


def _from_desk(raw: Raw, mail: Mail, envelope: Envelope, content: Content, config: EmailConfig) -> Event:
    untrusted = why_untrusted(mail, config, envelope.strength)
    if not envelope.conversation:
        raise Malformed(f"no conversation is named by this mail's address, references or subject{_and(untrusted)}")
    if untrusted:
        raise Malformed(untrusted)
    flow = Flow.HELPDESK if is_helpdesk(mail, config.desk_address) else Flow.AGENT
    name, address = mime.addresses(mail, "From")[0]
    author = Author(kind=AuthorKind.AGENT, id=address, name=name)
    reason = why_automatic(mail, flow, content.text, config.acknowledgements)
    if envelope.echo:
        reason = "it repeats what the customer wrote"
    if not reason and not content.parts:
        reason = "no new text"
    if reason:
        return _aside(raw.key, mail, envelope, content, reason)
    doubt = envelope.held or why_doubtful(mail, flow, content.text)
    if doubt and not raw.released:
        raise Malformed(f"held back as automatic: {doubt}. When a person wrote it, replay it")
    message = _message(raw.key, mail, envelope, content.parts, author)
    return MessageReceived(message=message.model_copy(update={"omitted": content.omitted}))


def _from_customer(raw: Raw, mail: Mail, envelope: Envelope, content: Content, config: EmailConfig) -> Event:
    name, address = next(iter(mime.addresses(mail, "Reply-To", "From")), ("", ""))
    if not address:
        raise Malformed("this mail names no sender")
    if config.is_own(address):
        raise Malformed(f"this mail claims to come from our own address {address}")
    if not envelope.conversation:
        raise Malformed("this mail was stored without its conversation")
    reason = why_automatic(mail, Flow.CUSTOMER, content.text) or why_doubtful(mail, Flow.CUSTOMER, content.text)
    reason = reason or envelope.held
    if reason and not raw.released:
        raise Malformed(f"held back as automatic: {reason}. When a person wrote it, replay it")
    parts = content.parts or (Text(body=mime.header(mail, "Subject") or "(empty mail)"),)
    if envelope.stranger:
        parts = (Text(body=f"[{name or address} <{address}>]"), *parts)
    judged = result(mail, config.authserv_id)
    sender_domain = address.rpartition("@")[2]
    proof = (
        "verified" if judged.server and judged.aligned(sender_domain) else "failed" if judged.failed else "unverified"
    )
    contact = Contact(id=address, name=name, email=address, extra={"sender": proof})
    author = Author(kind=AuthorKind.CUSTOMER, id=address, name=name)
    message = _message(raw.key, mail, envelope, parts, author).model_copy(update={"omitted": content.omitted})
    return MessageReceived(
        message=message, contact=None if envelope.stranger else contact, context={"subject": message.subject}
    )


def _aside(key: str, mail: Mail, envelope: Envelope, content: Content, reason: str) -> Event:
    """For agents and admins only: shown, never sent on, answered or counted."""
    note = Unsupported(what="not passed on", text=reason)
    author = Author(kind=AuthorKind.SYSTEM, name=mime.header(mail, "From")[:200])
    message = _message(key, mail, envelope, (note, *content.parts), author)
    return MessageReceived(message=message.model_copy(update={"audience": Audience.AGENTS}))


def _message(key: str, mail: Mail, envelope: Envelope, parts: Sequence[Part], author: Author) -> Message:
    return Message(
        id=key.removeprefix("mid:"),
        conversation=envelope.conversation,
        author=author,
        parts=tuple(parts),
        sent_at=mime.date(mail) or envelope.at,
        reply_to=next(iter(mime.ids(mime.header(mail, "In-Reply-To"))), ""),
        subject=stem(mime.header(mail, "Subject"))[:500],
    )


def _and(reason: str) -> str:
    return f"; also, {reason}" if reason else ""
