"""Freed memory goes back into few places, however many threads there are."""

import subprocess
import sys

_THREADS = """
import ctypes, sys, threading
from bridge.allocator import share_arenas
libc = ctypes.CDLL(None)
if not hasattr(libc, "malloc_stats"):  # another C library: nothing to share
    sys.stderr.write("Arena 0:")
    raise SystemExit
share_arenas()
libc.malloc.restype = ctypes.c_void_p
ready = threading.Barrier(8)
def work():
    ready.wait()
    libc.malloc(1000)
threads = [threading.Thread(target=work) for _ in range(8)]
[one.start() for one in threads], [one.join() for one in threads]
libc.malloc_stats()
"""


def test_threads_share_two_arenas() -> None:
    done = subprocess.run([sys.executable, "-c", _THREADS], capture_output=True, text=True, check=True)
    assert 1 <= done.stderr.count("Arena ") <= 2, done.stderr
