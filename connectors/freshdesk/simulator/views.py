"""What a simulated Freshdesk shows of its records, with the keys that its documentation shows."""

from collections.abc import Callable
from typing import Any

from connectors.freshdesk.simulator.state import Agent, Attachment, Contact, Conversation, State, Ticket, stamp, text_of

Address = Callable[[Attachment], str]


def show_ticket(state: State, ticket: Ticket, address: Address, *, full: bool, include: str = "") -> dict[str, Any]:
    """A ticket; lists leave the description out unless it is asked for."""
    shown: dict[str, Any] = {
        "cc_emails": [],
        "fwd_emails": [],
        "reply_cc_emails": [],
        "email_config_id": ticket.fields.get("email_config_id"),
        "group_id": ticket.fields.get("group_id"),
        "priority": ticket.fields.get("priority", 1),
        "requester_id": ticket.requester,
        "responder_id": ticket.fields.get("responder_id"),
        "source": ticket.fields.get("source", 2),
        "company_id": ticket.fields.get("company_id"),
        "status": ticket.status,
        "subject": ticket.subject,
        "id": ticket.id,
        "type": ticket.fields.get("type"),
        "to_emails": None,
        "product_id": ticket.fields.get("product_id"),
        "fr_escalated": False,
        "spam": ticket.spam,
        "is_escalated": False,
        "created_at": stamp(ticket.created),
        "updated_at": stamp(ticket.updated),
        "due_by": None,
        "fr_due_by": None,
        "custom_fields": ticket.custom,
        "tags": ticket.tags,
    }
    if ticket.deleted:
        shown["deleted"] = True
    if full or "description" in include:
        shown |= {
            "description": ticket.description,
            "description_text": text_of(ticket.description),
            "structured_description": None,
        }
    if full:
        shown["attachments"] = [show_file(file, address) for file in ticket.files]
    if "requester" in include:
        contact = state.contacts[ticket.requester]
        wanted = ("id", "name", "email", "mobile", "phone")
        shown["requester"] = {name: value for name, value in show_contact(contact).items() if name in wanted}
    if "conversations" in include:
        shown["conversations"] = [show_conversation(ticket, said, address) for said in ticket.conversations[:10]]
    return shown


def show_conversation(ticket: Ticket, said: Conversation, address: Address) -> dict[str, Any]:
    return {
        "body": said.body if said.structured is None else None,
        "body_text": text_of(said.body) if said.structured is None else None,
        "structured_body": said.structured,
        "id": said.id,
        "incoming": said.incoming,
        "private": said.private,
        "user_id": said.user,
        "support_email": None,
        "source": said.source,
        "ticket_id": ticket.id,
        "created_at": stamp(said.created),
        "updated_at": stamp(said.updated),
        "from_email": None,
        "to_emails": [],
        "cc_emails": [],
        "bcc_emails": [],
        "attachments": [show_file(file, address) for file in said.files],
        "last_edited_at": stamp(said.edited),
        "last_edited_user_id": said.edited_by,
    }


def show_file(file: Attachment, address: Address) -> dict[str, Any]:
    return {
        "id": file.id,
        "content_type": file.mime,
        "size": len(file.data),
        "name": file.name,
        "attachment_url": address(file),
        "created_at": stamp(file.created),
        "updated_at": stamp(file.created),
    }


def show_contact(contact: Contact) -> dict[str, Any]:
    names = ("address", "email", "mobile", "phone", "job_title", "language", "time_zone", "twitter_id")
    return {
        "active": False,
        **{name: contact.fields.get(name) for name in names},
        "description": contact.fields.get("description"),
        "unique_external_id": contact.fields.get("unique_external_id"),
        "contact_type": "contact",
        "deleted": contact.deleted,
        "view_all_tickets": False,
        "id": contact.id,
        "name": contact.name,
        "custom_fields": contact.fields.get("custom_fields", {}),
        "tags": contact.fields.get("tags", []),
        "other_emails": [],
        "other_companies": [],
        "created_at": stamp(contact.created),
        "updated_at": stamp(contact.updated),
    }


def show_agent(agent: Agent) -> dict[str, Any]:
    return {
        "available": agent.available,
        "occasional": False,
        "id": agent.id,
        "ticket_scope": agent.scope,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "type": "support_agent",
        "group_ids": [],
        "role_ids": [1],
        "contact": {"active": True, "email": agent.email, "name": agent.name, "language": "en"},
    }
