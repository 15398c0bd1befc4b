"""`ssl_verify` of one model: who may answer for it, besides hosts with a certificate that everybody trusts."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig import message
from rig_endpoints import ENDPOINTS, REFUSAL, asking
from rig_upstream import FORMATS, STREAMS, Asked, Upstream, answer, entry, upstream

from router_config import NoProviderAvailable, Router

pytestmark = [
    pytest.mark.machine_clock,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with openssl"),
]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    made = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 3650 -subj /CN=localhost"
    subprocess.run(
        [*made.split(), "-addext", "subjectAltName=IP:127.0.0.1"], cwd=folder, check=True, capture_output=True
    )
    return folder / "cert.pem"


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return made


@pytest.fixture
def private_host(tls: ssl.SSLContext, prefix: str) -> Iterator[Upstream]:
    def said(asked: Asked) -> bytes:
        if b'"stream"' in asked.body or "stream" in asked.line:
            return answer(STREAMS[prefix], content_type="text/event-stream")
        return answer(FORMATS[prefix])

    with upstream(said, tls) as host:
        yield host


def router(host: Upstream, prefix: str, verify: Any) -> Router:
    model = entry(prefix, host.address)
    if verify is not None:
        model["litellm_params"]["ssl_verify"] = verify
    return Router([model], timeout=10.0)


@pytest.mark.parametrize("prefix", FORMATS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_model_is_verified_as_its_entry_says(
    private_host: Upstream, prefix: str, certificate: Path, stream: bool
) -> None:
    verify: Any
    for verify in (False, str(certificate)):
        asked: Any = router(private_host, prefix, verify)
        for _ in range(3):
            reply = asked.completion("default", message(), stream=stream)
            text = [each.choices[0].delta.content or "" for each in reply if each.choices] if stream else []
            assert ("".join(text) if stream else reply.choices[0].message.content) == "Hold."
        asked.close()
    assert not any(b"ssl_verify" in each.body for each in private_host.asked)
    before = len(private_host.asked)
    for verify in (None, True):
        asked = router(private_host, prefix, verify)
        with pytest.raises(NoProviderAvailable):
            asked.completion("default", message(), stream=stream)
        asked.close()
    assert len(private_host.asked) == before


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_it_holds_at_every_endpoint(endpoint: str, tls: ssl.SSLContext, certificate: Path) -> None:
    for verify, asked in ((False, 1), (str(certificate), 1), (True, 0)):
        params = {"ssl_verify": verify}
        with asking(endpoint, lambda _: REFUSAL, tls, params) as (host, _, failing):
            failing()
            assert len(host.asked) == asked
            assert not any(b"ssl_verify" in each.body for each in host.asked)
