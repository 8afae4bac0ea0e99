"""`bridge entry`: what it prints works: the button, and code that signs what the bridge believes."""

import hashlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.routing.contexts import verify
from bridge.testing.e2e import prefork
from tests.e2e.test_config import GOOD

CALLS = {
    "python": 'print(session_from("order", customer_id="42", tier="gold", order="7/ü", customer="oA"))',
    "node": 'console.log(sessionFrom({entry: "order", customerId: "42", tier: "gold", order: "7/ü", customer: "oA"}))',
    "java": "",
    "php": 'echo session_from("order", "42", "gold", "7/ü", "oA");',
}
WHOSE = hashlib.sha256(b"oA").hexdigest()[:16]
MAIN = (
    "class Main { public static void main(String[] a) throws Exception { System.out.println(SessionFrom.of("
    r'"order", "\"c\":\"42\",\"t\":\"gold\",\"o\":\"7/\u00fc\",\"u\":\"' + WHOSE + r'\"", 60)); } }'
)


def entry(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = folder / "config.toml"
    path.write_text(GOOD, encoding="utf-8")
    return prefork.run("entry", "--config", str(path), *words)


def test_the_button_is_ready_to_paste(tmp_path: Path) -> None:
    done = entry(tmp_path, "order-detail", "--page", "pages/order/detail?id=1&x=2")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == (
        '<button open-type="contact" session-from="order-detail" show-message-card="{{true}}" '
        'send-message-path="pages/order/detail?id=1&amp;x=2">联系客服</button>'
    )
    assert 'session-from="shop=7"' in entry(tmp_path, "x", "--session-from", "shop=7").stdout


def test_a_channel_without_a_button_is_said(tmp_path: Path) -> None:
    done = entry(tmp_path, "x", "--channel", "desk")
    assert done.returncode == 1
    assert done.stderr.strip() == "--channel: 'desk' has no button for its pages; those that have: shop"


@pytest.mark.parametrize("language", CALLS)
def test_the_code_signs_what_the_bridge_believes(tmp_path: Path, language: str) -> None:
    made = json.loads(entry(tmp_path, "order", "--signed", "--language", language, "--json").stdout)
    assert 'session-from="{{sessionFrom}}"' in made["button"]
    code, key = made["code"][language], made["key"]
    if language == "java":
        file = tmp_path / "Main.java"
        imports = [line for line in code.splitlines() if line.startswith("import ")]
        rest = [line for line in code.splitlines() if not line.startswith("import ")]
        file.write_text("\n".join([*imports, MAIN, *rest]), encoding="utf-8")
        command = ["java", "-Dfile.encoding=UTF-8", str(file)]
    else:
        file = tmp_path / "code"
        file.write_text(f"{code}\n{CALLS[language]}\n", encoding="utf-8")
        command = [{"python": sys.executable, "node": "node", "php": "php"}[language], str(file)]
    run = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin", "BRIDGE_CONTEXT_KEY": key}
    )
    claims = verify(run.stdout.strip(), key, "oA", datetime.now(UTC))
    assert {name: claims[name] for name in "ecto"} == {"e": "order", "c": "42", "t": "gold", "o": "7/ü"}
    assert claims["u"] == WHOSE
