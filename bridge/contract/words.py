"""Sentences for admins, in both languages."""

from typing import NamedTuple


class Words(NamedTuple):
    """The same in both languages. A plain pair will do where one is asked for."""

    en: str
    zh: str

    def say(self, language: str) -> str:
        """In a language; English where there is no other."""
        return self.zh if language.startswith("zh") else self.en


Said = str | Words
"""A sentence: in English, or in both languages."""


def in_language(said: Said, language: str) -> str:
    """A sentence in a language, as far as it exists there."""
    return said.say(language) if isinstance(said, Words) else said


class WrongValue(ValueError):
    """What is wrong with a value of the configuration. Validators raise it, so that forms say it in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.words = Words(en, zh)
