"""What visitors say and see: messages, files, the stream of events, signs of reading and typing."""

import re
import secrets
from collections.abc import Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.contract import Append, DeliveryState, Persist
from connectors.webchat.arrival import Arrival, page_of
from connectors.webchat.files import take_upload
from connectors.webchat.hub import head_of
from connectors.webchat.inbound import Said, Saw, raw_of
from connectors.webchat.office import Office
from connectors.webchat.streams import Listener, Position, check_position, open_stream, poll, position
from connectors.webchat.text import MAX_TEXT, clean
from connectors.webchat.visitors import Visitor, contact_of, context_of, epoch_of, events_of
from connectors.webchat.web import Refusal, caller, number, read_json, slow_down

MAX_FILES = 10  # in one message
CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)


class Talk:
    """One account's talk with its visitors."""

    def __init__(self, office: Office, arrival: Arrival, persist: Persist) -> None:
        self._office = office
        self._config = office.config
        self._account = office.account
        self._persist = persist
        self._who = arrival.who
        self._visitors = office.visitors
        self._files = office.files
        self._hub = office.hub
        self._agents = office.agents
        self._limits = office.limits
        self._calm = office.calm

    async def say(self, request: Request) -> Response:
        """A message: kept for the engine, then shown; both once, however often the browser repeats it."""
        visitor = await self._who(request)
        self._calm("messages.visitor", visitor)
        if wait := self._limits.wait("messages.address", caller(request)):
            raise slow_down(wait)
        body = await read_json(request)
        client, text, files = await self._content(body, visitor)
        visitor = await self._moved(visitor, body)
        now = self._account.now()
        event: dict[str, Any] = {
            "type": "message.new",
            "id": f"m_{visitor['id'][2:]}_{client}",
            "client_id": client,
            "from": {"kind": "visitor", "name": contact_of(visitor).name},
            "text": text,
            "attachments": [shown for _, shown in files],
            "at": self._visitors.time(),
            "try": secrets.token_hex(4),
        }
        payload = Said(
            visitor=visitor["id"],
            id=event["id"],
            text=text,
            files=tuple(media for media, _ in files),
            contact=contact_of(visitor),
            context=context_of(visitor),
            at=now,
        )
        await self._persist([raw_of(f"visitor:{visitor['id']}:{client}", payload, now)])
        stream = events_of(visitor["id"])
        (seq,) = await self._account.records.commit(Append(stream, event, once=f"in:{client}"))
        stored = (await self._account.records.read(stream, after=seq - 1, limit=1))[0][1]
        answer = {"id": stored["id"], "seq": seq, "client_id": client, "state": "stored", "at": stored["at"]}
        return JSONResponse(answer, 201 if stored["try"] == event["try"] else 200)

    async def _content(self, body: dict[str, Any], visitor: Visitor) -> tuple[str, str, list[Any]]:
        client, wanted = body.get("client_id"), body.get("attachments") or []
        if not isinstance(client, str) or CLIENT_ID.fullmatch(client) is None:
            raise Refusal(400, "bad_client_id", "client_id must have 8 to 64 letters, digits, - or _.")
        if isinstance(body.get("text"), str) and len(body["text"]) > MAX_TEXT:
            raise Refusal(413, "text_too_long", f"At most {MAX_TEXT} characters.", limit=MAX_TEXT)
        text = clean(body.get("text"))
        if not isinstance(wanted, list) or len(wanted) > MAX_FILES or not all(isinstance(name, str) for name in wanted):
            raise Refusal(400, "bad_attachments", f"attachments must be a list of at most {MAX_FILES} uploads.")
        files = await self._files.media(wanted, visitor["id"])
        if files is None:
            raise Refusal(404, "no_file", "One of the files is not yours, or not here any more.")
        if not text and not files:
            raise Refusal(400, "empty", "There is nothing in this message.")
        return client, text, files

    async def _moved(self, visitor: Visitor, body: dict[str, Any]) -> Visitor:
        """The visitor reads another page by now: agents want to know which."""
        page = page_of(body)
        if not page or all(visitor.get(key) == value for key, value in page.items()):
            return visitor
        return await self._visitors.change(visitor["id"], lambda value: value.update(page))

    async def upload(self, request: Request) -> Response:
        """One file, raw. What it is says its content."""
        visitor = await self._who(request)
        self._calm("uploads.visitor", visitor)
        if wait := self._limits.wait("uploads.address", caller(request)):
            raise slow_down(wait)
        spend = partial(self._spend, visitor["id"], caller(request))
        shown = await take_upload(self._account, request, visitor["id"], self._config.max_file, spend)
        return JSONResponse(shown | {"url": self._files.url(shown["id"])}, 201)

    async def _spend(self, visitor: str, address: str, size: int) -> None:
        config = self._config
        quotas = {("visitor", visitor): config.visitor_bytes, ("address", address): config.address_bytes}
        wait = await self._office.quotas.spend(size, {**quotas, ("account", ""): config.account_bytes})
        if wait:
            raise Refusal(429, "quota", "Too many files in one day. Text can be sent all the same.", wait=wait)

    async def history(self, request: Request) -> Response:
        """Messages before or after a number, in order."""
        visitor = await self._who(request)
        self._calm("reads.visitor", visitor)
        query, stream = request.query_params, events_of(visitor["id"])
        limit = min(max(number(query.get("limit"), 50), 1), 50)
        before, after = number(query.get("before")), number(query.get("after"))
        records, messages, low = self._account.records, [], after
        if before:  # no further up than there is anything
            before = min(before, await head_of(records, stream, visitor["read"]) + 1)
        else:
            entries = await records.read(stream, after=after, limit=500)
            messages = (await self._shape(entries, only="message.new"))[:limit]
        while before and len(messages) < limit and before > 1:
            low = max(0, before - 1 - 200)
            entries = await records.read(stream, after=low, limit=before - 1 - low)
            messages = await self._shape(entries, only="message.new") + messages
            before = low + 1
        messages = messages[-limit:]
        more = bool(messages) and (low > 0 or len(messages) == limit)
        found = [data for _, _, data in messages]
        return JSONResponse({"messages": found, "more": more, "epoch": epoch_of(visitor)})

    async def events(self, request: Request) -> Response:
        """The stream of everything, or a poll where streams do not come through."""
        visitor = await self._who(request)
        stream, epoch = events_of(visitor["id"]), epoch_of(visitor)
        given = request.headers.get("last-event-id") or request.query_params.get("since", "")
        at = Position(stream, epoch, position(given, epoch))
        await check_position(self._account.records, stream, at.after)
        if "text/event-stream" not in request.headers.get("accept", "") or "wait" in request.query_params:
            self._calm("reads.visitor", visitor)
            wait = min(number(request.query_params.get("wait")), 25)
            return await poll(self._account.records, at, wait, self._shape)
        address = caller(request)
        if self._hub.full or self._hub.crowded(address):
            raise Refusal(503, "no_stream", "Too many open streams: please poll.", wait=5)
        time = self._visitors.time()
        records = self._account.records
        return open_stream(records, at, Listener(self._hub, visitor["id"], address), self._shape, time)

    async def _shape(
        self, entries: Sequence[tuple[int, dict[str, Any]]], only: str = ""
    ) -> list[tuple[int, str, dict[str, Any]]]:
        """Stored events as browsers see them."""
        hidden = {"type", "try"}
        found = []
        for seq, entry in entries:
            if only and entry["type"] != only:
                continue
            data = {"seq": seq, **{key: value for key, value in entry.items() if key not in hidden}}
            found.append((seq, entry["type"], self._files.linked(data)))
        return found

    async def receipts(self, request: Request) -> Response:
        """What the visitor's screen has, and what they saw. Only ever forward."""
        visitor = await self._who(request)
        self._calm("signals.visitor", visitor)
        body = await read_json(request)
        for what, state in (("delivered", DeliveryState.DELIVERED), ("read", DeliveryState.READ)):
            await self._saw(visitor, what, state, number(body.get(what)))
        return Response(status_code=204)

    async def _saw(self, visitor: Visitor, what: str, state: DeliveryState, seq: int) -> None:
        if seq <= visitor[what]:
            return
        stream = events_of(visitor["id"])
        entries = await self._account.records.read(stream, after=visitor[what], limit=min(seq - visitor[what], 500))
        seen = [entry["id"] for _, entry in entries if _is_answer(entry)]
        reached = entries[-1][0] if entries else visitor[what]
        now = self._account.now()
        if seen:
            payload = Saw(conversation=visitor["id"], messages=tuple(seen), state=state)
            await self._persist([raw_of(f"{what}:{visitor['id']}:{reached}", payload, now)])
        await self._visitors.change(visitor["id"], lambda value: value.update({what: max(value[what], reached)}))

    async def typing(self, request: Request) -> Response:
        """Shown to agents who look, if they are here; stored nowhere."""
        visitor = await self._who(request)
        self._calm("signals.visitor", visitor)
        body = await read_json(request)
        on = body.get("on") is True
        self._agents.tell_all("typing", {"contact": visitor["id"], "on": on})
        self._account.typing(visitor["id"], on)
        return Response(status_code=204)

    async def close(self, request: Request) -> Response:
        """The visitor says that this is done. They may begin again at any time."""
        visitor = await self._who(request)
        self._calm("signals.visitor", visitor)
        event = {"type": "conversation.state", "state": "closed", "at": self._visitors.time()}
        await self._account.records.commit(Append(events_of(visitor["id"]), event))
        return Response(status_code=204)

    async def badge(self, request: Request) -> Response:
        """How many answers wait, for a launcher whose chat is not open."""
        if wait := self._limits.wait("badge.address", caller(request)):
            raise slow_down(wait)
        visitor = await self._visitors.by_token(request.headers.get("x-visitor", ""))
        if visitor is None:
            raise Refusal(401, "no_session", "This token is not known.")
        entries = await self._account.records.read(events_of(visitor["id"]), after=visitor["read"], limit=200)
        waiting = [entry for _, entry in entries if _is_answer(entry)]
        etag = f'"{visitor["read"]}.{len(waiting)}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"etag": etag})
        last = {"from": waiting[-1]["from"]["name"], "preview": waiting[-1]["text"][:80]} if waiting else None
        return JSONResponse({"unread": len(waiting), "last": last}, headers={"etag": etag, "cache-control": "no-cache"})


def _is_answer(entry: dict[str, Any]) -> bool:
    return bool(entry["type"] == "message.new" and entry["from"]["kind"] != "visitor")
