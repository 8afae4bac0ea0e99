"""How a simulated Zendesk creates, changes, merges and redacts tickets."""

import re
from html import escape
from typing import Any

from bridge.contract import Format, to_plain
from connectors.zendesk.simulator.state import (
    KNOWN_KEYS,
    Audit,
    Comment,
    Refuse,
    Row,
    State,
    Ticket,
    User,
    invalid,
    not_found,
    number,
)
from connectors.zendesk.simulator.views import API, RULE, WEB, Views

STATUSES = ("new", "open", "pending", "hold", "solved", "closed")
_PRIORITIES = {None, "low", "normal", "high", "urgent"}
_CUT = 65_536  # bytes of a body; what is longer is cut without a word
_PLACEHOLDER = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
_LIQUID = re.compile(r"\{%.*?%\}")
_UNSAFE = re.compile(r"<(script|style)\b.*?</\1\s*>|<script\b[^>]*>", re.IGNORECASE | re.DOTALL)


class Tickets:
    """The rules of tickets. `changed` collects (ticket, what) for the triggers."""

    def __init__(self, state: State, views: Views) -> None:
        self._state = state
        self._views = views
        self.most_comments = 5000
        self.light_agent_refused = False
        self.refuses_assignees = False  # nobody is in the group any more
        self.changed: list[tuple[Ticket, Row]] = []
        self.warned = ""

    def create(self, fields: Row, actor: User, *, via: Row = API) -> tuple[Ticket, Audit]:
        self._warn(fields)
        now = self._state.now()
        requester = self._requester(fields, actor)
        submitter = self._person(fields, "submitter_id") or actor
        ticket = Ticket(
            id=self._state.next_ticket_id(), subject="", requester=requester.id, submitter=submitter.id, status="new",
            created=now, updated=now, generated=self._state.clock().timestamp(), via=dict(via),
        )  # fmt: skip
        comment = fields.get("comment") or ({"body": fields["description"]} if fields.get("description") else None)
        if not isinstance(comment, dict) or not (comment.get("body") or comment.get("html_body")):
            raise invalid("comment", "cannot be blank", "BlankValue")
        ticket.is_public = comment.get("public", True) is not False
        self._set(ticket, fields, creating=True)
        followed = self._follow_up(ticket, fields)
        ticket.subject = str(fields.get("subject") or str(comment.get("body") or "")[:80])
        audit = self._audit(ticket, actor, via, fields)
        self._add_comment(ticket, comment, audit, submitter if "submitter_id" in fields else requester, via)
        for name in ("subject", "requester_id", "tags", "status", "priority", "group_id"):
            value = {"requester_id": str(ticket.requester), "group_id": ticket.group and str(ticket.group)}.get(
                name, getattr(ticket, name, None)
            )
            if value:
                audit.events.append({"id": self._state.next_id(), "type": "Create", "value": value, "field_name": name})
        self._state.tickets[ticket.id] = ticket
        if followed is not None:
            followed.followups.append(ticket.id)
        self.changed.append((ticket, {"update_type": "Create", "comment": comment.get("public", True), "status": None}))
        return ticket, audit

    def update(self, ticket: Ticket, fields: Row, actor: User, *, via: Row = API) -> Audit:
        self._warn(fields)
        if ticket.status == "closed":
            raise invalid("status", "closed prevents ticket update")
        if fields.get("updated_stamp") and "safe_update" in fields and fields["updated_stamp"] != ticket.updated:
            text = "Safe Update prevented the update due to outdated ticket data. Please fetch the latest ticket data."
            raise Refuse(409, {"error": "UpdateConflict", "description": text})
        comment = fields.get("comment")
        if isinstance(comment, dict) and len(ticket.comments) >= self.most_comments:
            raise invalid("base", f"Ticket has reached the maximum of {self.most_comments} comments", "TooManyComments")
        before, requester = ticket.status, ticket.requester
        public: Any = None
        audit = Audit(0, ticket.id, 0, "", {}, [])
        self._check(fields)
        audit = self._audit(ticket, actor, via, fields)
        if isinstance(comment, dict):
            public = self._add_comment(ticket, comment, audit, actor, via).public
        self._set(ticket, fields, creating=False)
        if ticket.status != before:
            self._status_event(audit, before, ticket.status)
        if ticket.requester != requester:
            self._change(audit, "requester_id", str(requester), str(ticket.requester))
        self.touch(ticket)
        self.changed.append(
            (
                ticket,
                {
                    "update_type": "Change",
                    "comment": public,
                    "status": ticket.status if ticket.status != before else None,
                },
            )
        )
        return audit

    def touch(self, ticket: Ticket) -> None:
        ticket.updated = self._state.now()
        ticket.generated = self._state.clock().timestamp()

    def set_status(self, ticket: Ticket, status: str, *, via: Row = RULE) -> None:
        """What an automation does: no trigger needs to see it."""
        audit = self._audit(ticket, self._state.bridge, via, {})
        audit.author = -1
        self._status_event(audit, ticket.status, status)
        ticket.status = status
        self.touch(ticket)

    def merge(self, source: Ticket, target: Ticket, actor: User, *, public: bool = False) -> None:
        """The source is closed with a word about the target; the target learns of the source. Comments stay."""
        into = {"channel": "web", "source": {"from": {}, "to": {"ticket_id": target.id}, "rel": "merge"}}
        text = f'This request was closed and merged into request #{target.id} "{target.subject}".'
        audit = self._audit(source, actor, into, {})
        self._add_comment(source, {"body": text, "public": public}, audit, actor, into)
        self._status_event(audit, source.status, "closed")
        source.status = "closed"
        source.tags = sorted({*source.tags, "closed_by_merge"})
        self.touch(source)
        came = {"channel": "web", "source": {"from": {"ticket_ids": [source.id]}, "to": {}, "rel": "merge"}}
        audit = self._audit(target, actor, came, {})
        self._add_comment(
            target,
            {"body": f"Request #{source.id} was closed and merged into this request.", "public": public},
            audit,
            actor,
            came,
        )
        self.touch(target)
        self.changed.append((source, {"update_type": "Change", "comment": public, "status": "closed"}))
        self.changed.append((target, {"update_type": "Change", "comment": public, "status": None}))

    def hide(self, ticket: Ticket, comment: Comment, actor: User) -> None:
        comment.public = False
        audit = self._audit(ticket, actor, WEB, {})
        audit.events.append(
            {"id": self._state.next_id(), "type": "CommentPrivacyChange", "comment_id": comment.id, "public": False}
        )
        self.touch(ticket)

    def redact(self, ticket: Ticket, comment: Comment, text: str, actor: User) -> None:
        comment.text = comment.text.replace(text, "▇" * len(text))
        comment.html = comment.html.replace(text, "▇" * len(text))
        audit = self._audit(ticket, actor, WEB, {})
        audit.events.append({"id": self._state.next_id(), "type": "CommentRedactionEvent", "comment_id": comment.id})
        self.touch(ticket)

    # Parts

    def _audit(self, ticket: Ticket, actor: User, via: Row, fields: Row) -> Audit:
        metadata = fields.get("metadata")
        audit = Audit(
            self._state.next_id(), ticket.id, actor.id, self._state.now(), dict(via), [],
            metadata if isinstance(metadata, dict) else {},
        )  # fmt: skip
        ticket.audits.append(audit)
        return audit

    def _status_event(self, audit: Audit, before: str, after: str) -> None:
        self._change(audit, "status", before, after)

    def _change(self, audit: Audit, field: str, before: str, after: str) -> None:
        audit.events.append(
            {
                "id": self._state.next_id(),
                "type": "Change",
                "field_name": field,
                "value": after,
                "previous_value": before,
            }
        )

    def _add_comment(self, ticket: Ticket, comment: Row, audit: Audit, author: User, via: Row) -> Comment:
        writer = self._person(comment, "author_id") or author
        first = ticket.comments[0].public if ticket.comments else ticket.is_public
        public = bool(comment.get("public", first))
        if writer.only_private_comments or self._state.users[audit.author].only_private_comments:
            public = False
        if comment.get("html_body"):
            body = _shown(str(comment["html_body"]), ticket).encode()[:_CUT].decode("utf-8", "ignore")
            html = f'<div class="zd-comment" dir="auto">{body}</div>'
            text = to_plain(body, Format.HTML)
        else:
            text = re.sub(r"\n{2,}", "\n", _rendered(str(comment.get("body") or ""), ticket))
            text = text.encode()[:_CUT].decode("utf-8", "ignore")
            html = f'<div class="zd-comment" dir="auto"><p dir="auto">{escape(text).replace(chr(10), "<br>")}</p></div>'
        made = Comment(
            self._state.next_id(), audit.id, writer.id, html, text, public, self._state.now(), dict(via), audit.custom,
            self._files(comment),
        )  # fmt: skip
        if not text.strip() and not made.attachments:
            raise invalid("comment", "cannot be blank", "BlankValue")
        ticket.comments.append(made)
        audit.events.insert(0, self._views.comment_event(made))
        return made

    def _files(self, comment: Row) -> list[Any]:
        tokens = comment.get("uploads") or []
        files = []
        for token in [tokens] if isinstance(tokens, str) else tokens:
            found = self._state.uploads.pop(token, None)
            if found is not None and found[1] > self._state.clock():
                files += found[0]
        return files

    def _requester(self, fields: Row, actor: User) -> User:
        """Left out, the API's user is the requester."""
        found = self._person(fields, "requester_id")
        if found is not None:
            return found
        given = fields.get("requester")
        if isinstance(given, dict) and given.get("email"):
            known = next((u for u in self._state.users.values() if u.email == given["email"]), None)
            return known or self._state.add_user(str(given.get("name") or given["email"]), email=given["email"])
        return actor

    def _person(self, fields: Row, name: str) -> User | None:
        if fields.get(name) is None:
            return None
        found = self._state.user(fields[name])
        if found is None:
            raise invalid(name.removesuffix("_id"), "is invalid")
        return found

    def _check(self, fields: Row) -> None:
        """Everything that is refused is refused before anything is done."""
        comment = fields.get("comment")
        if isinstance(comment, dict):
            self._person(comment, "author_id")
        if fields.get("status") is not None and fields["status"] not in STATUSES:
            raise invalid("status", "is not a proper value")
        if fields.get("priority") not in _PRIORITIES:
            raise invalid("priority", f"{fields['priority']} is not included in the list")
        for name, known in (("group_id", self._state.groups), ("brand_id", self._state.brands)):
            if fields.get(name) is not None and number(fields[name]) not in known:
                raise invalid(name.removesuffix("_id"), "is invalid")
        assignee = self._state.user(fields.get("assignee_id"))
        if fields.get("assignee_id") is not None and (
            assignee is None or assignee.role == "end-user" or self.refuses_assignees
        ):
            raise invalid("assignee", "is invalid")

    def _set(self, ticket: Ticket, fields: Row, *, creating: bool) -> None:
        self._check(fields)
        if fields.get("status"):
            ticket.status = fields["status"]
        for name, attribute in (("external_id", "external_id"), ("priority", "priority"), ("subject", "subject")):
            if name in fields:
                setattr(ticket, attribute, fields[name])
        for name in ("group", "brand", "assignee"):
            if fields.get(f"{name}_id") is not None:
                setattr(ticket, name, number(fields[f"{name}_id"]))
        if "tags" in fields:
            ticket.tags = sorted({str(tag).lower() for tag in fields["tags"]})
        for field in fields.get("custom_fields") or fields.get("fields") or ():
            if number(field.get("id")) in self._state.fields:
                ticket.custom_fields[number(field["id"])] = field.get("value")
        if not creating and fields.get("requester_id"):
            ticket.requester = number(fields["requester_id"])

    def _follow_up(self, ticket: Ticket, fields: Row) -> Ticket | None:
        source = fields.get("via_followup_source_id")
        if source is None:
            return None
        parent = self._state.tickets.get(number(source))
        if parent is None or parent.deleted:
            raise not_found()
        if parent.status != "closed":
            return None
        ticket.via = {"channel": "api", "source": {"from": {"ticket_id": parent.id}, "to": {}, "rel": "follow_up"}}
        if "tags" not in fields:
            ticket.tags = list(parent.tags)
        return parent

    def _warn(self, fields: Row) -> None:
        unknown = sorted(set(fields) - KNOWN_KEYS)
        self.warned = f'{{:unpermitted_keys=>{unknown}, :controller=>"tickets"}}' if unknown else ""


def _rendered(text: str, ticket: Ticket) -> str:
    """Placeholders are evaluated in whatever comes in."""
    facts = {"ticket.id": str(ticket.id), "ticket.status": ticket.status.capitalize()}
    return _LIQUID.sub("", _PLACEHOLDER.sub(lambda hit: facts.get(hit[1], ""), text))


def _shown(html: str, ticket: Ticket) -> str:
    return _UNSAFE.sub("", _rendered(html, ticket))
