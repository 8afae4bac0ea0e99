"""A simulated Zendesk's objects as JSON, with the keys that real answers have."""

from typing import Any

from connectors.zendesk.simulator.state import Attachment, Audit, Comment, Row, Ticket, User

API = {"channel": "api", "source": {"from": {}, "to": {}, "rel": None}}
WEB = {"channel": "web", "source": {"from": {}, "to": {}, "rel": None}}
RULE = {"channel": "rule", "source": {"from": {"id": 1, "title": "Close"}, "to": {}, "rel": "automation"}}


class Views:
    """`base` is the account's origin as it stands in answers."""

    def __init__(self) -> None:
        self.base = ""
        self.shows_comment_metadata = True

    def user(self, user: User) -> Row:
        return {
            "id": user.id,
            "url": f"{self.base}/api/v2/users/{user.id}.json",
            "name": user.name,
            "email": user.email,
            "created_at": user.created,
            "updated_at": user.updated,
            "time_zone": "Etc/UTC",
            "iana_time_zone": "Etc/UTC",
            "phone": None,
            "locale": "en-US",
            "organization_id": None,
            "role": user.role,
            "verified": False,
            "external_id": user.external_id,
            "tags": [],
            "active": user.active,
            "shared": False,
            "details": user.details,
            "notes": None,
            "role_type": 4 if user.role == "admin" else None,
            "only_private_comments": user.only_private_comments,
            "restricted_agent": user.role == "end-user",
            "suspended": user.suspended,
            "user_fields": {},
        }

    def ticket(self, ticket: Ticket, *, generated: bool = True) -> Row:
        fields = [{"id": key, "value": value} for key, value in ticket.custom_fields.items()]
        return {
            "url": f"{self.base}/api/v2/tickets/{ticket.id}.json",
            "id": ticket.id,
            "external_id": ticket.external_id,
            "via": ticket.via,
            "created_at": ticket.created,
            "updated_at": ticket.updated,
            "generated_timestamp": int(ticket.generated) if generated else 0,
            "type": None,
            "subject": ticket.subject,
            "raw_subject": ticket.subject,
            "description": ticket.comments[0].text if ticket.comments else "",
            "priority": ticket.priority,
            "status": "deleted" if ticket.deleted else ticket.status,
            "recipient": None,
            "requester_id": ticket.requester,
            "submitter_id": ticket.submitter,
            "assignee_id": ticket.assignee,
            "organization_id": None,
            "group_id": ticket.group,
            "collaborator_ids": [],
            "follower_ids": [],
            "email_cc_ids": [],
            "problem_id": None,
            "has_incidents": False,
            "is_public": ticket.is_public,
            "due_at": None,
            "tags": list(ticket.tags),
            "custom_fields": fields,
            "fields": fields,
            "satisfaction_rating": ticket.rating,
            "custom_status_id": 11,
            "followup_ids": list(ticket.followups),
            "ticket_form_id": 12,
            "brand_id": ticket.brand,
            "allow_channelback": False,
            "allow_attachments": True,
            "from_messaging_channel": False,
        }

    def attachment(self, attachment: Attachment) -> Row:
        url = f"{self.base}/attachments/token/{attachment.token}/?name={attachment.name}"
        return {
            "url": f"{self.base}/api/v2/attachments/{attachment.id}.json",
            "id": attachment.id,
            "file_name": attachment.name,
            "content_url": url,
            "mapped_content_url": url,
            "content_type": attachment.mime,
            "size": len(attachment.data),
            "width": None,
            "height": None,
            "inline": attachment.inline,
            "deleted": attachment.deleted,
            "malware_access_override": False,
            "malware_scan_result": attachment.scan,
            "thumbnails": [],
        }

    def comment(self, comment: Comment, *, inline: bool = False) -> Row:
        files = [self.attachment(file) for file in comment.attachments if inline or not file.inline]
        return {
            "id": comment.id,
            "type": "Comment",
            "author_id": comment.author,
            "body": comment.text,
            "html_body": comment.html,
            "plain_body": comment.text,
            "public": comment.public,
            "attachments": files,
            "audit_id": comment.audit,
            "via": comment.via,
            "created_at": comment.created,
            "metadata": {"system": {}, "custom": comment.custom} if self.shows_comment_metadata else None,
        }

    def audit(self, audit: Audit) -> Row:
        return {
            "id": audit.id,
            "ticket_id": audit.ticket,
            "created_at": audit.created,
            "author_id": audit.author,
            "metadata": {"system": {"client": "simulated", "ip_address": "192.0.2.1"}, "custom": audit.custom},
            "events": audit.events,
            "via": audit.via,
        }

    def comment_event(self, comment: Comment) -> Row:
        row = self.comment(comment)
        return {name: row[name] for name in _EVENT} | {"type": "Comment"}


_EVENT = ("id", "author_id", "body", "html_body", "plain_body", "public", "attachments", "audit_id")


def page_of(rows: list[Row], name: str, query: Any, base: str) -> Row:
    """One page: by cursor when `page[size]` or `page[after]` is given, else by number.

    As recorded, cursors are filled even where nothing follows.
    """
    if "page[size]" in query or "page[after]" in query:
        size = min(100, int(query.get("page[size]") or 100))
        start = int(query.get("page[after]") or 0)
        cut = rows[start : start + size]
        more = start + size < len(rows)
        meta = {"has_more": more, "after_cursor": str(start + len(cut)), "before_cursor": str(start)}
        return {name: cut, "meta": meta, "links": {"next": f"{base}?page[after]={start + len(cut)}", "prev": None}}
    size = min(100, int(query.get("per_page") or 100))
    number = int(query.get("page") or 1)
    cut = rows[(number - 1) * size : number * size]
    following = f"{base}?page={number + 1}&per_page={size}" if number * size < len(rows) else None
    return {name: cut, "count": len(rows), "next_page": following, "previous_page": None}
