"""Text for Slack: outside text made harmless, and the few tokens that only code may write.

Whatever comes from outside (titles, logins, people's and the model's words, log lines) passes
through here before it reaches a message; what looks like a credential is masked.
"""

import html
import re

from app.core import writing
from app.core.untrusted import clean, masked, one_line

CUT = "… (cut)"
when = writing.when

# mrkdwn has no escape for its own marks, so each becomes a look-alike that means nothing to Slack.
_LOOK_ALIKE = str.maketrans({"*": "\u2217", "~": "\u223c", "`": "'", "@": "\uff20", "|": "\u2223"})
_ITALIC = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_EMOJI = re.compile(r":(?=[\w+'-]+:)")
# In plain_text nothing is markup, but not every client agrees on how to show an entity.
_ANGLES = str.maketrans({"<": "\u2039", ">": "\u203a"})
# No token holds another, so none looks for its end beyond the next one.
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_LABELLED = re.compile(r"<(?:#[A-Z0-9]+|![^|<>]+|(?:https?|mailto):[^|<>]*)\|([^<>]*)>")
_BARE_LINK = re.compile(r"<((?:https?|mailto):[^|<>]*)>")
_URL = re.compile(r"https?://[^\s<>|\"`\\]+")


def cut(text: str, limit: int) -> str:
    """Shorten to `limit` characters, visibly."""
    return text if len(text) <= limit else text[: limit - len(CUT)].rstrip() + CUT


def line(text: str, limit: int = 300) -> str:
    """Make one line for a plain_text element."""
    return cut(masked(one_line(text)).translate(_ANGLES), limit)


def inline(text: str, limit: int = 150) -> str:
    """Make one line that may stand inside mrkdwn: it formats, links and mentions nothing."""
    return _escaped(_defused(one_line(text)), limit)


def prose(text: str, limit: int = 2900) -> str:
    """Make several lines of mrkdwn that format, link and mention nothing."""
    lines = (_defused(part.rstrip()) for part in clean(text).strip().split("\n"))
    unquoted = (re.sub(r"^\s*>", "\u203a", part) for part in lines)
    return _escaped(re.sub(r"\n{3,}", "\n\n", "\n".join(unquoted)), limit)


def _defused(text: str) -> str:
    plain = _EMOJI.sub("\u2236", text.translate(_LOOK_ALIKE))
    return _ITALIC.sub("\u02cd", plain)


def code(text: str, limit: int = 150) -> str:
    """Make an inline code span."""
    inside = _escaped(one_line(text).replace("`", "'"), limit - 2)
    return f"`{inside or ' '}`"


def code_block(text: str, limit: int = 2900) -> str:
    """Make a code block; what does not fit is cut at its end."""
    inside = _escaped(clean(text).replace("`", "'").strip("\n"), limit - 8)
    return f"```\n{inside or ' '}\n```"


def joined(lines: list[str], limit: int = 2900) -> str:
    """Join lines of mrkdwn; whole lines are cut at the end, so that no token is torn."""
    room = limit - len(CUT)
    for number, shown in enumerate(lines):
        room -= len(shown) + 1
        if room < 0:
            return "\n".join([*lines[:number], CUT])
    return "\n".join(lines)


def short(sha: str | None) -> str:
    """Return a SHA as people write it, as code."""
    return code(sha[:7]) if sha else "unknown"


def link(url: str, label: str) -> str:
    """Link to an http(s) address that code made; anything else is shown as its label alone."""
    label = inline(label)
    return f"<{url.replace('&', '&amp;')}|{label}>" if _URL.fullmatch(url) else label


def without_dates(text: str) -> str:
    """Write times in UTC, for a client that does not know Slack's date tokens."""
    return re.sub(r"<!date\^[^|<>]*\|([^<>]*)>", r"\1", text)


def took(milliseconds: int) -> str:
    """Write a duration."""
    seconds = max(0, round(milliseconds / 1000))
    minutes, rest = divmod(seconds, 60)
    if minutes == 0:
        return f"{rest} s"
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def user(slack_id: str) -> str:
    """Mention a Slack user by id; anything else is shown as text."""
    return f"<@{slack_id}>" if re.fullmatch(r"[UW][A-Z0-9]+", slack_id) else inline(slack_id, 80)


def user_or_group(slack_id: str) -> str:
    """Mention a Slack user or user group by id."""
    group = re.fullmatch(r"S[A-Z0-9]+", slack_id)
    return f"<!subteam^{slack_id}>" if group else user(slack_id)


def decode(text: str) -> str:
    """Turn Slack's encoding of a person's words into the words; users stay `<@U…>`.

    For the edge, before the words are stored: links and channels become what the person saw.
    """
    text = _MENTION.sub(r"<@\1>", text)
    text = _BARE_LINK.sub(r"\1", _LABELLED.sub(r"\1", text))
    return html.unescape(text)


def quoted(text: str) -> str:
    """Return a person's words as a quote, without the tokens of mentions."""
    return _MENTION.sub(r"@\1", re.sub(r"^\s*<@[UW][A-Z0-9]+>\s*", "", text))


def _escaped(text: str, limit: int) -> str:
    # Cut before escaping, so that no entity is torn, but count what is sent.
    parts = [html.escape(char, quote=False) for char in masked(text)]
    if sum(map(len, parts)) <= limit:
        return "".join(parts)
    room, kept = limit - len(CUT), 0
    while room >= len(parts[kept]):
        room -= len(parts[kept])
        kept += 1
    return "".join(parts[:kept]).rstrip() + CUT
