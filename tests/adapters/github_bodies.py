"""Webhook bodies as GitHub sends them, and how it signs them."""

import json
from typing import Any

from tests import signing

SECRET = "webhook-secret"
SHA = "4af9ec0" + "0" * 33


def merged(**changes: Any) -> dict[str, Any]:
    """Return a pull_request event of a merge; keys with "__" change what is nested."""
    data: dict[str, Any] = {
        "action": "closed",
        "number": 7,
        "repository": {"id": 42, "full_name": "acme/shop"},
        "pull_request": {
            "number": 7,
            "title": "Faster checkout",
            "body": "Because slow.",
            "html_url": "https://github.com/acme/shop/pull/7",
            "merged": True,
            "merge_commit_sha": SHA,
            "base": {"ref": "main"},
            "head": {"ref": "alice/faster"},
            "user": {"login": "alice"},
            "merged_by": {"login": "bob"},
        },
    }
    for path, value in changes.items():
        *parents, key = path.split("__")
        place = data
        for parent in parents:
            place = place[parent]
        place[key] = value
    return data


def encoded(data: object) -> bytes:
    """Return the body's bytes."""
    return json.dumps(data).encode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Return the headers of a signed delivery."""
    return {
        "X-GitHub-Event": "pull_request",
        "X-GitHub-Delivery": "d-1",
        "X-Hub-Signature-256": signing.github(body, secret),
    }
