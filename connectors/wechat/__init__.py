"""WeChat customer service of mini programs and official accounts."""

from connectors.wechat.connector import WeChat

__all__ = ["WeChat"]
