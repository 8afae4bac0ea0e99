"""`[console]`: the pages for those who run the bridge."""

from bridge.settings.section import Section


class ConsoleSettings(Section):
    """`[console]`. `allow_insecure` serves it, and the set-up's wizard, without TLS beyond this machine."""

    allow_insecure: bool = False
