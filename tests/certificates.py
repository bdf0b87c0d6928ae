"""One certificate, for programs that ask nobody by TLS: to load all that are known takes 50 ms."""

import atexit
import tempfile
from pathlib import Path

import certifi


def _one() -> str:
    file = tempfile.NamedTemporaryFile("w", prefix="certificate-", suffix=".pem")  # noqa: SIM115
    known, end, _ = Path(certifi.where()).read_text().partition("-----END CERTIFICATE-----\n")
    file.write(known + end)
    file.flush()
    atexit.register(file.close)
    return file.name


CERTIFICATE = ("SSL_CERT_FILE", _one())
