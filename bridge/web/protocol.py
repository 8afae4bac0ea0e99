"""Which way requests are read, and for how many connections this process has room."""

import asyncio
from importlib import import_module

import structlog

log = structlog.get_logger("bridge.web")

LONGEST_HEAD = 32 * 2**10  # bytes
_OWN_FILES = 256  # the database, files that are read, connections to vendors
_ENOUGH = 8192


def choose_protocol() -> "type[asyncio.Protocol] | str":
    """Our own connection, or the web server's plainest where that cannot be imported: it rests on a private class of
    the web server's, and one that answers slower is better than none.
    """
    try:
        chosen: type[asyncio.Protocol] = import_module("bridge.web.fastpath").Connection
    except (ImportError, AttributeError) as error:
        log.warning("callbacks take the web server's ordinary way", why=str(error))
        return "h11"
    log.info("callbacks are answered on the connection itself")
    return chosen


def make_room() -> int:
    """Asks the system for as many open files as it allows, within reason; returns how many may be connections."""
    try:
        import resource
    except ImportError:  # Windows: the system has no such limit
        return _ENOUGH
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH + _OWN_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return _ENOUGH if soft == resource.RLIM_INFINITY else max(64, min(_ENOUGH, soft - _OWN_FILES))
