"""Who we are to GitHub: a token, or an App with its short-lived installation tokens."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import jwt
from cryptography.exceptions import UnsupportedAlgorithm

from app.core.errors import SourceUnavailable

_EARLY_SECONDS = 300
Call = Callable[[str, str, str], Awaitable[Mapping[str, Any]]]


class Credentials(Protocol):
    """Gives the bearer token for a repository; `call` sends (method, path, token)."""

    async def token(self, repo: str, call: Call) -> str: ...

    def app_token(self) -> str | None:
        """Return a token of the App itself, None if these are no App's credentials."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A personal or fine-grained access token."""

    value: str

    async def token(self, repo: str, call: Call) -> str:
        """Return the token."""
        return self.value

    def app_token(self) -> None:
        """Return nothing: this is no App."""


class App:
    """A GitHub App: signs with its private key for tokens that live one hour.

    https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
    """

    def __init__(self, app_id: str, private_key: str) -> None:
        self._app_id = app_id
        # In an environment variable, line ends are often written as \n.
        self._private_key = private_key.replace("\\n", "\n")
        self._tokens: dict[str, tuple[str, float]] = {}

    async def token(self, repo: str, call: Call) -> str:
        """Return the installation's token, a new one shortly before the old one expires."""
        value, expires = self._tokens.get(repo, ("", 0.0))
        if time.time() < expires - _EARLY_SECONDS:
            return value
        signed = self.app_token()
        try:
            installation = await call("GET", f"/repos/{repo}/installation", signed)
            path = f"/app/installations/{int(installation['id'])}/access_tokens"
            made = await call("POST", path, signed)
            value = str(made["token"])
            expires = datetime.fromisoformat(made["expires_at"]).timestamp()
        except (KeyError, TypeError, ValueError):
            raise SourceUnavailable("GitHub gave no installation token.") from None
        self._tokens[repo] = (value, expires)
        return value

    def app_token(self) -> str:
        """Return a token that says that we are this App; GitHub takes it for ten minutes."""
        # A minute back, because clocks differ.
        now = int(time.time())
        claims = {"iat": now - 60, "exp": now + 540, "iss": self._app_id}
        try:
            return jwt.encode(claims, self._private_key, algorithm="RS256")
        except (jwt.PyJWTError, ValueError, TypeError, UnsupportedAlgorithm):
            sentence = "GITHUB_APP_PRIVATE_KEY is no RSA key in PEM form."
            raise SourceUnavailable(sentence) from None
