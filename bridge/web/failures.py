"""What a page or the API answers to a failure, by whose fault it is."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bridge.services.faults import Fault, fault_of

_STATUS = {Fault.STORE: 503, Fault.INPUT: 400, Fault.BUG: 500}
_SAID = {
    Fault.STORE: "the database is in trouble; try again",
    Fault.INPUT: "what was sent cannot be used",
    Fault.BUG: "something went wrong; the log says what",
}


async def failed(_request: Request, error: Exception) -> Response:
    """JSON, with nothing of what the exception says: that may be somebody's words."""
    fault = fault_of(error)
    headers = {"retry-after": "5"} if fault is Fault.STORE else None
    return JSONResponse({"error": _SAID[fault]}, _STATUS[fault], headers)
