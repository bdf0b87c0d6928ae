"""Text for Slack: outside text made harmless, and the few tokens that only code may write.

Whatever comes from outside (titles, logins, people's and the model's words, log lines) passes
through here before it reaches a message; what looks like a credential is masked.
"""

import html
import re
from datetime import tzinfo

from app.core import inert, writing
from app.core.inert import CUT, defused, escaped
from app.core.untrusted import clean, masked, one_line

when = writing.when
inline = inert.inline

# In plain_text nothing is markup, but not every client agrees on how to show an entity.
_ANGLES = str.maketrans({"<": "\u2039", ">": "\u203a"})
# No token holds another, so none looks for its end beyond the next one.
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_LABELLED = re.compile(r"<(?:#[A-Z0-9]+|![^|<>]+|(?:https?|mailto):[^|<>]*)\|([^<>]*)>")
_DATE = re.compile(r"(<!date\^(-?\d+)\^[^|<>]*\|)([^<>]*)>")
_BARE_LINK = re.compile(r"<((?:https?|mailto):[^|<>]*)>")
_URL = re.compile(r"https?://[^\s<>|\"`\\]+")


def cut(text: str, limit: int) -> str:
    """Shorten to `limit` characters, visibly."""
    return text if len(text) <= limit else text[: limit - len(CUT)].rstrip() + CUT


def line(text: str, limit: int = 300) -> str:
    """Make one line for a plain_text element."""
    return cut(masked(one_line(text)).translate(_ANGLES), limit)


def prose(text: str, limit: int = 2900) -> str:
    """Make several lines of mrkdwn that format, link and mention nothing."""
    lines = (defused(part.rstrip()) for part in clean(text).strip().split("\n"))
    unquoted = (re.sub(r"^\s*>", "\u203a", part) for part in lines)
    return escaped(re.sub(r"\n{3,}", "\n\n", "\n".join(unquoted)), limit)


def code(text: str, limit: int = 150) -> str:
    """Make an inline code span."""
    inside = escaped(one_line(text).replace("`", "'"), limit - 2)
    return f"`{inside or ' '}`"


def code_block(text: str, limit: int = 2900) -> str:
    """Make a code block; what does not fit is cut at its end."""
    inside = escaped(clean(text).replace("`", "'").strip("\n"), limit - 8)
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


def in_zone(text: str, zone: tzinfo) -> str:
    """Write in a zone what a client shows that does not know Slack's date tokens; they are UTC."""
    return _DATE.sub(lambda m: f"{m[1]}{writing.local(int(m[2]) * 1000, zone)}>", text)


def without_dates(text: str) -> str:
    """Write times as such a client shows them."""
    return _DATE.sub(r"\3", text)


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
