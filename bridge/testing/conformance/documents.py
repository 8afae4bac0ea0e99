"""What a connector says about itself: README.md and quality.toml beside its code."""

import inspect
import re
from pathlib import Path

from bridge.contract import AccountConfig
from bridge.testing.conformance.case import ConnectorCase
from bridge.testing.quality import find_gaps, read_quality

HEADINGS = ("What gets across", "Set up", "Configuration", "Limits", "Trouble")
"""Second-level headings that a connector's README.md must have, in any order; more are welcome."""


class Documents(ConnectorCase):
    """The documents are in the connector's own folder."""

    def _folder(self) -> Path:
        return Path(inspect.getfile(self.connector)).parent

    def test_the_readme_has_its_headings(self) -> None:
        text = (self._folder() / "README.md").read_text("utf-8")
        found = re.findall(r"^##\s+(.+?)\s*$", text, re.MULTILINE)
        missing = [heading for heading in HEADINGS if heading not in found]
        assert not missing, f"README.md lacks the headings {missing}"

    def test_the_readme_names_every_key(self) -> None:
        text = (self._folder() / "README.md").read_text("utf-8")
        inherited = set(AccountConfig.model_fields)
        missing = [name for name in self.connector.Config.model_fields if name not in inherited and name not in text]
        assert not missing, f"README.md does not mention the keys {missing}"

    def test_the_quality_file_is_complete(self) -> None:
        path = self._folder() / "quality.toml"
        gaps = find_gaps(read_quality(path), path)
        assert not gaps, "\n".join(gaps)
