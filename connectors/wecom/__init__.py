"""WeCom's customer service of WeChat users (微信客服)."""

from connectors.wecom.connector import WeCom

__all__ = ["WeCom"]
