"""The page behind `/rate/{token}`: stars, a comment, one button. No script; it works in a mini program's web view."""

from html import escape

from bridge.web.plain_page import document, headers

_WORDS = {
    "en": {
        "title": "How satisfied were you with our service?",
        "5": "very satisfied",
        "4": "satisfied",
        "3": "neutral",
        "2": "dissatisfied",
        "1": "very dissatisfied",
        "comment": "What could we do better? (optional)",
        "send": "Send",
        "choose": "Please choose one of the ratings.",
        "done": "Thank you for your answer.",
        "used": "You have answered already. Thank you.",
        "gone": "This link is not valid any more.",
        "down": "This does not work just now. Please try again in a minute.",
    },
    "zh": {
        "title": "您对本次服务满意吗？",
        "5": "非常满意",
        "4": "满意",
        "3": "一般",
        "2": "不满意",
        "1": "非常不满意",
        "comment": "您希望我们在哪些方面改进？（选填）",
        "send": "提交评价",
        "choose": "请选择一个评价。",
        "done": "感谢您的评价。",
        "used": "您已提交过评价，感谢您的支持。",
        "gone": "该链接已失效。",
        "down": "暂时无法提交，请稍后重试。",
    },
}
_STYLE = """
:root { color-scheme: light dark; --back: #f5f6f7; --card: #fff; --text: #1c2126; --line: #c3c9cf; --go: #06663a }
@media (prefers-color-scheme: dark) {
  :root { --back: #16191c; --card: #1f2429; --text: #e9edf0; --line: #4a535b; --go: #0a7a47 } }
body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 26rem; margin: 0 auto; padding: 1.5rem 1rem }
h1 { font-size: 1.25rem } fieldset { border: 0; margin: 0 0 1rem; padding: 0; display: grid; gap: .5rem }
fieldset label { display: flex; gap: .75rem; align-items: center; min-height: 2.75rem; padding: 0 1rem;
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem }
label:has(:checked) { outline: 3px solid var(--go) }
textarea { width: 100%; box-sizing: border-box; min-height: 5rem; font: inherit; color: inherit; padding: .5rem;
  background: var(--card); border: 1px solid var(--line); border-radius: .6rem }
button { width: 100%; min-height: 2.9rem; margin-top: 1rem; border: 0; border-radius: .6rem; font: inherit;
  background: var(--go); color: #fff }
"""
HEADERS = headers(_STYLE, form=True)
LONGEST = 1000  # characters of a comment


def form_page(language: str, scale: int, *, comment: bool, wrong: bool = False) -> str:
    """The question."""
    words = _WORDS[language]
    shown = (5, 4, 3, 2, 1) if scale == 5 else (5, 3, 1)
    names = {score: words[str(score)] for score in shown}
    if scale == 3:
        names |= {5: words["4"], 1: words["2"]}
    choices = "".join(
        f'<label><input type="radio" name="score" value="{score}" required>'
        f'<span aria-hidden="true">{"★" * score}{"☆" * (5 - score)}</span><span>{escape(name)}</span></label>'
        for score, name in names.items()
    )
    alert = f'<p role="alert">{escape(words["choose"])}</p>' if wrong else ""
    field = (
        f'<label for="comment">{escape(words["comment"])}</label>'
        f'<textarea id="comment" name="comment" maxlength="{LONGEST}"></textarea>'
        if comment
        else ""
    )
    inside = (
        f'<h1 id="ask">{escape(words["title"])}</h1>{alert}<form method="post">'
        f'<fieldset aria-labelledby="ask">{choices}</fieldset>{field}<button>{escape(words["send"])}</button></form>'
    )
    return _page(language, inside)


def word_page(language: str, what: str) -> str:
    """One sentence: done, used, gone or down."""
    return _page(language, f'<div role="status"><h1>{escape(_WORDS[language][what])}</h1></div>')


def _page(language: str, inside: str) -> str:
    return document(language, _WORDS[language]["title"], _STYLE, inside)
