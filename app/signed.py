"""Tokens that say who somebody is while Slack cannot: signed with one key, good for a time."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from app.core.errors import UserError
from app.core.people import Person

ISSUER = "deploybot"
AUDIENCE = "deploybot approve"
ALGORITHM = "HS256"
NO_KEY = (
    "DEPLOYBOT_SIGNING_KEY is not set, so no token can be signed or checked. Set it to at least "
    "32 random bytes, the same here as where tokens are made: `openssl rand -hex 32`."
)
NO_TOKEN = (
    "This token is not one that was signed with this DEPLOYBOT_SIGNING_KEY, or it was altered. "
    "Ask for a new one: `deploybot token --user U… --for 30d`."
)


@dataclass(frozen=True, slots=True)
class Token:
    """Whom a token names, with the user groups it was given; times are in seconds."""

    token_id: str
    person: Person
    expires: int


def sign(key: str, user: str, groups: Sequence[str], issued: int, seconds: int) -> str:
    """Make a token for a person; raise `UserError` without a key."""
    if not key:
        raise UserError(NO_KEY)
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": user,
        "groups": list(groups),
        "iat": issued,
        "exp": issued + seconds,
        "jti": secrets.token_hex(8),
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM)


def read(key: str, token: str, now: int) -> Token:
    """Return whom a token names; raise `UserError` if it is not ours, or over at `now`."""
    if not key:
        raise UserError(NO_KEY)
    try:
        claims = jwt.decode(
            token.strip(),
            key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            # The store's clock decides below, not this machine's.
            options={
                "require": ["iss", "aud", "sub", "iat", "exp", "jti"],
                "verify_exp": False,
                "verify_iat": False,
            },
        )
    except jwt.PyJWTError:
        raise UserError(NO_TOKEN) from None
    expires = int(claims["exp"])
    if now >= expires:
        raise UserError(
            "This token has expired. Ask for a new one: `deploybot token --user U… --for 30d`."
        )
    groups = frozenset(str(group) for group in claims.get("groups", ()))
    return Token(str(claims["jti"]), Person(str(claims["sub"]), groups=groups), expires)
