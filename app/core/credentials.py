"""What credentials look like: where in a text they stand; replaces nothing.

Each pattern begins where a word does, or is bounded, so that a text is read in linear time.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate

Span = tuple[int, int]

# Forms that are recognised wherever they stand; each is told by its first characters.
_FORMS = (
    r"gh[pousr]_[A-Za-z0-9]{6,}",
    r"github_pat_\w{6,}",
    r"xox[a-z](?:\.xox[a-z])?-[\w%.-]{8,}",
    r"xapp-[\w-]{8,}",
    r"sk-(?=[\w-]{0,40}\d)[\w-]{16,}",  # OpenAI, Anthropic
    r"[rs]k_(?:live|test)_[A-Za-z0-9]{8,}|whsec_[\w+/=-]{16,}",  # Stripe
    r"A[KS]IA[A-Z0-9]{12,}",
    r"eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)*",
    r"npm_[A-Za-z0-9]{20,}|pypi-AgE[\w-]{16,}|rubygems_[0-9a-f]{32,}",
    r"AIza[\w-]{20,}|ya29\.[\w-]{16,}|GOCSPX-[\w-]{16,}",  # Google
    r"gl(?:pat|cbt|dt|ft|imt|oas|ptt|rt|soat|agent)-[\w.-]{16,}",
    r"SG\.[\w-]{16,}\.[\w-]{16,}|SK[0-9a-f]{32}(?!\w)",  # Twilio
    r"hv[bsr]\.[\w-]{16,}|s\.(?=[A-Za-z]{0,23}\d)[A-Za-z0-9]{24}(?!\w)",  # Vault
    r"fm[12][a-z]?_[\w+/=-]{16,}|fo1_[\w-]{16,}",  # Fly
    r"[\w~.-]{3}\dQ~[\w~.-]{30,}",  # Azure
    r"do[opr]_v1_[0-9a-f]{32,}|dapi[0-9a-f]{32}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    r"hf_[A-Za-z0-9]{20,}|HRKU-[\w-]{20,}|lin_api_[A-Za-z0-9]{20,}|sntry[su]_[\w+/=-]{20,}",
    r"dp\.(?:ct|pt|sa|st)\.[A-Za-z0-9]{20,}|AGE-SECRET-KEY-1[A-Z0-9]{20,}",
    r"\d{8,10}:AA[\w-]{30,}",  # Telegram
    r"(?<=hooks\.slack\.com/services/)[\w/]{10,}|(?<=api/webhooks/)\d+/[\w-]{20,}",
)
_TOKEN = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(_FORMS)})|gh[pousr]_[A-Za-z0-9]{{20,}}")

_NAMED = (
    r"(?i:pass(?:word|wd|phrase)|secret(?:_?access)?(?:[_-]?key)?(?:_base)?|token"
    r"|(?:api|access|account|private|signing|encryption|master)[_-]?key|(?<=;)pwd|(?<=[\"'])auth)"
    r"[\\'\"]{0,4}[ ]{0,9}[=:][ ]{0,9}"
)
_HEADER = r"(?i:\bauthorization[\\'\"]{0,4}[ ]{0,9}[=:][ ]{0,9}[\\'\"]{0,4}(?:[a-z]{1,20}[ ])?)"
# What only its surroundings tell; the last group is the credential.
_TOLD = (
    r"://([^/\s:@]{0,256}:[^/\s]{1,512}|[^/\s:@]{16,512})@",
    _NAMED + r"(?:\\?\"([^\"\n]{4,})|'([^'\n]{4,})|([^\s'\"]{4,}))",
    _HEADER + r"([^\s'\"]{4,})",
    r"(?i:\bbearer )((?=\S{0,60}\d|\S{20})[\w.~+/=-]{8,})",
    r"(?i:\b(?:set-)?cookie:)([^\n]{4,})",
    r"(?i:\blogin\s{1,20}\S{1,200}\s{1,20}password\s{1,20})(\S{4,})",
    r"(?i:(?<!\S)--?(?:password|passwd|token|secret|api-key)[ ])([^\s-]\S{3,})",
    r"(?<!\S)(?:-u|--user)[ ]([^\s:]{1,200}:\S{4,})",
    r"(?i:[?&;](?:sig|signature|x-amz-signature|access_token)=)([^&\s'\"]{8,})",
    r"(-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?s:.*?)"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z))",
)
_CONTEXTS = tuple(map(re.compile, _TOLD))
# A word may be wrapped; what goes on as an ordinary word does not.
_RANDOM = re.compile(r"\d|\S{16}")
_WORD = 512
_ENCODED = re.compile(r"(?<![\w+/-])[A-Za-z0-9+/_-]{24,}")


@lru_cache(maxsize=256)  # what a thread shows is drawn again with each change
def spans(text: str) -> Sequence[Span]:
    """Return where credentials stand, in order and apart from each other."""
    found = [match.span() for match in _TOKEN.finditer(text)]
    found += [match.span(match.lastindex or 0) for p in _CONTEXTS for match in p.finditer(text)]
    found += [match.span() for match in _ENCODED.finditer(text) if _hides_one(match[0])]
    if "\n" in text:
        found += _wrapped(text)
    return list(_merged(sorted(found)))


def _hides_one(word: str) -> bool:
    """Tell whether a word is a credential in base64."""
    whole = word.translate(str.maketrans("-_", "+/"))
    try:
        plain = base64.b64decode(whole[: len(whole) - len(whole) % 4]).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return bool(_TOKEN.search(plain)) or any(pattern.search(plain) for pattern in _CONTEXTS)


def _wrapped(text: str) -> Iterator[Span]:
    """Find what line breaks cut in two: the last word of a line with the first of the next."""
    lines = text.split("\n")
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    for number, line in enumerate(lines[:-1]):
        word = line[-_WORD:].rpartition(" ")[2]
        rest = lines[number + 1][:_WORD].partition(" ")[0]
        match = _TOKEN.search(word + rest) if word and _RANDOM.search(rest) else None
        if match and match.start() < len(word) < match.end():
            first = starts[number + 1] - 1 - len(word) + match.start()
            yield first, starts[number + 1] + match.end() - len(word)


def _merged(found: Sequence[Span]) -> Iterator[Span]:
    start, end = -1, -1
    for first, last in found:
        if first <= end:
            end = max(end, last)
            continue
        if end > start:
            yield start, end
        start, end = first, last
    if end > start:
        yield start, end
