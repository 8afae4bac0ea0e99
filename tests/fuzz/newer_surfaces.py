"""The surfaces of other systems and of operators: API, webhook desk, Chatwoot, WeCom's bell, rating pages, console."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from random import Random
from urllib.parse import quote, urlencode

from bridge.console.views import VIEWS
from bridge.contract import sign_webhook, webhook_key
from bridge.services.tokens import derive_key, sign_number
from bridge.testing.clock import system_clock
from connectors.chatwoot.simulator import Simulator as Chatwoot
from connectors.webhook.simulator.vendor import SECRET
from connectors.wecom.simulator import Simulator as WeCom
from tests.fuzz.surfaces import ODD, bent, call, request

SECRET_KEY = "0123456789abcdef" * 2
_PAGES = [
    *(re.sub(r"\{\w+\}", "1", view.path).strip("/") for view in VIEWS),
    "problems/x", "figures/x", "events", "static/console.js", "sign-in", "", "setup", "setup/you", "a/b/c",
]  # fmt: skip
_FIELDS = [
    "draft",
    "named",
    "secret",
    "step",
    "sure",
    "theme",
    "user",
    "version",
    "language",
    "text",
    "id",
    "name",
    "role",
    "password",
    "hours",
    "receiver",
    "since",
    "until",
    "by",
    "before",
    "q",
    "next",
    "lang",
]
_TOLD = ["message_created", "message_updated", "conversation_updated", "conversation_typing_on", "x"]
_EVENT = "<xml><Event>kf_msg_or_event</Event><Token>t</Token><OpenKfId>k</OpenKfId></xml>"


class NewerSurfaces:
    """`cookie` is an admin's of the console, `csrf` what its forms must carry."""

    def __init__(self, wecom: WeCom, chatwoot: Chatwoot, api_token: str) -> None:
        self._wecom, self._chatwoot = wecom, chatwoot
        self._api_headers = {"authorization": f"Bearer {api_token}"}
        self.cookie, self.csrf = "", ""
        self.targets: dict[str, Callable[[Random], bytes]] = {
            "api, all of it": self._api,
            "webhook": self._webhook,
            "chatwoot": self._told,
            "wecom": self._bell,
            "rate": self._rate,
            "console": self._console,
        }

    def _api(self, random: Random) -> bytes:
        path = random.choice(
            [
                "context",
                "messages",
                "messages/x",
                "conversations",
                "conversations/1",
                "people/1",
                "people/x",
                "figures",
                "figures/turns",
                "figures/x",
                "openapi.json",
                "consents",
            ]
        )
        names = [
            "account", "conversation", "customer_id", "handle", "context", "profile", "text", "template", "data", "when_shut", "id",
        ]  # fmt: skip
        return call(random, f"/api/{path}", names, self._api_headers)

    def _webhook(self, random: Random) -> bytes:
        names = [
            "type",
            "ticket",
            "id",
            "text",
            "format",
            "files",
            "author",
            "origin",
            "status",
            "job",
            "answers",
            "verdict",
        ]
        body = {name: random.choice(ODD) for name in random.sample(names, random.randrange(len(names)))}
        if random.random() < 0.8:
            body["type"] = random.choice(["answer", "note", "status", "deleted"])
        if random.random() < 0.3:
            file = {name: random.choice(ODD) for name in ("name", "mime", "url", "data")}
            body["files"] = [file | {"data": "aGVsbG8="}] * random.randrange(4)
        data = json.dumps(body).encode()
        if random.random() < 0.2:
            data = random.choice([b"[" * 5000, b"\xff", b'{"a":1,"a":2}', bent(random, data)])
        now = system_clock() + timedelta(seconds=random.choice([0, 0, 0, -4000]))
        headers = sign_webhook(webhook_key(SECRET), random.choice(["m-1", "x" * 3000, "%00", "é"]), now, data)
        return request(random, "POST", "/hooks/ours", data, headers)

    def _told(self, random: Random) -> bytes:
        place = {"id": 7, "inbox_id": self._chatwoot.inbox.id, "status": "open", "meta": {}, "messages": []}
        body: dict[str, object] = {"event": random.choice(_TOLD), "id": random.choice([5, *ODD]), "content": "hello"}
        body |= {
            "message_type": "outgoing",
            "private": False,
            "conversation": place,
            "inbox": {"id": place["inbox_id"]},
        }
        for name in random.sample([*body, "sender", "attachments", "created_at", "content_attributes"], 3):
            body[name] = random.choice(ODD)
        if random.random() < 0.3:
            place[random.choice(list(place))] = random.choice(ODD)
        data = json.dumps(body).encode()
        if random.random() < 0.2:
            data = random.choice([b"[" * 5000, b"\xff", b'{"a":1,"a":2}', bent(random, data)])
        headers = self._chatwoot.signed(data, stamp=random.choice([None, None, None, 0, 10**11]))
        return request(random, "POST", "/hooks/cw", data, headers)

    def _bell(self, random: Random) -> bytes:
        payload = bent(random, _EVENT.encode()).decode("utf-8", "replace") if random.random() < 0.7 else _EVENT
        query, body = self._wecom.callback(payload)
        if random.random() < 0.3:
            body = bent(random, body)
        if random.random() < 0.3:
            query[random.choice([*query, "echostr"])] = str(random.choice(ODD)).encode("utf-8", "replace").decode()
        return request(random, random.choice(["POST", "GET"]), f"/hooks/kf?{urlencode(query)}", body, {})

    def _rate(self, random: Random) -> bytes:
        number = random.choice([0, 1, 2**40, 2**63 - 1])
        page, purpose = random.choice([("rate", "rate"), ("answers", "answer")])
        token = sign_number(derive_key(SECRET_KEY, purpose), number, system_clock() + timedelta(days=1))
        if random.random() < 0.4:
            token = bent(random, token.encode()).decode("utf-8", "replace")
        form = {"score": str(random.choice([1, 5, 9, "x"])), "comment": str(random.choice(ODD))}
        body = urlencode({name: value.encode("utf-8", "replace") for name, value in form.items()}).encode()
        if random.random() < 0.3:
            body = random.choice([bent(random, body), b"&".join([body] * 9), b"&" * 3000, b"score=%ff" * 90])
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return request(random, random.choice(["GET", "POST"]), f"/{page}/{quote(token)}", body, kind)

    def _console(self, random: Random) -> bytes:
        values = [str(one).encode("utf-8", "replace").decode() for one in ODD if not isinstance(one, list | dict)]
        given = {name: random.choice(values) for name in random.sample(_FIELDS, random.randrange(5))}
        page = random.choice(_PAGES)
        headers = (
            {"cookie": self.cookie} if random.random() < 0.8 else {"cookie": f"console={random.randbytes(12).hex()}"}
        )
        if random.random() < 0.6:
            path = f"/console/{page}?{urlencode(given)}"
            method, body = "GET", b""
        else:
            path, method = f"/console/{page}", "POST"
            body = urlencode(given | {"csrf": self.csrf}).encode()
            headers["content-type"] = random.choice(["application/x-www-form-urlencoded", "text/plain", ""])
            if random.random() < 0.2:
                body = bent(random, body)
        return request(random, method, path, body, headers)
