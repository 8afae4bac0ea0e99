"""Messages of a conversation: reading, writing with files, and their delivery state."""

from typing import TYPE_CHECKING, Any

from starlette.datastructures import UploadFile
from starlette.requests import Request

from connectors.chatwoot.simulator.state import INCOMING, OUTGOING, File, Message, Refused, show_message

if TYPE_CHECKING:
    from connectors.chatwoot.simulator.api import Site

_STATES = {"sent", "delivered", "read", "failed"}
_MAX_FILES = 15


class Messages:
    """The part of the API that is about messages."""

    def __init__(self, site: "Site") -> None:
        self._site = site
        self._books = site.books

    async def read(self, request: Request) -> Any:
        conversation, query = self._books.conversation(request.path_params["id"]), request.query_params
        found = conversation.messages
        after, before = query.get("after"), query.get("before")
        if after:
            found = [one for one in found if one.id > int(after)]
        if before:
            found = [one for one in found if one.id < int(before)]
        found = found[:100] if after and not before else found[:1000] if after else found[-20:]
        return {"meta": {}, "payload": [show_message(conversation, one, self._site.home()) for one in found]}

    async def make(self, request: Request) -> Any:
        conversation = self._books.conversation(request.path_params["id"])
        fields, files = await self._form(request)
        kind = fields.get("message_type", "outgoing")
        if kind not in {"incoming", "outgoing"}:
            raise Refused(422, "invalid message_type")
        if len(files) > _MAX_FILES:
            raise Refused(422, "Attachments exceeded maximum allowed")
        now = self._books.clock()
        if sum((now - one.at).total_seconds() < 60 for one in conversation.messages) >= self._site.flood:
            raise Refused(422, "Validation failed: Too many messages")
        content = fields.get("content")
        if not str(content or "").strip() and not files:  # Rails' blank?: white space says nothing
            raise Refused(422, "Content can't be blank")
        if content is not None and len(str(content)) > 150_000:
            raise Refused(422, "Content is too long (maximum is 150000 characters)")
        private = fields.get("private") in {True, "true"}
        contact = {"id": conversation.contact_id, "name": self._books.contacts[conversation.contact_id]["name"]}
        person = request.state.person
        sender = contact | {"type": "contact"} if kind == "incoming" else person | {"type": "user"}
        message = Message(
            self._books.number(), content, INCOMING if kind == "incoming" else OUTGOING, private, sender, now,
            source_id=fields.get("source_id"), files=files,
        )  # fmt: skip
        self._books.add(conversation, message)
        await self._site.webhooks("message_created", conversation, message)
        return show_message(conversation, message, self._site.home())

    async def _form(self, request: Request) -> tuple[dict[str, Any], list[File]]:
        if not request.headers.get("content-type", "").startswith("multipart/"):
            return await request.json(), []
        fields: dict[str, Any] = {}
        files = []
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    if name != "attachments[]":
                        raise Refused(422, f"unknown file {name}")
                    data = await value.read()
                    files.append(File(self._books.number(), value.filename or "", value.content_type or "", data))
                else:
                    fields[name] = value
        return fields, files

    async def change(self, request: Request) -> Any:
        conversation, fields = self._books.conversation(request.path_params["id"]), await request.json()
        message = next((one for one in conversation.messages if one.id == request.path_params["message"]), None)
        if message is None:
            raise Refused(404, "Resource could not be found")
        if fields.get("status") not in _STATES:
            raise Refused(422, "invalid status")
        message.status, message.error = fields["status"], str(fields.get("external_error") or "")
        return show_message(conversation, message, self._site.home())
