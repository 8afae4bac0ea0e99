"""Everything about somebody in one archive: `person.json` and the files."""

import base64
import json
import zipfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row

from bridge.contract import Rejected
from bridge.privacy import erasing
from bridge.privacy.erasing import Plan
from mappings import holdings, traces
from mappings.private import private_maker
from mappings.store import Tx

if TYPE_CHECKING:
    from bridge.app import Bridge

_MODELS = {"profile", "contact", "context", "fields", "allowance", "proven", "message", "messages", "step", "receipt"}
_MODELS |= {"data"}
"""Columns that hold JSON."""


async def export(bridge: "Bridge", planned: Plan, out: Path) -> dict[str, int]:
    """Writes the archive, for its owner alone to read. Returns how many rows of what. Raises OSError, NotErased."""
    content: dict[str, Any] = {"version": 1, "at": bridge.clock().isoformat(), "person": planned.side.person_id}
    rows = await bridge.store.read(holdings.stored_rows, planned.side)
    content |= {name: [_plain(row) for row in found] for name, found in rows.items()}
    content["inbox"] = await _payloads(bridge, planned)
    content["records"] = await erasing.records_of(bridge, planned.subjects)
    content["not in here"] = (
        "What the helpdesks themselves keep: see docs/privacy.md. Other identities of the same person, exported by "
        f"their own ids: {', '.join(planned.side.others) or 'none'}"
    )
    named = set(traces.files_in([content["outbox"], content["waiting"], content["records"]]))
    media = await bridge.store.read(holdings.media_rows, named)
    content["media"] = [_plain(row) for row in media]
    digests = {digest for _, _, digest in named} | {row.sha256 for row in media}
    names = {row.sha256: row.name for row in media}
    written = _write(bridge, out, content, {digest: names.get(digest, "") for digest in sorted(digests - {""})})
    counted = {name: len(found) for name, found in content.items() if isinstance(found, list)}
    return counted | {"files": written}


def _write(bridge: "Bridge", out: Path, content: Mapping[str, Any], files: Mapping[str, str]) -> int:
    written = 0
    try:
        with open(out, "xb", opener=private_maker) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("person.json", json.dumps(content, ensure_ascii=False, indent=2, default=str))
            for digest, name in files.items():
                try:
                    data = bridge.files.folder.read(digest)
                except Rejected:  # retention has removed it
                    continue
                archive.writestr(f"files/{digest[:16]}{_ending(name)}", data)
                written += 1
    except FileExistsError:
        raise
    except BaseException:
        out.unlink(missing_ok=True)  # half an archive would be taken for a whole one
        raise
    return written


def _ending(name: str) -> str:
    """Of a file's name, where it is one that every system takes."""
    ending = Path(name).suffix
    return ending.lower() if ending.isascii() and ending[1:].isalnum() and len(ending) < 8 else ""


async def _payloads(bridge: "Bridge", planned: Plan) -> list[dict[str, Any]]:
    """The payloads as they came."""
    ids = await erasing.payloads_of(bridge.store, planned.side)
    return [_plain(row) for row in await bridge.store.read(_inbox_rows, sorted(ids))]


def _inbox_rows(tx: Tx, ids: Iterable[int]) -> list[Row[Any]]:
    return traces.payloads(tx, list(ids))


def _plain(row: Row[Any]) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in row._asdict().items()}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return value.isoformat()
    if name in _MODELS and isinstance(value, str) and value[:1] in {"{", "["}:
        return json.loads(value)
    return value
