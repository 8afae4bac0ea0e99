"""A desk that echoes: SECRET=whsec_… BRIDGE=https://bridge.example.com/hooks/ours PORT=8000 python3 desk.py"""

import base64
import hmac
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from urllib.request import Request, urlopen

KEY = base64.b64decode(os.environ.get("SECRET", "").removeprefix("whsec_"))
SEEN: set[str] = set()  # keep it in your database, in one transaction with the ticket
ANSWERS: "Queue[dict[str, str]]" = Queue()


def signature(name: str, moment: str, body: bytes) -> str:
    signed = hmac.new(KEY, f"{name}.{moment}.".encode() + body, "sha256").digest()
    return "v1," + base64.b64encode(signed).decode()


def post_answers() -> None:
    """One after the other, each again and again under one id: whatever the bridge takes twice it keeps once."""
    while message := ANSWERS.get():
        body, status = json.dumps(message).encode(), 503
        while status >= 500:
            moment, headers = str(int(time.time())), {"content-type": "application/json", "webhook-id": message["id"]}
            headers |= {"webhook-timestamp": moment, "webhook-signature": signature(message["id"], moment, body)}
            try:
                status = urlopen(Request(os.environ["BRIDGE"], body, headers)).status
            except OSError as error:  # from 400 to 499 it will never be taken: the answer says why
                status = getattr(error, "code", 503)
                time.sleep(0.2)


class Desk(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        name, moment = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "0")
        given = self.headers.get("webhook-signature", "").encode()
        right = hmac.compare_digest(given, signature(name, moment, body).encode())
        right = right and abs(time.time() - int(moment)) < 300
        if right and name not in SEEN:
            SEEN.add(name)
            told = json.loads(body)
            print(json.dumps(told), flush=True)  # told["ticket"], told["text"], told["files"] …
            if told["type"] == "message" and told["from"] == "customer":
                answer = {"type": "answer", "ticket": told["ticket"], "id": f"re-{name}"}
                ANSWERS.put(answer | {"text": f"echo: {told['text']}"})
        self.send_response(204 if right else 401)
        self.end_headers()


if __name__ == "__main__":
    threading.Thread(target=post_answers, daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Desk).serve_forever()
