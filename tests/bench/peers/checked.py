"""The connector's own check of a callback, without the bridge around it."""

from datetime import UTC, datetime

from starlette.requests import Request as WebRequest

from bridge.contract import Raw, Request
from connectors.tencent.crypto import Vault
from connectors.wechat.callback import check_push
from connectors.wechat.settings import Settings
from tests.bench import constants

_SETTINGS = Settings(
    app_id=constants.APP_ID, app_secret="0" * 32, token=constants.TOKEN, encoding_aes_key=constants.AES_KEY
)
_VAULT = Vault(constants.AES_KEY, constants.APP_ID)


async def checked(web: WebRequest) -> Raw:
    """The authentic payload and its key. Raises what the connector raises."""
    request = Request(
        method=web.method, path=web.url.path, query=web.query_params.multi_items(), headers={},
        body=await web.body(), client="", at=datetime.now(UTC),
    )  # fmt: skip
    return check_push(request, _SETTINGS, _VAULT).raws[0]
