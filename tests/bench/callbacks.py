"""Callbacks made before the clock starts: signed, encrypted, each with a message id of its own."""

import random
import time
from urllib.parse import urlencode

from connectors.wechat.simulator.push import DataFormat, callback
from tests.bench import constants

_FILLER = "你好，我的订单还没有发货，请帮我看一下。"  # an ordinary sentence of a customer


def build(customer: int, number: int, data_format: DataFormat = "json") -> bytes:
    """One whole HTTP request. Its text carries `m-customer-number`, by which the desk checks the order."""
    fields = {
        "ToUserName": constants.ORIGINAL_ID,
        "FromUserName": constants.openid(customer),
        "CreateTime": int(time.time()),
        "MsgType": "text",
        "Content": f"m-{customer}-{number} {_FILLER}",
        "MsgId": random.randrange(10**16, 10**17),
    }
    query, body = callback(
        fields, token=constants.TOKEN, key=constants.AES_KEY, app_id=constants.APP_ID, mode="secure",
        data_format=data_format,
    )  # fmt: skip
    kind = "application/json" if data_format == "json" else "text/xml"
    head = (
        f"POST {constants.PATH}?{urlencode(query)} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: Mozilla/4.0\r\n"
        f"accept: */*\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
