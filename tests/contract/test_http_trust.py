"""Whose certificates are taken: those of the authorities that everybody trusts, whatever the environment says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.contract import Http, Retryable
from bridge.contract.transport import trusted
from tests.contract.sockets import sends, serving
from tests.contract.test_http_download import SECRET, contexts

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("vouched", [True, False])
async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, vouched: bool) -> None:
    """At an account's own address as well. Not a byte of the request gets there."""
    server, _ = contexts(tmp_path, "localhost")
    trusted.cache_clear()
    if vouched:
        trusted().load_verify_locations(tmp_path / "server.pem")
    try:
        async with serving(sends(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), ssl=server) as vendor:
            http = Http(home=f"https://localhost:{vendor.port}")
            if vouched:
                answer = await http.request("GET", f"https://localhost:{vendor.port}/", headers=SECRET)
                assert (answer.status, len(vendor.heads)) == (200, 1)
            else:
                with pytest.raises(Retryable) as caught:
                    await http.request("GET", f"https://localhost:{vendor.port}/", headers=SECRET)
                assert (caught.value.code, caught.value.certain, vendor.heads) == ("ConnectError", True, [])
            await http.close()
    finally:
        trusted.cache_clear()


@pytest.mark.parametrize("named", [None, "/nowhere/else.pem"])
def test_loading_aiohttp_leaves_the_environment_as_it_was(named: str | None) -> None:
    """Nothing is changed, not even while it is imported: other threads read it, too."""
    code = (
        "import os, ssl\nfrom bridge.contract.transport import trusted\ncontext = trusted()\n"
        "print(context.cert_store_stats()['x509_ca'] > 50, context.verify_mode == ssl.CERT_REQUIRED,"
        " context.check_hostname, os.environ.get('SSL_CERT_FILE'), 'FROZENLIST_NO_EXTENSIONS' in os.environ)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment | ({"SSL_CERT_FILE": named} if named else {}),
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["True", "True", "True", str(named), "False"], done.stderr
