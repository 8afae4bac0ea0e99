"""Post. As generated it talks to the toy vendor of simulator.py: replace what is the toy's by what is your vendor's,
here and in the simulator, and keep the suite green on the way.
"""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, SecretStr, ValidationError

from bridge.contract import (
    About,
    AccountConfig,
    Audience,
    AuthFailed,
    Author,
    AuthorKind,
    CallbackResult,
    Capabilities,
    Cause,
    Connector,
    Event,
    File,
    Gone,
    Health,
    Malformed,
    Media,
    MediaRule,
    Message,
    MessageReceived,
    Page,
    Part,
    Phrases,
    Problem,
    Raw,
    Receipt,
    Rejected,
    RenderContext,
    Reply,
    Request,
    Response,
    Retryable,
    Role,
    Step,
    Support,
    Target,
    Text,
    Throttled,
    Unauthentic,
    files_in,
    read_files,
)

MAX_TEXT = 1000  # bytes
MAX_FILE = 100_000  # bytes
TOLERANCE = 300  # seconds
_FILE = MediaRule(support=Support.FULL, max_bytes=MAX_FILE)


class PostConfig(AccountConfig):
    """The keys of an account. `About` makes the form of the set-up and the table of the documentation."""

    kind: Literal["post"] = "post"
    api_base: str
    api_token: Annotated[
        SecretStr,
        About(
            ("API token", "API 令牌"),
            ("The token of the bridge's user.", "供本服务使用的令牌。"),
            find=("Post › Settings › API", "Post › 设置 › API"),
        ),
    ]
    hook_secret: Annotated[
        SecretStr,
        About(
            ("Signing secret", "签名密钥"),
            ("Signs the callbacks.", "用于校验回调签名。"),
            find=("Post › Settings › Callbacks", "Post › 设置 › 回调"),
        ),
    ]


class _Author(BaseModel):
    kind: Literal["customer", "agent", "bot"]
    id: str
    name: str = ""


class _File(BaseModel):
    id: str
    name: str = ""
    mime: str = ""
    size: int | None = None


class _Message(BaseModel):
    """A message as the vendor writes it; what it adds later is ignored."""

    id: int
    thread: str
    author: _Author
    text: str = ""
    files: tuple[_File, ...] = ()
    key: str = ""
    internal: bool = False
    at: datetime | None = None


class Post(Connector[PostConfig]):
    """Agents of Post."""

    contract: ClassVar[str] = "1.3"  # of bridge.contract, see its changelog
    kind: ClassVar[str] = "post"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.DESK})
    Config = PostConfig
    capabilities = Capabilities(
        max_text_bytes=MAX_TEXT,
        image=_FILE,
        voice=_FILE,
        video=MediaRule(support=Support.LINK),
        file=_FILE,
        notes=True,
        threads=True,
        customer_is_author=Support.FULL,
    )

    # Inbound

    async def verify(self, request: Request) -> CallbackResult:
        stamp = request.headers.get("x-timestamp", "")
        signed = stamp.encode() + b"." + request.body
        expected = hmac.new(self.config.hook_secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()
        given = request.headers.get("x-signature", "")
        if request.method != "POST" or not hmac.compare_digest(expected.encode(), given.encode()):
            raise Unauthentic("the signature does not fit")
        if not stamp.isdecimal() or abs(request.at.timestamp() - int(stamp)) > TOLERANCE:
            raise Unauthentic("the callback is too old", cause=Cause.CLOCK)
        return CallbackResult(Reply(200, "ok"), raws=(_raw(_object(request.body)),))

    def normalise(self, raw: Raw) -> Sequence[Event]:
        try:
            said = _Message.model_validate_json(raw.payload)
        except (ValidationError, UnicodeDecodeError) as error:
            raise Malformed(f"not a message of Post ({type(error).__name__})") from None
        files = [File(media=self._media(file)) for file in said.files]
        parts: list[Part] = [Text(body=said.text), *files] if said.text or not files else [*files]
        kinds = {"customer": AuthorKind.CUSTOMER, "agent": AuthorKind.AGENT, "bot": AuthorKind.BRIDGE}
        author = Author(kind=kinds[said.author.kind], id=said.author.id, name=said.author.name)
        message = Message(
            id=str(said.id),
            conversation=said.thread or "?",
            author=author,
            parts=tuple(parts),
            audience=Audience.AGENTS if said.internal else Audience.CUSTOMER,
            sent_at=said.at,
            origin=said.key,
        )
        return [MessageReceived(message=message)]

    async def poll(self, cursor: str | None, conversation: str | None = None) -> Page:
        if cursor is None and conversation is None:
            newest = await self._call("GET", "/messages", {"newest": 1})
            return Page(cursor=str(max((message["id"] for message in newest["messages"]), default=0)))
        query = {"thread": conversation} if conversation is not None else {"after": cursor}
        page = await self._call("GET", "/messages", query)
        raws = tuple(_raw(message) for message in page["messages"])
        last = str(page["messages"][-1]["id"]) if raws else cursor
        return Page(raws=raws, cursor=last, more=bool(page.get("more")))

    def fetch(self, media: Media, limit: int) -> AsyncIterator[bytes]:
        url = f"{self.config.api_base}/files/{media.id}"
        return self.account.http.download(url, limit=limit, headers=self._headers())

    # Outbound

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        phrases = Phrases(context.language)
        return [step for message in messages for step in self._steps(message, phrases)]

    async def prepare(self, step: Step, target: Target) -> dict[str, Any]:
        found, missing = await read_files(self.account.media, step.media)
        files = []
        for media, data in found:
            try:
                files.append((await self._call("POST", "/files", {"name": media.name}, content=data))["id"])
            except (Rejected, Retryable):  # the words do not wait for it
                missing = [*missing, media]
        phrases = Phrases(self.account.language)
        return {"files": files, "missing": [phrases.file(media, "file", "missing") for media in missing]}

    async def deliver(self, step: Step, target: Target) -> Receipt:
        text = "\n".join(filter(None, [step.body["text"], *target.prepared.get("missing", ())]))
        body = step.body | {"text": text, "key": target.key, "files": target.prepared.get("files", [])}
        if step.body.get("customer_speaks"):
            body["author"] = {"kind": "customer", "id": target.contact.id, "name": target.contact.name}
        if target.conversation is None:
            if step.audience is Audience.AGENTS:
                raise Rejected("there is no thread yet to note it on")
            body |= {"customer": {"id": target.contact.id, "name": target.contact.name}}
            return _receipt(await self._call("POST", "/threads", json_body=body))
        return _receipt(await self._call("POST", f"/threads/{target.conversation}/messages", json_body=body))

    async def lookup(self, step: Step, target: Target) -> Receipt | None:
        found = (await self._call("GET", "/messages", {"key": target.key}))["messages"]
        return _receipt(found[0]) if found else None

    async def check(self) -> Health:
        try:
            me = await self._call("GET", "/me")
        except AuthFailed as error:
            problem = Problem(what=error.message, remedy="Correct api_token.", zh="请更正 api_token。")
            return Health(problems=(problem,))
        if "write" not in me.get("rights", ()):
            problem = Problem(
                what="the token may not write",
                remedy="Grant it the right to write.",
                what_zh="该令牌无写入权限",
                zh="请授予其写入权限。",
            )
            return Health(problems=(problem,))
        return Health(facts={"user": str(me.get("name", ""))})

    # The vendor's API

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.config.api_token.get_secret_value()}"}

    async def _call(
        self, method: str, path: str, params: Any = None, *, json_body: Any = None, content: bytes | None = None
    ) -> dict[str, Any]:
        answer = await self.account.http.request(
            method,
            self.config.api_base + path,
            params=params,
            json=json_body,
            content=content,
            headers=self._headers(),
            repeatable=path == "/files",
        )
        _expect_success(answer)
        body = answer.json()
        if not isinstance(body, dict):
            raise Retryable(f"{answer.where}: the answer is no object", certain=answer.safe)
        return body

    def _media(self, file: _File) -> Media:
        return Media(account=self.account.name, id=file.id or "?", name=file.name, mime=file.mime, size=file.size)

    def _takes(self, file: Media, kind: str) -> bool:
        rule: MediaRule | None = getattr(self.capabilities, kind, None)
        return bool(rule and file.sha256 and rule.support is Support.FULL and rule.fits(file.mime, file.size))

    def _steps(self, message: Message, phrases: Phrases) -> list[Step]:
        if message.audience is Audience.AGENTS and not self.capabilities.notes:
            return []
        media = [file for part in message.parts for file, kind in files_in(part) if self._takes(file, kind)]

        def said_of(file: Media, kind: str) -> str:
            return "" if file in media else phrases.file(file, kind, "large")

        text = phrases.message(message, said_of)
        pieces = _split(text) or [""]
        common = {"covers": (message.id,), "audience": message.audience}
        internal = message.audience is Audience.AGENTS
        customer = message.author.kind is AuthorKind.CUSTOMER
        steps = [
            Step(verb="say", body={"text": piece, "internal": internal, "customer_speaks": customer}, **common)
            for piece in pieces
        ]
        steps[-1] = steps[-1].model_copy(update={"media": tuple(media)})
        return steps


_STATUSES = {
    401: AuthFailed,
    403: AuthFailed,
    404: Gone,
    410: Gone,
    400: Rejected,
    409: Rejected,
    413: Rejected,
    422: Rejected,
}


def _expect_success(answer: Response) -> None:
    """An error of the vendor by its status; 5xx leaves open whether anything was done."""
    if answer.ok:
        return
    code = f"http {answer.status}"
    if answer.status == 429:
        raise Throttled(f"{answer.where}: too many requests", code=code, retry_after=answer.retry_after or 30)
    if answer.status in _STATUSES:
        raise _STATUSES[answer.status](f"{answer.where}: {answer.status}", code=code)
    raise Retryable(f"{answer.where}: {answer.status}", code=code, certain=answer.safe)


def _object(body: bytes) -> dict[str, Any]:
    try:
        message = json.loads(body)["message"]
        found: dict[str, Any] = {"id": int(message["id"])} | message
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Malformed("not a callback of Post") from None
    return found


def _raw(message: dict[str, Any]) -> Raw:
    return Raw(key=f"message:{message['id']}", payload=json.dumps(message, ensure_ascii=False).encode())


def _receipt(message: dict[str, Any]) -> Receipt:
    try:
        return Receipt(ids=(str(message["id"]),), conversation=str(message["thread"]))
    except KeyError:
        raise Retryable("the answer names no message", certain=False) from None


def _split(text: str) -> list[str]:
    """Pieces of at most MAX_TEXT bytes that end between characters."""
    pieces, rest = [], text.encode()
    while rest:
        piece = rest[:MAX_TEXT].decode("utf-8", "ignore")
        pieces.append(piece)
        rest = rest[len(piece.encode()) :]
    return pieces
