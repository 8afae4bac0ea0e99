"""Writing: conversations, messages as the customer, notes, delivery states, labels; and whether a write is there.

`source_id` of a message is stored, comes back everywhere and is not unique: it holds the step's key. A conversation is
known again by our mark in its `additional_attributes`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.contract import (
    Account,
    Audience,
    AuthFailed,
    ConnectorError,
    Gone,
    Media,
    Phrases,
    Receipt,
    Rejected,
    Retryable,
    Scope,
    Step,
    Target,
    file_name,
    read_files,
)
from connectors.chatwoot.api import LINK_MARK, OWNER_MARK, Api, Found, Upload, id_of, rows
from connectors.chatwoot.outbound import CREATE, LABELS, MARK, REMARK, SAY, label
from connectors.chatwoot.people import People
from connectors.chatwoot.settings import Settings

_PAGES = 5  # of messages, newest first, that a look-up reads
_PRIORITIES = {"low": "low", "normal": "medium", "medium": "medium", "high": "high", "urgent": "urgent"}


class Writer:
    """The writing side of one account."""

    def __init__(self, config: Settings, account: Account, api: Api) -> None:
        self._config = config
        self._account = account
        self._api = api
        self._people = People(config, account, api)

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]:
        """For a new conversation who asks; for one that is there whose it is now."""
        if target.conversation is not None:
            return await self._owned(target.conversation, target) if step.verb == SAY else {}
        if step.verb != CREATE:
            return {}
        contact, place = await self._people.contact(target)
        return {"contact": contact, "place": place}

    async def _owned(self, number: str, target: Target) -> dict[str, Any]:
        """Raises Gone where the conversation is another contact's, unless ours was merged into that one. Asked before
        each write: agents merge contacts at any moment.
        """
        if not target.peer:
            return {}
        meta = (await self._api.get(f"/conversations/{number}")).get("meta")
        owner = id_of(meta.get("sender")) if isinstance(meta, dict) else ""
        if owner and owner != target.peer and await self._people.is_there(target.peer):
            raise Gone("the conversation was given to another contact", code="another customer")
        return {"owner": owner} if owner and owner != target.peer else {}

    async def deliver(self, step: Step, target: Target) -> Receipt:
        """One write."""
        if target.conversation is None:
            if step.verb != CREATE or step.audience is Audience.AGENTS:
                raise Rejected("there is no conversation yet to write on", code="no ticket")
            return await self._open(step, target)
        number = target.conversation
        match step.verb:
            case "mark":
                if step.body:
                    await self._api.patch(f"/conversations/{number}/messages/{step.body['of']}", _state(step))
                return self._receipt(number)
            case "labels":
                return await self._label(number, step)
            case _:
                return await self._say(number, step, target, peer=str(target.prepared.get("owner", "")))

    async def lookup(self, step: Step, target: Target) -> Receipt | None:
        """Whether the message is there."""
        if step.verb in {MARK, LABELS}:
            return None  # doing it twice changes nothing
        number = target.conversation or await self._find_conversation(target)
        if not number:
            return None
        try:
            found = await self._find_message(number, target.key)
        except Gone as error:
            raise Retryable(error.message, code=error.code, scope=Scope.CONVERSATION) from None
        if found is None:
            return None
        if step.verb != REMARK:
            await self._wake(number)
        return self._receipt(number, id_of(found), peer=target.peer)

    # A new conversation

    async def _open(self, step: Step, target: Target) -> Receipt:
        prepared = target.prepared or await self.prepare(step, target)
        with_contact = target.model_copy(update={"peer": prepared["contact"]})
        custom = target.fields.get("custom_fields")
        number = await self._find_conversation(with_contact)
        if not number:
            body = {
                "inbox_id": self._config.inbox_id,
                "contact_id": int(prepared["contact"]),
                "source_id": prepared["place"],
                "status": "open",
                "additional_attributes": {LINK_MARK: target.link, OWNER_MARK: prepared["contact"]},
                "custom_attributes": {str(k): v for k, v in custom.items()} if isinstance(custom, dict) else {},
            }
            made = await self._api.post("/conversations", body)
            number = id_of(made)
            if not number:
                raise Retryable("conversations: no number in the answer", code="unexpected answer", certain=False)
        receipt = await self._say(number, step, target, peer=prepared["contact"])
        left_out = await self._dress(number, target.fields)
        return receipt.model_copy(update={"left_out": left_out}) if left_out else receipt

    async def _find_conversation(self, target: Target) -> str:
        """The one that carries our mark: a creation whose answer was lost is found here."""
        contact = target.peer
        if not contact:
            contact, _ = await self._people.contact(target)
        found = await self._api.get(f"/contacts/{contact}/conversations")
        for row in rows(found):
            attributes = row.get("additional_attributes")
            ours = isinstance(attributes, dict) and str(attributes.get(LINK_MARK)) == target.link
            if ours and id_of(row, "inbox_id") == str(self._config.inbox_id):
                return id_of(row)
        return ""

    async def _dress(self, number: str, fields: dict[str, Any]) -> tuple[str, ...]:
        """Team, priority and labels of the route. What the account does not know is named, not insisted on."""
        left_out = []
        if team := fields.get("group"):
            wanted = await self._team(str(team))
            if wanted:
                await self._api.post(f"/conversations/{number}/assignments", {"team_id": wanted}, repeatable=True)
            else:
                left_out.append(f"group {team}")
        if agent := await self._present(str(fields.get("last_agent") or "")):
            await self._api.post(f"/conversations/{number}/assignments", {"assignee_id": agent}, repeatable=True)
        if priority := fields.get("priority"):
            word = _PRIORITIES.get(str(priority).strip().lower())
            if word:
                await self._api.post(f"/conversations/{number}/toggle_priority", {"priority": word}, repeatable=True)
            else:
                left_out.append(f"priority {priority}")
        if tags := [label(str(tag)) for tag in fields.get("tags") or ()]:
            await self._relabel(number, tags, "")
        return tuple(left_out)

    async def unknown_of(self, fields: Mapping[str, Any]) -> list[str]:
        """Which team, priority and labels of a route the account does not have."""
        found = []
        if team := str(fields.get("group") or ""):
            there = rows(await self._api.get("/teams"))
            known = {value for row in there for value in (id_of(row), str(row.get("name", "")).strip().lower())}
            found += [] if team.strip().lower() in known else [f"group {team}"]
        if (priority := str(fields.get("priority") or "")) and priority.strip().lower() not in _PRIORITIES:
            found.append(f"priority {priority}")
        if tags := [str(tag) for tag in fields.get("tags") or ()]:
            titles = {str(row.get("title")) for row in rows(await self._api.get("/labels"))}
            found += [f"tag {tag}" for tag in tags if label(tag) not in titles]
        return found

    async def _present(self, agent: str) -> int | None:
        """The agent's id if they are online (https://developers.chatwoot.com, agents: `availability_status`)."""
        if not agent:
            return None
        try:
            found = rows(await self._api.get("/agents"))
        except ConnectorError:  # a conversation must not wait for that
            return None
        there = any(id_of(row) == agent and row.get("availability_status") == "online" for row in found)
        return int(agent) if there else None

    async def _team(self, wanted: str) -> int | None:
        if wanted.isdecimal():
            return int(wanted)
        for row in rows(await self._api.get("/teams")):
            if str(row.get("name", "")).strip().lower() == wanted.strip().lower():
                return int(id_of(row))
        return None

    # A message

    async def _say(self, number: str, step: Step, target: Target, *, peer: str = "") -> Receipt:
        private = step.verb == REMARK
        fields = {
            "content": step.body["text"],
            "message_type": "outgoing" if private else "incoming",
            "private": private,
            "source_id": target.key,
        }
        path = f"/conversations/{number}/messages"
        found, missing = await read_files(self._account.media, step.media)
        named = self._named(fields, step, missing, "missing")  # the words do not wait for them
        files = [(file_name(media), data, media.mime or "application/octet-stream") for media, data in found]
        try:
            made = await self._write(path, named, files)
        except Rejected:
            if not files:
                raise
            made = await self._write(path, self._named(fields, step, step.media, "refused"), ())
        if not private:
            await self._wake(number)
        return self._receipt(number, id_of(made), peer=peer)

    def _named(self, fields: Found, step: Step, files: Sequence[Media], why: str) -> Found:
        """With the files named, by their links, that do not come along."""
        if not files:
            return fields
        phrases = Phrases(step.body["language"])
        named = "\n".join(phrases.file(media, "file", why) for media in files)
        return {**fields, "content": f"{fields['content']}\n{named}".strip()}

    async def _write(self, path: str, fields: Found, files: Sequence[Upload]) -> Found:
        if files:
            return await self._api.upload(path, {**fields, "private": str(fields["private"]).lower()}, files)
        return await self._api.post(path, fields)

    async def _find_message(self, number: str, key: str) -> Found | None:
        before = ""
        for _ in range(_PAGES):
            found = rows(
                await self._api.get(f"/conversations/{number}/messages", **({"before": before} if before else {}))
            )
            for row in found:
                if row.get("source_id") == key:
                    return row
            numbers = [int(id_of(row)) for row in found if id_of(row).isdecimal()]
            if not numbers:
                return None
            before = str(min(numbers))
        return None

    async def _wake(self, number: str) -> None:
        """A customer's message opens a resolved conversation by itself; whoever resolved it between our look and our
        write is found here. A failure leaves the write unknown: the look-up finds it and comes here again.
        """
        try:
            if (await self._api.get(f"/conversations/{number}")).get("status") == "resolved":
                await self._api.post(f"/conversations/{number}/toggle_status", {"status": "open"}, repeatable=True)
        except (Retryable, AuthFailed) as error:
            raise Retryable(f"said, but not reopened: {error.message}", code=error.code, certain=False) from None
        except Rejected as error:
            raise Gone(f"said, but not reopened: {error.message}", code=error.code) from None

    # What is shown beside

    async def _label(self, number: str, step: Step) -> Receipt:
        await self._relabel(number, step.body["tags"], step.body["prefix"])
        if step.body["fields"]:
            body = {"custom_attributes": dict(step.body["fields"])}
            await self._api.post(f"/conversations/{number}/custom_attributes", body, repeatable=True)
        return self._receipt(number)

    async def _relabel(self, number: str, tags: Sequence[str], prefix: str) -> None:
        """The list is replaced as a whole: what is not ours stays."""
        found = await self._api.get(f"/conversations/{number}/labels")
        there = [str(label) for label in found.get("payload") or ()]
        kept = [label for label in there if not (prefix and label.startswith(prefix))]
        wanted = list(dict.fromkeys([*kept, *tags]))
        if wanted != there:
            await self._api.post(f"/conversations/{number}/labels", {"labels": wanted}, repeatable=True)

    def _receipt(self, number: str, *ids: str, peer: str = "") -> Receipt:
        return Receipt(ids=tuple(filter(None, ids)), conversation=number, peer=peer, url=self._config.page_of(number))


def _state(step: Step) -> Found:
    state: Found = {"status": step.body["status"]}
    return {**state, "external_error": step.body["error"][:250]} if step.body["error"] else state
