"""wechatpy in Flask, as its documentation shows: `gunicorn --threads … tests.bench.peers.wechatpy_flask:app`."""

from flask import Flask, request

from tests.bench.peers.opened import opened

app = Flask(__name__)


@app.post("/hooks/<account>")
def answer(account: str) -> str:
    query = request.args
    opened(request.get_data(), query["msg_signature"], query["timestamp"], query["nonce"])
    return "success"


@app.get("/")
def ready() -> str:
    return "ok"
