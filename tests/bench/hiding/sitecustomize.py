"""Python loads this at the start of a measured process: it hides the modules that BENCH_HIDDEN names."""

import os
import sys
from importlib.machinery import ModuleSpec

_HIDDEN = frozenset(os.environ.get("BENCH_HIDDEN", "").split(","))


class _Hide:
    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        if name.partition(".")[0] in _HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


sys.meta_path.insert(0, _Hide)
