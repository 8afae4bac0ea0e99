"""`/answers/{token}`: all of a bot's answer that was too long for one message. The token is signed and ends."""

import re
from html import escape

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bridge.contract import Limit, Limits, Malformed
from bridge.engine.context import Runtime
from bridge.engine.conversation.bot_words import Whole, whole_answer
from bridge.services.faults import Fault, fault_of
from bridge.services.tokens import open_number
from bridge.web.plain_page import document, headers
from mappings.store import Store

_WORDS = {
    "en": {
        "title": "The whole answer",
        "mark": "This answer was made by a machine. For a person, write “agent” in the chat.",
        "gone": "This link is not valid any more. Please ask again in the chat.",
        "later": "Please try again in a minute.",
    },
    "zh": {
        "title": "完整答复",
        "mark": "本答复由智能助手生成。如需人工服务，请在会话中回复“人工”。",
        "gone": "该链接已失效，请在会话中重新提问。",
        "later": "请稍后再试。",
    },
}
_STYLE = """
:root { color-scheme: light dark; --back: #f5f6f7; --text: #1c2126; --weak: #4d565e; --link: #06663a }
@media (prefers-color-scheme: dark) {
  :root { --back: #16191c; --text: #e9edf0; --weak: #aab4bc; --link: #5fd39c } }
body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.6 system-ui, sans-serif }
main { max-width: 40rem; margin: 0 auto; padding: 1.5rem 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.25rem } p { white-space: pre-line } small { color: var(--weak) } a { color: var(--link) }
"""
HEADERS = headers(_STYLE)
_LIMITS = {"answer": Limit(20, 10)}  # forged tokens ask the database nothing
# a sentence's end is none of it
_URL = re.compile(r"https?://[^\s<>\"'，。！？；）)】]*[^\s<>\"'，。！？；）)】.,;:!?]")


class AnswerPages:
    """The page. Whatever is wrong with a link, nobody is told what."""

    def __init__(self, runtime: Runtime, store: Store) -> None:
        self._runtime, self._store = runtime, store
        self._limits = Limits(_LIMITS, runtime.now)

    async def show(self, request: Request) -> Response:
        """The answer, or that there is none any more."""
        language = "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"
        number = open_number(self._runtime.page_key, str(request.path_params["token"]), self._runtime.now())
        if number is None:
            return _word_page(language, "gone", 404)
        if wait := self._limits.wait("answer", str(number)):
            return _word_page(language, "later", 429, {"retry-after": str(int(wait) + 1)})
        try:
            found = await self._store.read(whole_answer, self._runtime, number)
        except Malformed:  # the bot's kind is another one by now
            found = None
        except Exception as error:
            if fault_of(error) is not Fault.STORE:
                raise
            return _word_page(language, "later", 503)
        return (
            HTMLResponse(answer_page(found), 200, HEADERS) if found is not None else _word_page(language, "gone", 404)
        )


def _word_page(language: str, word: str, status: int, more: dict[str, str] | None = None) -> Response:
    words = _WORDS[language]
    inside = f'<h1 role="status">{escape(words[word])}</h1>'
    return HTMLResponse(document(language, words["title"], _STYLE, inside), status, HEADERS | (more or {}))


def answer_page(whole: Whole) -> str:
    """Words as they are: what looks like markup is shown, not obeyed. Addresses can be followed."""
    words = _WORDS[whole.language]
    paragraphs = "".join(f"<p>{_with_links(one)}</p>" for one in whole.text.split("\n\n"))
    mark = f"<p><small>{escape(words['mark'])}</small></p>" if whole.generated else ""
    return document(whole.language, words["title"], _STYLE, f"<h1>{escape(words['title'])}</h1>{paragraphs}{mark}")


def _with_links(text: str) -> str:
    found, at = [], 0
    for match in _URL.finditer(text):
        url = escape(match[0])
        found += [escape(text[at : match.start()]), f'<a href="{url}" rel="noopener noreferrer nofollow">{url}</a>']
        at = match.end()
    return "".join([*found, escape(text[at:])])
