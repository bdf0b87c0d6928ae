"""Planted secrets, a text for each form in which one leaks, and where a part of one shows.

Each is put together here from parts, so that no scanner of sources takes it for a real one.
"""

import base64
import json
import random
import string
from dataclasses import dataclass

SHOWS = 12  # so many characters of a secret in a row are a leak

_ALNUM = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Canary:
    """A secret and a text that gives it away; `secrets` are what may not show."""

    name: str
    text: str
    secrets: tuple[str, ...]

    def shows_in(self, text: str) -> str:
        """Return a part of the secret that stands in the text, "" if none does."""
        for secret in self.secrets:
            for start in range(max(1, len(secret) - SHOWS + 1)):
                if secret[start : start + SHOWS] in text:
                    return secret[start : start + SHOWS]
        return ""


class _Mint:
    """Makes secrets; the same ones in every run."""

    def __init__(self) -> None:
        self._random = random.Random(20_261_122)
        self.canaries: list[Canary] = []

    def chars(self, length: int, alphabet: str = _ALNUM) -> str:
        # Digits throughout, as in real ones: also a part looks like no word.
        drawn = (self._random.choice(alphabet) for _ in range(length))
        return "".join(str(n % 10) if n % 5 == 4 else c for n, c in enumerate(drawn))

    def form(self, name: str, *parts: str) -> str:
        """Plant a secret that is recognised by itself."""
        whole = "".join(parts)
        self.plant(name, f"the log says {whole} and goes on", *parts[1:])
        return whole

    def plant(self, name: str, text: str, *secrets: str) -> None:
        self.canaries.append(Canary(name, text, tuple(s for s in secrets if len(s) >= SHOWS)))


def _tokens(m: _Mint) -> None:
    for letter in "pousr":
        m.form(f"github gh{letter}", f"gh{letter}_", m.chars(36))
    m.form("github fine-grained", "github_" + "pat_", f"{m.chars(22)}_{m.chars(59)}")
    for kind in ("xoxb", "xoxp", "xoxa"):
        m.form(f"slack {kind}", f"{kind}-1234567890-1234567890-", m.chars(24))
    m.form("slack refresh", "xoxe.xo" + "xp-1-", m.chars(60))
    m.form("slack app", "xapp-1-A0123456789-", f"{m.chars(13)}-{m.chars(64, _HEX)}")
    m.form("slack webhook", "https://hooks.slack.com/services/T0AAAAAAA/B0AAAAAAA/", m.chars(24))
    m.form("aws key id", "AK" + "IA", m.chars(16, string.ascii_uppercase))
    m.form("aws session key id", "AS" + "IA", m.chars(16, string.ascii_uppercase))
    m.form("openai", "sk-", m.chars(48))
    m.form("openai project", "sk-" + "proj-", m.chars(48))
    m.form("anthropic", "sk-" + "ant-api03-", m.chars(90))
    m.form("npm", "npm_", m.chars(36))
    m.form("pypi", "pypi-" + "AgEIcHlwaS5vcmc", m.chars(60))
    m.form("stripe", "sk_" + "live_", m.chars(24))
    m.form("stripe restricted", "rk_" + "live_", m.chars(24))
    m.form("stripe webhook", "whsec_", m.chars(32))
    m.form("google api", "AI" + "za", m.chars(35))
    m.form("google oauth", "ya29.", m.chars(80))
    m.form("azure client secret", m.chars(3), "8Q~" + m.chars(34))
    m.form("twilio", "S" + "K", m.chars(32, _HEX))
    m.form("sendgrid", "SG.", f"{m.chars(22)}.{m.chars(43)}")
    m.form("vault", "hvs.", m.chars(24))
    m.form("vault, old", "s.", m.chars(24))
    m.form("fly", "FlyV1 fm2_", m.chars(60))
    m.form("gitlab", "glpat-", m.chars(20))
    m.form("digitalocean", "dop_" + "v1_", m.chars(64, _HEX))
    m.form("hugging face", "hf_", m.chars(34))
    m.form("telegram", "1234567890:", "AA" + m.chars(33))


def _told_by_their_surroundings(m: _Mint) -> None:
    def planted(name: str, template: str, length: int = 24) -> None:
        secret = m.chars(length)
        m.plant(name, template.replace("%", secret), secret)

    planted("aws secret key", "aws_secret_access_key = %", 40)
    planted("password", "password=%")
    planted("password in json", '{"user": "bob", "password": "%"}')
    planted("password in quoted json", r'body: "{\"db_password\": \"%\"}"')
    planted("password of several words", 'PASSWORD="correct horse % staple"')
    planted("environment", "DEPLOY_TOKEN=%")
    planted("client secret", "client_secret: %")
    planted("basic auth in an address", "https://deploy:%@git.example/repo.git")
    planted("token in an address", "https://%@git.example/repo.git")
    planted("postgres", "postgres://app:%@db.internal:5432/shop?sslmode=require")
    planted("redis", "redis://:%@cache.internal:6379/0")
    planted("ado connection string", "Server=db;Database=shop;User Id=sa;Pwd=%;Encrypt=true")
    planted("azure storage", "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=%==", 86)
    planted("azure signature", "https://x.blob.example/a?sv=2024-01-01&sig=%", 43)
    planted("bearer", "Authorization: Bearer %")
    planted("basic", "authorization: Basic %")
    planted("curl header", 'curl -H "Authorization: token %" https://x.example')
    planted("curl user", "curl -u deploy:% https://x.example")
    planted("api key header", "X-Api-Key: %")
    planted("cookie", "Set-Cookie: session=%; HttpOnly")
    planted("netrc", "machine git.example login deploy password %")
    planted("option", "helm login --password % registry.example")
    planted("docker configuration", '{"auths": {"r.example": {"auth": "%"}}}', 40)


def _pem(m: _Mint, kind: str, line_break: str = "\n") -> str:
    lines = [m.chars(64) for _ in range(6)]
    begin, end = (f"-----{way} {kind} KEY-----" for way in ("BEGIN", "END"))
    text = line_break.join([begin, *lines, end])
    m.plant(f"{kind} key, {line_break!r}", f"read {text} from disk", *lines)
    return text


def _hidden(m: _Mint) -> None:
    for kind in ("PRIVATE", "RSA PRIVATE", "OPENSSH PRIVATE"):
        _pem(m, kind)
    _pem(m, "EC PRIVATE", r"\n")
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    m.form("jwt", f"{header}.", f"{m.chars(60)}.{m.chars(43)}")
    secret = m.chars(36)
    github = "gh" + "p_" + secret
    encoded = base64.b64encode(github.encode()).decode()
    m.plant("base64", f"data: {encoded}", secret, encoded)
    document = base64.b64encode(json.dumps({"key": github}).encode()).decode()
    m.plant("base64 of a document", f"value {document} end", secret, document[12:])
    half = len(github) // 2
    m.plant("cut by a line break", f"{github[:half]}\n{github[half:]}", secret)
    m.plant("colours in between", f"{github[:9]}\x1b[31m{github[9:25]}\x1b[0m{github[25:]}", secret)
    m.plant("invisible in between", "\u200b".join((github[:9], github[9:25], github[25:])), secret)
    m.plant("soft hyphens", "\u00ad".join((github[:9], github[9:25], github[25:])), secret)
    for before in (60, 138, 288, 1000):
        m.plant(f"after {before} characters", "word " * (before // 5) + github, secret)


def canaries() -> list[Canary]:
    """Return them all, each with its own secret."""
    mint = _Mint()
    _tokens(mint)
    _told_by_their_surroundings(mint)
    _hidden(mint)
    return mint.canaries
