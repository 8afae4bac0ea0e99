"""The C library's memory: what is freed goes back into few places."""

_ARENA_MAX = -8  # https://www.gnu.org/software/libc/manual/html_node/Malloc-Tunable-Parameters.html
_ARENAS = 2


def share_arenas() -> None:
    """Lets all threads share two of glibc's arenas. Each thread would have one of its own, and in each would stay what
    its largest page or picture needed once: tens of megabytes. Other C libraries have no such thing.
    """
    import ctypes

    try:
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)
    except (OSError, TypeError, AttributeError):
        return
