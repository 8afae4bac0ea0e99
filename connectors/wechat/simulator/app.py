"""One app as its admin set it up."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from connectors.wechat.simulator.push import DataFormat, Mode

# the vendor's sample key: its last character is not canonical base64
KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


@dataclass(frozen=True, slots=True)
class App:
    """What an app's admin chose, and what the platform does for it."""

    app_id: str = "wx0123456789abcdef"
    app_secret: str = "0123456789abcdef0123456789abcdef"  # noqa: S105 # a simulator's
    token: str = "simulated"  # noqa: S105 # a simulator's
    encoding_aes_key: str = KEY
    original_id: str = "gh_97417a04a28d"
    mode: Mode = "secure"
    data_format: DataFormat = "json"
    flavour: Literal["mini_program", "official_account"] = "mini_program"
    deliveries: int = 3  # users see three in all, the text may be read as four
    identical_repeats: bool = False
    text_prefix: bool = True
    refuse_escapes: bool = True
    replies: int = 5
    lasts: timedelta = timedelta(hours=48)
    on_entry: int = 2
    entry_lasts: timedelta = timedelta(minutes=1)
