"""Text from outside as it may stand in a sentence of Slack's markup; knows nothing of deploys.

It formats, links and mentions nothing, and what looks like a credential is masked.
"""

import html
import re

from app.core.untrusted import masked, one_line

CUT = "… (cut)"

# mrkdwn has no escape for its own marks, so each becomes a look-alike that means nothing to Slack.
_LOOK_ALIKE = str.maketrans({"*": "\u2217", "~": "\u223c", "`": "'", "@": "\uff20", "|": "\u2223"})
_ITALIC = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_EMOJI = re.compile(r":(?=[\w+'-]+:)")


def inline(text: str, limit: int = 150) -> str:
    """Make one line that may stand inside mrkdwn: it formats, links and mentions nothing."""
    return escaped(defused(one_line(text)), limit)


def defused(text: str) -> str:
    """Replace the marks that format, mention or name an emoji."""
    plain = _EMOJI.sub("\u2236", text.translate(_LOOK_ALIKE))
    return _ITALIC.sub("\u02cd", plain)


def escaped(text: str, limit: int) -> str:
    """Mask and escape, at most `limit` characters as they are sent, cut visibly."""
    shown = masked(text)
    whole = html.escape(shown, quote=False)
    if len(whole) <= limit:
        return whole
    # Cut before escaping, so that no entity is torn, but count what is sent.
    parts = [html.escape(char, quote=False) for char in shown]
    room, kept = limit - len(CUT), 0
    while room >= len(parts[kept]):
        room -= len(parts[kept])
        kept += 1
    return "".join(parts[:kept]).rstrip() + CUT
