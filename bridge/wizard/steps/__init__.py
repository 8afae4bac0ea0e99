"""One module for each step: what its page shows, and what may be done there."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response

from bridge.wizard.setup import Visit
from bridge.wizard.steps import address, checks, side, trip, you

Answering = Callable[[Visit], Awaitable[Response]]

SHOWN: Mapping[str, Answering] = {
    "you": you.show,
    "address": address.show,
    "channel": side.show_channel,
    "desk": side.show_desk,
    "trip": trip.show,
}
DONE: Mapping[str, Answering] = {
    "you": you.save,
    "address": address.save,
    "channel": side.save_channel,
    "desk": side.save_desk,
    "trip": trip.finish,
}
PARTS: Mapping[tuple[str, str], Answering] = {
    ("address", "live"): address.live,
    ("channel", "live"): side.live_channel,
    ("channel", "check"): checks.check_channel,
    ("desk", "check"): checks.check_desk,
    ("desk", "live"): side.live_desk,
    ("trip", "live"): trip.live,
}
