"""The contract's version, and whether a connector that was written for another one fits."""

VERSION = "1.3.0"
"""Semantic: a larger first number takes something away or changes it, a larger second one adds something that may be
used, the third mends. docs/contract-changelog.md says what changed."""


def misfit(wanted: str) -> str:
    """Why a connector written for `wanted` ("1.2", `Connector.contract`) does not fit here; "" when it does."""
    if not wanted:
        return ""
    parts = wanted.split(".")
    if not 1 <= len(parts) <= 3 or not all(part.isdecimal() for part in parts):
        return f"its contract version is {wanted!r}: write it as '1.0'"
    major, minor = int(parts[0]), int(parts[1]) if len(parts) > 1 else 0
    here = [int(part) for part in VERSION.split(".")]
    if major != here[0]:
        return f"it was written for contract {wanted}, this bridge has {VERSION}: install a version of either that fits"
    if minor > here[1]:
        return f"it needs contract {wanted}, this bridge has {VERSION}: update the bridge"
    return ""
