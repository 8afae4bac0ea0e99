"""The addresses of the API."""

from starlette.routing import BaseRoute, Route

from bridge.api.access import Access, Act, Acts
from bridge.api.contexts import Contexts
from bridge.api.conversations import PATH as CONVERSATIONS
from bridge.api.conversations import PEOPLE, Conversations
from bridge.api.description import show_description
from bridge.api.figures import PATH as FIGURES
from bridge.api.figures import FiguresApi
from bridge.api.messages import PATH, Messages
from bridge.engine.context import Runtime
from mappings.store import Store


def api_routes(runtime: Runtime, store: Store, act: Acts, consents: Act) -> list[BaseRoute]:
    """All of them, behind the bearer token."""
    access = Access(runtime.settings.bridge.api_token.get_secret_value(), store, runtime.now)
    messages = Messages(runtime, store, act)
    kept = Conversations(runtime, store)
    figures = FiguresApi(runtime, store)
    return [
        Route("/api/context", access.guard(Contexts(runtime, act).take, "context"), methods=["POST"]),
        Route("/api/consents", access.guard(consents, "context"), methods=["POST"]),
        Route("/api/openapi.json", access.guard(show_description, ""), methods=["GET"]),
        Route(PATH, access.guard(messages.take, "send"), methods=["POST"]),
        Route(f"{PATH}/{{id}}", access.guard(messages.show, "read"), methods=["GET"]),
        Route(CONVERSATIONS, access.guard(kept.show_all, "read"), methods=["GET"]),
        Route(f"{CONVERSATIONS}/{{id}}", access.guard(kept.show, "read"), methods=["GET"]),
        Route(f"{PEOPLE}/{{id}}", access.guard(kept.show_person, "read"), methods=["GET"]),
        Route(FIGURES, access.guard(figures.show, "figures"), methods=["GET"]),
        Route(f"{FIGURES}/{{what}}", access.guard(figures.stream, "figures"), methods=["GET"]),
    ]
