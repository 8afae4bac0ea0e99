"""What people write: FastAPI and SQLModel, one ORM object and one commit for each message."""

import os
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError
from sqlmodel import Field, Session, SQLModel, create_engine

from tests.bench.peers.opened import opened


class Message(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    sender: str
    text: str
    at: datetime


def make() -> FastAPI:
    engine = create_engine(f"sqlite:///{os.environ['BENCH_DATABASE']}")

    @event.listens_for(engine, "connect")
    def _wal(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined] # the driver's own
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={os.environ.get('BENCH_SYNC', 'NORMAL')}")

    SQLModel.metadata.create_all(engine)
    app = FastAPI()

    @app.get("/")
    def ready() -> str:
        return "ok"

    @app.post("/hooks/{account}", response_class=PlainTextResponse)
    async def answer(account: str, msg_signature: str, timestamp: str, nonce: str, request: Request) -> str:
        sender, number, text = opened(await request.body(), msg_signature, timestamp, nonce)
        try:
            with Session(engine) as session:
                session.add(Message(key=f"{sender}:{number}", sender=sender, text=text, at=datetime.now(UTC)))
                session.commit()
        except IntegrityError:
            pass
        return "success"

    return app
