"""A channel without a vendor: customers write, read and send files, and nobody can ask it what became of a message."""

import base64
import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request as WebRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.contract import (
    AccountConfig,
    Audience,
    Author,
    AuthorKind,
    CallbackResult,
    Capabilities,
    Connector,
    File,
    Health,
    Malformed,
    Media,
    MediaRule,
    Message,
    MessageReceived,
    Phrases,
    Raw,
    Receipt,
    RenderContext,
    Reply,
    Request,
    Retryable,
    Role,
    Step,
    Support,
    Target,
    Text,
    Unauthentic,
    files_in,
    read_files,
)
from bridge.testing.clock import system_clock
from bridge.testing.e2e.process import knock
from bridge.testing.simulator import Simulator

_FILE = MediaRule(support=Support.FULL, max_bytes=1_000_000)
_SECRET = "secret-of-the-messenger"  # noqa: S105 - of nobody


class MessengerConfig(AccountConfig):
    """The keys of its account."""

    kind: Literal["messenger"] = "messenger"
    api_base: str
    secret: SecretStr


class _Said(BaseModel):
    id: int
    customer: str
    text: str = ""
    file: str = ""


class Messenger(Connector[MessengerConfig]):
    """Its customers. Texts of any length, files up to a megabyte."""

    contract: ClassVar[str] = "1.0"
    kind: ClassVar[str] = "messenger"
    roles: ClassVar[frozenset[Role]] = frozenset({Role.CHANNEL})
    Config = MessengerConfig
    capabilities = Capabilities(max_text_bytes=1_000_000, image=_FILE, voice=_FILE, video=_FILE, file=_FILE)

    def verify(self, request: Request) -> CallbackResult:
        given = request.headers.get("x-secret", "")
        if not hmac.compare_digest(given.encode(), self.config.secret.get_secret_value().encode()):
            raise Unauthentic("another secret")
        try:
            said = _Said.model_validate_json(request.body)
        except ValidationError:
            raise Malformed("not a callback of the messenger") from None
        return CallbackResult(Reply(200, "ok"), raws=(Raw(key=f"message:{said.id}", payload=request.body),))

    def normalise(self, raw: Raw) -> Sequence[MessageReceived]:
        try:
            said = _Said.model_validate_json(raw.payload)
        except ValidationError:
            raise Malformed("not a message of the messenger") from None
        media = Media(account=self.account.name, id=said.file or "?")
        part = File(media=media) if said.file else Text(body=said.text)
        author = Author(kind=AuthorKind.CUSTOMER, id=said.customer)
        return [
            MessageReceived(message=Message(id=str(said.id), conversation=said.customer, author=author, parts=(part,)))
        ]

    def fetch(self, media: Media, limit: int) -> AsyncIterator[bytes]:
        return self.account.http.download(f"{self.config.api_base}/files/{media.id}", limit=limit)

    def render(self, messages: Sequence[Message], context: RenderContext) -> Sequence[Step]:
        """One step per message: its words, and its files beside them."""
        phrases = Phrases(context.language)
        steps = []
        for message in messages:
            if message.audience is Audience.AGENTS:
                continue
            media = tuple(file for part in message.parts for file, _ in files_in(part) if self._takes(file))

            def said_of(file: Media, kind: str, taken: tuple[Media, ...] = media) -> str:
                return "" if file in taken else phrases.file(file, kind, "large")

            text = phrases.message(message, said_of)
            steps.append(Step(verb="say", body={"text": text}, media=media, covers=(message.id,)))
        return steps

    async def deliver(self, step: Step, target: Target) -> Receipt:
        found, missing = await read_files(self.account.media, step.media)
        lines = [Phrases(self.account.language).file(media, "file", "missing") for media in missing]
        body = {
            "text": "\n".join(filter(None, [step.body["text"], *lines])),
            "files": [base64.b64encode(data).decode() for _, data in found],
        }
        customer = target.conversation or target.contact.id
        answer = await self.account.http.request("POST", f"{self.config.api_base}/phones/{customer}", json=body)
        if not answer.ok:
            raise Retryable(f"{answer.where}: {answer.status}", certain=answer.safe)
        return Receipt(ids=(str(answer.json()["id"]),), conversation=customer)

    async def check(self) -> Health:
        return Health()

    def _takes(self, file: Media) -> bool:
        return bool(file.sha256) and _FILE.fits(file.mime, file.size)


class MessengerSimulator(Simulator):
    """The phones. `texts` and `pictures` are what the service sent to each."""

    def __init__(self, *, clock: Callable[[], datetime] = system_clock, hook_url: str = "") -> None:
        super().__init__(clock=clock)
        self.hook_url = hook_url
        self.texts: dict[str, list[str]] = {}
        self.pictures: dict[str, list[bytes]] = {}
        self._files: dict[str, bytes] = {}
        self._count = 0
        self.app = Starlette(
            routes=[Route("/phones/{phone}", self._take, methods=["POST"]), Route("/files/{file}", self._give)]
        )

    def settings(self) -> dict[str, Any]:
        return {"kind": "messenger", "api_base": self.base, "secret": _SECRET}

    async def says(self, customer: str, text: str) -> None:
        """A customer writes; the bridge is called until it takes it, as platforms do."""
        await self._call(customer, text=text)

    async def sends_image(self, customer: str, data: bytes) -> None:
        """A customer sends a file of any kind."""
        name = f"file-{len(self._files) + 1}"
        self._files[name] = data
        await self._call(customer, file=name)

    def received(self, customer: str) -> list[str]:
        return list(self.texts.get(customer, ()))

    def files(self, customer: str) -> list[bytes]:
        """The files that the service sent to this phone."""
        return list(self.pictures.get(customer, ()))

    async def _call(self, customer: str, **words: str) -> None:
        self._count += 1
        body = {"id": self._count, "customer": customer, **words}
        await knock(self.hook_url, body, {"x-secret": _SECRET})

    async def _take(self, request: WebRequest) -> Response:
        body = await request.json()
        phone = request.path_params["phone"]
        if body["text"]:
            self.texts.setdefault(phone, []).append(body["text"])
        self.pictures.setdefault(phone, []).extend(base64.b64decode(file) for file in body["files"])
        self._count += 1
        return JSONResponse({"id": self._count})

    async def _give(self, request: WebRequest) -> Response:
        data = self._files.get(request.path_params["file"])
        return Response(data, 200) if data is not None else Response(status_code=404)
