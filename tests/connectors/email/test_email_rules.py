"""Tokens, threads, automatic mail, bounces and authenticity: the pure decisions."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.email import mime
from connectors.email.authenticity import result, why_untrusted
from connectors.email.automatic import Flow, is_helpdesk, why_automatic, why_doubtful
from connectors.email.bounce import plain_reason, read_bounce
from connectors.email.settings import EmailConfig
from connectors.email.subject import body_code, first_subject, own_tags, reply_subject, stem, ticket_tags
from connectors.email.thread import MEDIUM, PROOF, STRONG, chain, references, resolve, shorten
from connectors.email.token import ALPHABET, Own, Signer

SIGNER = Signer(b"k" * 32, "mailbox")
OTHER = Signer(b"o" * 32, "mailbox")
ELSEWHERE = Signer(b"k" * 32, "other-account")
conversations = st.text(alphabet=ALPHABET, min_size=13, max_size=13)
C, D = "0123456789abc", "zzzzzzzzzzzzz"


def mail(text: str):
    return mime.parse(text.encode())


# Tokens


@given(conversations, conversations)
def test_every_mark_of_ours_reads_back(conversation, letter):
    assert SIGNER.read_address(SIGNER.address_token(conversation)) == Own(conversation)
    assert SIGNER.read_address("bridge+" + SIGNER.address_token(conversation).upper()) == Own(conversation)
    assert SIGNER.read_address(SIGNER.bounce_token(conversation, letter)) == Own(conversation, letter)
    assert SIGNER.read_id(SIGNER.message_id(conversation, letter, "x.example")) == Own(conversation, letter)
    assert SIGNER.read_id(SIGNER.root(conversation, "x.example")) == Own(conversation)


@given(conversations, st.integers(0, 30), st.sampled_from(ALPHABET))
def test_no_character_of_a_token_can_be_changed(conversation, at, char):
    token = SIGNER.address_token(conversation)
    forged = token[:at] + char + token[at + 1 :]
    assert forged == token or SIGNER.read_address(forged) is None


@pytest.mark.parametrize("signer", [OTHER, ELSEWHERE])
def test_tokens_of_another_key_or_account_are_nobodys(signer):
    assert SIGNER.read_address(signer.address_token(C)) is None
    assert SIGNER.read_id(signer.message_id(C, D, "x")) is None
    assert SIGNER.read_id(signer.root(C, "x")) is None


def test_a_token_fits_an_address():
    assert len(SIGNER.address_token(C)) == 31
    assert len(SIGNER.bounce_token(C, D)) <= 64
    assert set(SIGNER.address_token(C)) <= set(ALPHABET)


@given(st.text(max_size=80))
def test_no_text_is_a_token_by_chance(text):
    assert SIGNER.read_address(text) is None
    assert SIGNER.read_id(text) is None


# Threads


async def known(kind: str, key: str) -> str:
    return {("id", "<foreign@x>"): D, ("tag", "[#12]"): D, ("tag", "[1g7eor-0q2j]"): D}.get((kind, key.lower()), "")


@pytest.mark.parametrize(
    "header",
    ["To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Forwarded-To"],
)
async def test_a_token_is_found_wherever_forwarding_leaves_it(header):
    found = await resolve(mail(f"{header}: B <bridge+{SIGNER.address_token(C)}@x.example>\n\n"), SIGNER, known)
    assert (found.conversation, found.strength) == (C, PROOF)


async def test_a_token_is_found_in_received_for():
    text = f"Received: from a by b for <bridge+{SIGNER.address_token(C)}@x.example>; Fri\n\n"
    assert (await resolve(mail(text), SIGNER, known)).conversation == C


async def test_all_ids_of_in_reply_to_are_looked_at():
    text = f"In-Reply-To: <a@x> <b@x>\n {SIGNER.message_id(C, D, 'x')}\n\n"  # Zendesk writes several
    assert (await resolve(mail(text), SIGNER, known)).conversation == C


async def test_a_foreign_id_seen_before_is_strong_and_a_ticket_tag_medium():
    assert (await resolve(mail("References: <q@x>,<foreign@x>\n\n"), SIGNER, known)).strength == STRONG
    assert (await resolve(mail("Subject: Re: [#12] x\n\n"), SIGNER, known)).strength == MEDIUM
    assert (await resolve(mail("Subject: x\n\n"), SIGNER, known, "text\n[1G7EOR-0Q2J]")).conversation == D
    assert not (await resolve(mail("Subject: Re: [#13] x\n\n"), SIGNER, known)).conversation


async def test_the_token_wins_over_other_keys_and_the_evidence_is_named():
    token = SIGNER.address_token(C)
    found = await resolve(mail(f"To: b+{token}@x.example\nReferences: <foreign@x>\nSubject: [#12]\n\n"), SIGNER, known)
    assert found.conversation == C
    assert found.evidence == ("address token",)
    assert not found.conflict
    two = f"To: b+{token}@x.example\nReferences: {SIGNER.root(D, 'x')}\n\n"
    assert (await resolve(mail(two), SIGNER, known)).conflict


def test_long_chains_keep_the_root_and_the_newest():
    assert shorten([str(n) for n in range(30)]) == ["0", *(str(n) for n in range(20, 30))]
    text = "Message-ID: <me@x>\nReferences: " + " ".join(f"<r{n}@x>" for n in range(20)) + "\n\n"
    found = chain(mail(text))
    assert found[0] == "<r0@x>"
    assert found[-1] == "<me@x>"
    assert len(references(mail(text))) == 20


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Re: RE: Fwd: x", "x"),
        ("回复：转发: 答复：x", "x"),
        ("Re[2]: AW: WG: SV: x", "x"),
        ("自动回复：x", "x"),
        ("[EXTERNAL] Re: 【外部邮件】x", "x"),
        ("Regarding: x", "Regarding: x"),
        ("", ""),
    ],
)
def test_prefixes_are_stripped(subject, expected):
    assert stem(subject) == expected


def test_a_helpdesks_tag_is_kept_as_it_came_and_no_prefix_is_added_twice():
    assert reply_subject("Re: 回复：[desk.test #12] Order") == "Re: [desk.test #12] Order"
    assert ticket_tags("Re: [desk.test #12] [#13] [Ticket#1400012] x") == [
        "[desk.test #12]",
        "[#13]",
        "[ticket#1400012]",
    ]
    assert body_code("x\n[1G7EOR-0Q2J]\n") == "[1G7EOR-0Q2J]"
    subject = first_subject("很长的话 " * 50, C)
    assert own_tags(subject) == [f"[c-{C[:8]}]"]
    assert len(subject) < 90


# Automatic mail

ZENDESK = "From: Agent (Acme) <support@desk.example>\nAuto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\nPrecedence: bulk\n"
ACKNOWLEDGED = {
    "rt": ("From: support@desk.example\nRT-Ticket: d #1\nPrecedence: bulk\nAuto-Submitted: auto-replied\n", "x"),
    "osticket": ("From: support@desk.example\nX-Autoreply: yes\nPrecedence: auto_reply\n", "x"),
    "zendesk": (ZENDESK, "Your request (35436) has been received and is being reviewed by our support staff."),
    "zendesk-zh": (ZENDESK, "您的请求 (35436) 已收到，正在由我们的支持人员审核。"),
    "freshdesk": (
        ZENDESK,
        "Dear A,\nWe would like to acknowledge that we have received your request and a ticket has been created.",
    ),
    "survey": (ZENDESK, "Hello A,\nWe'd love to hear what you think of our customer service."),
    "rt-resolved": (ZENDESK, "According to our records, your request has been resolved."),
    "django": (
        ZENDESK,
        "Hello,\n\nThis is a courtesy e-mail to let you know that we have received your helpdesk query",
    ),
}
MACHINES = (
    "Auto-Submitted: auto-replied",
    "Auto-Submitted: auto-generated (vacation)",
    "auto-submitted: AUTO-NOTIFIED; x",
    "Precedence: bulk",
    "Precedence: junk",
    "X-Precedence: auto_reply",
    "X-Autoreply: yes",
    "X-Autorespond: x",
    "X-AutoReply-From: x",
    "X-Autogenerated: Reply",
    "X-FC-Machinegenerated: true",
    "Return-Path: <>",
    "List-Id: <x>\nList-Unsubscribe: <https://x.example/u>",
    "List-Unsubscribe: <x>",
    "Feedback-ID: 1",
    "Subject: Out of Office: x",
    "Subject: 自动回复：您好",
    "Subject: [自动回复] 您好",
    "Subject: Abwesenheitsnotiz: x",
    "Subject: 不在办公室",
)


def held(found, flow: Flow, text: str = "x") -> str:
    return why_automatic(found, flow, text) or why_doubtful(found, flow, text)


@pytest.mark.parametrize("signal", MACHINES)
def test_any_signal_marks_a_customers_or_agents_own_mail(signal):
    found = mail(f"From: a@customer.example\n{signal}\n\nx")
    assert held(found, Flow.CUSTOMER)
    assert held(found, Flow.AGENT)  # an agent's out-of-office must not reach the customer


@pytest.mark.parametrize("sender", ["mailer-daemon", "postmaster", "no-reply", "noreply", "donotreply", "bounces+1"])
def test_machines_are_known_by_their_names(sender):
    assert held(mail(f"From: {sender}@x.example\n\nx"), Flow.CUSTOMER)


@pytest.mark.parametrize(
    "header", ["Auto-Submitted: no", "X-Auto-Response-Suppress: All", "X-Autoreply: no", "X-Mailer: x"]
)
def test_a_person_is_not_taken_for_a_machine(header):
    assert not held(mail(f"From: a@customer.example\n{header}\n\nx"), Flow.CUSTOMER)


def test_what_a_helpdesk_stamps_on_agents_answers_is_neutral():
    assert not why_automatic(mail(f"{ZENDESK}\nx"), Flow.HELPDESK, "Your parcel leaves tomorrow.")
    rt = mail("From: support@desk.example\nPrecedence: bulk\nRT-Ticket: d #1\n\nx")
    assert not why_automatic(rt, Flow.HELPDESK, "Your parcel leaves tomorrow.")


@pytest.mark.parametrize("name", ACKNOWLEDGED)
def test_what_a_helpdesk_says_by_itself_is_held_back(name):
    head, body = ACKNOWLEDGED[name]
    assert why_automatic(mail(f"{head}\n{body}"), Flow.HELPDESK, body)


def test_an_accounts_own_phrases_count():
    assert why_automatic(mail(f"{ZENDESK}\nx"), Flow.HELPDESK, "工单已归档", ["工单已归档"])


def test_helpdesk_software_is_known_by_address_or_header():
    assert is_helpdesk(mail("From: Support+id1@desk.example\n\n"), "support@desk.example")
    assert is_helpdesk(mail("From: a@desk.example\nX-Zendesk-From: 1\n\n"), "support@desk.example")
    assert not is_helpdesk(mail("From: a@desk.example\n\n"), "support@desk.example")


# Bounces


def report(action="failed", status="5.1.1", original=True, to="x@x.example") -> str:
    own = SIGNER.message_id(C, D, "bridge.example")
    return (
        f"From: MAILER-DAEMON@x\nTo: {to}\nSubject: Undelivered Mail\nContent-Type: multipart/report; boundary=b\n\n"
        "--b\nContent-Type: text/plain\n\nsorry\n--b\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@x\nAction: {action}\nStatus: {status}\n"
        f"Diagnostic-Code: smtp; 550 {status} other words\n\n--b\nContent-Type: text/rfc822-headers\n\n"
        + (f"Message-ID: {own}\n" if original else "Subject: x\n")
        + "\n--b--\n"
    )


def test_a_report_names_mail_action_and_reason():
    found = read_bounce(mail(report()), SIGNER)
    assert found is not None
    assert (found.action, found.status, found.own) == ("failed", "5.1.1", Own(C, D))
    assert found.reason == "the address does not exist (5.1.1)"
    assert read_bounce(mail(report(action="delayed", status="4.4.1")), SIGNER).action == "delayed"
    assert read_bounce(mail(report(status="5.9.9")), SIGNER).reason == "550 5.9.9 other words (5.9.9)"


def test_the_envelope_address_names_the_mail_when_the_report_does_not():
    address = f"bridge+{SIGNER.bounce_token(C, D)}@bridge.example"
    assert read_bounce(mail(report(original=False, to=address)), SIGNER).own == Own(C, D)
    assert read_bounce(mail(report(original=False)), SIGNER).own is None


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("From: postmaster@qq.com\nSubject: 系统退信", "您的邮件被退回，收件人不存在 550 5.1.1"),
        ("From: Postmaster@163.com\nSubject: 退信通知", "退信原因：5.2.2 mailbox full"),
        ("From: postmaster@x\nSubject: Undeliverable: x", "#550 5.1.1 RESOLVER.ADR.RecipNotFound"),
        ("From: a@x\nX-Failed-Recipients: b@x\nSubject: Mail delivery failed", "unknown user"),
    ],
)
def test_free_text_reports_are_known_by_our_id_in_their_words(head, body):
    own = SIGNER.message_id(C, D, "bridge.example")
    found = read_bounce(mail(f"{head}\n\n{body}\n{own}"), SIGNER)
    assert found is not None
    assert found.own == Own(C, D)
    assert found.action == "failed"


def test_a_forged_report_names_nothing_of_ours():
    forged = OTHER.message_id(C, D, "bridge.example")
    text = report(original=False).replace("Subject: x\n", f"Message-ID: {forged}\n")
    assert read_bounce(mail(text), SIGNER).own is None


def test_an_ordinary_mail_is_no_report():
    assert read_bounce(mail("From: a@x\nSubject: undelivered mail?\n\n550 5.1.1"), SIGNER) is None
    assert plain_reason("4.4.7").startswith("the network")
    assert plain_reason("5.2.2", "zh") == "收件邮箱已满"
    assert not plain_reason("2.0.0")


# Authenticity


def config(**more) -> EmailConfig:
    keys = {
        "kind": "email",
        "address": "bridge@bridge.example",
        "desk_address": "support@desk.example",
        "imap_url": "imaps://m.example",
        "smtp_url": "smtps://m.example",
        "trusted_senders": ["acme.example", "agent.a@home.example"],
    }
    return EmailConfig.model_validate(keys | more)


PASS = "Authentication-Results: mx.ours.example; dmarc=pass header.from=acme.example\n"


@pytest.mark.parametrize(
    ("text", "strict", "strength", "trusted"),
    [
        ("From: agent@acme.example", False, PROOF, True),
        ("From: support@desk.example", False, PROOF, True),
        ("From: support+id1G7@desk.example", False, PROOF, True),
        ("From: agent.a@home.example", False, PROOF, True),
        ("From: other@home.example", False, PROOF, False),
        ("From: a@evil.example", False, PROOF, False),
        ("From: a@acme.example.evil.example", False, PROOF, False),
        ("From: a@notacme.example", False, PROOF, False),
        ('From: "agent@acme.example" <a@evil.example>', False, PROOF, False),
        ("From: agent@acme.example, a@evil.example", False, PROOF, False),
        ("From: agent@acme.example\nFrom: a@evil.example", False, PROOF, False),
        ("X: 1", False, PROOF, False),
        ("From: bridge+x@bridge.example", False, PROOF, False),
        # without a finding that may be believed, a subject or a foreign id is no proof (S50)
        ("From: agent@acme.example", False, MEDIUM, False),
        ("From: agent@acme.example", False, STRONG, False),
        # a failing finding counts even when nobody named the server
        ("Authentication-Results: any; dmarc=fail\nFrom: agent@acme.example", False, PROOF, False),
        (
            "Authentication-Results: any; spf=fail smtp.mailfrom=acme.example\nFrom: agent@acme.example",
            False,
            PROOF,
            False,
        ),
        # with authserv_id: only its own, top-most, aligned pass
        (f"{PASS}From: agent@acme.example", True, PROOF, True),
        (f"{PASS}From: agent@acme.example", True, MEDIUM, True),
        ("From: agent@acme.example", True, PROOF, False),
        ("Authentication-Results: mx.evil.example; dmarc=pass\nFrom: agent@acme.example", True, PROOF, False),
        (f"Authentication-Results: mx.ours.example; dmarc=fail\n{PASS}From: agent@acme.example", True, PROOF, False),
        (f"Authentication-Results: other; dmarc=pass\n{PASS}From: agent@acme.example", True, PROOF, False),
        (
            "Authentication-Results: mx.ours.example; dkim=pass header.d=acme.example\nFrom: a@acme.example",
            True,
            PROOF,
            True,
        ),
        (
            "Authentication-Results: mx.ours.example; dkim=pass header.d=acme.example\nFrom: a@eu.acme.example",
            True,
            PROOF,
            False,
        ),
        (
            "Authentication-Results: mx.ours.example; dkim=pass header.d=evil.example\nFrom: a@acme.example",
            True,
            PROOF,
            False,
        ),
        (
            "Authentication-Results: mx.ours.example; dkim=pass header.d=example\nFrom: a@acme.example",
            True,
            PROOF,
            False,
        ),
        (
            "Authentication-Results: mx.ours.example; dkim=fail header.d=acme.example\nFrom: a@acme.example",
            True,
            PROOF,
            False,
        ),
        (
            "Authentication-Results: mx.ours.example; spf=pass smtp.mailfrom=acme.example\nFrom: a@acme.example",
            True,
            PROOF,
            False,
        ),
        ("Authentication-Results: mx.ours.example (dmarc=pass); dmarc=fail\nFrom: a@acme.example", True, PROOF, False),
    ],
)
def test_who_may_speak_for_an_agent(text, strict, strength, trusted):
    settings = config(authserv_id="mx.ours.example") if strict else config()
    assert (why_untrusted(mail(f"{text}\n\nx"), settings, strength) == "") is trusted


def test_a_verdict_with_comments_and_version_is_read():
    text = "Authentication-Results: mx.google.com 1;\n dkim=pass header.i=@acme.example header.s=s;\n dmarc=pass (p=NONE) header.from=acme.example\n\n"
    found = result(mail(text), "mx.google.com")
    assert found.dmarc == "pass"
    assert found.dkim_domains == ("acme.example",)


# Settings


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"address": "nobody"}, "plain mail address"),
        ({"imap_url": "http://x"}, "imaps://"),
        ({"imap_url": "imap://mail.example"}, "without TLS"),
        ({"smtp_url": "smtp://mail.example"}, "without TLS"),
        ({"imap_url": "imaps://u:secret@x"}, "password"),
        ({"smtp_url": "imaps://x"}, "smtp_url"),
        ({"desk_address": "Bridge+1@bridge.example"}, "our own address"),
        ({"trusted_senders": ["nonsense"]}, "domain"),
        ({"separator": "/"}, "one of"),
        ({"password": "x", "oauth": {"provider": "gmail", "client_id": "c"}}, "exclude"),
        ({"oauth": {"client_id": "c"}}, "token_url"),
        ({"oauth": {"client_id": "c", "token_url": "http://x.example"}}, "https"),
        ({"typo": 1}, "typo"),
    ],
)
def test_a_wrong_key_is_named(change, words):
    with pytest.raises(ValueError, match=words):
        config(**change)


def test_servers_are_read_from_their_urls():
    settings = config(imap_url="imaps://user%40x@imap.example:1993", smtp_url="smtp+starttls://smtp.example")
    assert (settings.imap.host, settings.imap.port, settings.imap.security, settings.imap.user) == (
        "imap.example",
        1993,
        "tls",
        "user@x",
    )
    assert (settings.smtp.port, settings.smtp.security, settings.smtp.user) == (
        587,
        "starttls",
        "bridge@bridge.example",
    )
    assert config(imap_url="imap://bridge@bridge.example@127.0.0.1").imap.user == "bridge@bridge.example"


def test_providers_have_their_addresses_and_scopes():
    google = config(oauth={"provider": "gmail", "client_id": "c"}).oauth
    assert google.address == "https://oauth2.googleapis.com/token"
    assert google.scopes == "https://mail.google.com/"
    microsoft = config(oauth={"provider": "microsoft", "client_id": "c", "tenant": "t"}).oauth
    assert microsoft.address == "https://login.microsoftonline.com/t/oauth2/v2.0/token"


def test_settings_go_through_json():
    settings = config()
    assert EmailConfig.model_validate(json.loads(settings.model_dump_json())) == settings
