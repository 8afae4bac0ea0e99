"""Cutting the quote off an answer. Tables in this package, rules in `text.py`, `quote.py` and `html.py`."""

from connectors.email.cut.html import cut_html
from connectors.email.cut.text import Cut, cut_text, is_history

__all__ = ["Cut", "cut_html", "cut_text", "is_history"]
