"""How Slack and GitHub sign what they send."""

import hashlib
import hmac


def slack(body: bytes, secret: str, timestamp: str) -> dict[str, str]:
    """Return the headers with which Slack signs a body at a time, in seconds."""
    signed = b"v0:" + timestamp.encode() + b":" + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return {"x-slack-request-timestamp": timestamp, "x-slack-signature": f"v0={digest}"}


def github(body: bytes, secret: str, algorithm: str = "sha256") -> str:
    """Return the signature that GitHub puts into a delivery's header."""
    return f"{algorithm}={hmac.new(secret.encode(), body, algorithm).hexdigest()}"
