"""`/rate/{token}`: a customer says how it was. The token names one question, is signed, ends, and counts once."""

from functools import partial

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bridge.api.access import Acts
from bridge.contract import Limit, Limits
from bridge.engine.context import Runtime, Work
from bridge.engine.conversation import survey
from bridge.services.faults import Fault, fault_of
from bridge.services.tokens import open_number
from bridge.web.bodies import form_of, whole_body
from bridge.web.rating_page import HEADERS, LONGEST, form_page, word_page
from mappings import links, surveys
from mappings.subjects import is_erased

_LARGEST = 16 * 2**10
_FIELDS = 10
_LIMITS = {"question": Limit(20, 10)}  # forged tokens ask the database nothing


class RatingPages:
    """The page and its form."""

    def __init__(self, runtime: Runtime, act: Acts) -> None:
        self._runtime, self._act = runtime, act
        self._limits = Limits(_LIMITS, runtime.now)

    async def show(self, request: Request) -> Response:
        """The question, or why there is none."""
        return await self._answer(request, None, "")

    async def take(self, request: Request) -> Response:
        """What the customer chose."""
        body = await whole_body(request, _LARGEST)
        if body is None:
            return Response(status_code=413)
        given = form_of(body, _FIELDS)
        if given is None:
            return Response(status_code=400)
        score = given.get("score", "")
        comment = " ".join(given.get("comment", "").split())[:LONGEST]
        return await self._answer(request, int(score) if score in {"1", "2", "3", "4", "5"} else 0, comment)

    async def _answer(self, request: Request, score: int | None, comment: str) -> Response:
        language = "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"
        number = open_number(self._runtime.survey_key, str(request.path_params["token"]), self._runtime.now())
        if number is None:
            return _html(word_page(language, "gone"), 404)
        if wait := self._limits.wait("question", str(number)):
            return _html(word_page(language, "down"), 429, {"retry-after": str(int(wait) + 1)})
        try:
            status, scale, asks = await self._act(partial(_rate, number, score, comment))
        except Exception as error:
            if fault_of(error) is not Fault.STORE:
                raise
            return _html(word_page(language, "down"), 503)
        if status in {404, 409}:
            return _html(word_page(language, "gone" if status == 404 else "used"), status)
        if status == 200 and score:
            return _html(word_page(language, "done"))
        return _html(form_page(language, scale, comment=asks, wrong=status == 422), status)


def _rate(number: int, score: int | None, comment: str, work: Work) -> tuple[int, int, bool]:
    """(status, scale, whether a comment is wanted): 404 when nobody is asked any more, 409 when it was answered."""
    row = surveys.get_survey(work.tx, number)
    if row is None or row.state == "void":
        return 404, 5, False
    link = links.get_link(work.tx, row.link_id, lock=True)
    wanted = survey.wanted_of(work, link)
    row = surveys.get_survey(work.tx, number)
    if row is None or wanted is None or is_erased(link):
        return 404, 5, False
    if row.state == "rated":
        return 409, wanted.scale, False
    if score is not None and (not score or (wanted.scale == 3 and score in {2, 4})):
        return 422, wanted.scale, wanted.comment
    if score:
        survey.rate(work, link, row, score, comment if wanted.comment else "")
    return 200, wanted.scale, wanted.comment


def _html(text: str, status: int = 200, more: dict[str, str] | None = None) -> Response:
    return HTMLResponse(text, status, HEADERS | (more or {}))
