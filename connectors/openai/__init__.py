"""Any server that speaks OpenAI's chat completions, as a bot."""

from connectors.openai.connector import ChatModel

__all__ = ["ChatModel"]
