"""wechatpy in Starlette: opens the callback, stores nothing."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.bench.peers.noop import ready
from tests.bench.peers.opened import opened


async def answer(request: Request) -> Response:
    query = request.query_params
    opened(await request.body(), query["msg_signature"], query["timestamp"], query["nonce"])
    return PlainTextResponse("success")


def make() -> Starlette:
    return Starlette(routes=[Route("/hooks/{account}", answer, methods=["GET", "POST"]), Route("/", ready)])
