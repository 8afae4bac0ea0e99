"""A route that does nothing: what the server itself costs."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route


async def nothing(request: Request) -> Response:
    await request.body()
    return PlainTextResponse("success")


async def ready(_request: Request) -> Response:
    return PlainTextResponse("ok")


def make() -> Starlette:
    return Starlette(routes=[Route("/hooks/{account}", nothing, methods=["GET", "POST"]), Route("/", ready)])
