"""Runs a peer under the same server settings as the bridge: `python -m tests.bench.peers.serve MODULE PORT`."""

import importlib
import sys

import uvicorn


def main() -> None:
    module = importlib.import_module(f"tests.bench.peers.{sys.argv[1]}")
    uvicorn.run(
        module.make(*sys.argv[3:]),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=75,
        h11_max_incomplete_event_size=16384,
    )


if __name__ == "__main__":
    main()
