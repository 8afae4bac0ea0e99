"""The addresses of the API."""

from starlette.routing import BaseRoute, Route

from bridge.api.access import Access, Acts
from bridge.api.contexts import Contexts
from bridge.api.figures import PATH as FIGURES
from bridge.api.figures import FiguresApi
from bridge.api.messages import PATH, Messages
from bridge.engine.context import Runtime
from mappings.store import Store


def api_routes(runtime: Runtime, store: Store, act: Acts) -> list[BaseRoute]:
    """All of them, behind the bearer token."""
    access = Access(runtime.settings.bridge.api_token.get_secret_value())
    messages = Messages(runtime, store, act)
    figures = FiguresApi(runtime, store)
    return [
        Route("/api/context", access.guard(Contexts(runtime, act).take), methods=["POST"]),
        Route(PATH, access.guard(messages.take), methods=["POST"]),
        Route(f"{PATH}/{{id}}", access.guard(messages.show), methods=["GET"]),
        Route(FIGURES, access.guard(figures.show), methods=["GET"]),
        Route(f"{FIGURES}/{{what}}", access.guard(figures.stream), methods=["GET"]),
    ]
