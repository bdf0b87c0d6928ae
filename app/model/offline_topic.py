"""Whether words that nobody understood may be about the deploy; knows words, and no grammar.

It errs to one side: an objection that is taken for chat would stay unread beside a live card,
so whatever denies, doubts, delays or names a part of the deploy counts, in several languages.
"""

import re
import unicodedata
from collections.abc import Sequence

from app.core.untrusted import clean

SURE_LENGTH = 6  # a service name this long is no part of another word by chance

_SHIP = (
    r"deploy|redeploy|ship|release|releasing|roll|promot|push|revert|undo|prod|stag|launch|publish"
    r"|upgrad"
)
_STOP = (
    r"stop|halt|abort|cancel|wait|hold|pause|hang|later|postpon|delay|freeze|freezing"
    r"|frozen|block|kill|drop|scrap|withdr|dismiss|discard|remov|retract|skip|leave|forget|nothing|neither|nor|unless"
    r"|until|till|except|instead|rather|without|before|after|first|yet|tomorrow|tonight|monday"
    r"|minute|mins?\b|hour|hrs?\b|moment"
)
_JUDGE = (
    r"approv|reject|declin|den[iy]|refus|veto|disagree|object|against|bad\b|wrong|terribl|horribl"
    r"|careful|caution|danger|risk|unsafe|scar|doubt|unsure|sure|concern|worr|afraid|mistake"
    r"|oops|yikes|problem|issue|hate|stupid|fool|brilliant|idea|lgtm|ready|test|red\b|green"
)
_TROUBLE = (
    r"broke|break|bug|fail|error|crash|fire|down|outage|incident|alert|paged|customer|complain"
    r"|regress|hotfix|fix|database|migrat|live|server"
)
_THINGS = r"card|plan|order|commit|version|sha\b|build|merg|branch|servic|api|prs?\b|button"
_VOCABULARY = re.compile(rf"\b(?:re-?)?(?:{_SHIP}|{_STOP}|{_JUDGE}|{_TROUBLE}|{_THINGS})")
_NO = re.compile(
    r"\b(?:no|not|non|nope|nah|nay|never|none|nobody|cannot"
    r"|(?:do|does|did|is|are|was|were|ca|wo|would|should|could|must|ai|has|have)n'?t)\b|n't\b"
)
_HOLDS = re.compile(r"\b(?:without|stop|wait)\b")
_FOREIGN = re.compile(
    r"\b(?:nein|nicht|nichts|nie|niemals|kein\w*|halt|stop\w*|wart\w*|abbrech\w*|abbruch|spater"
    r"|non|pas|jamais|arret\w*|attends|attendez|attendre|annul\w*|nunca|jamas|esper\w*|alto|para"
    r"|parar|deten\w*|cancel\w*|nao|pare|nej|ikke|inte|aldrig|vent|vanta|niet|nee|geen"
    r"|wacht\w*|ferm[aoi]\w*|aspett\w*|basta|nie|stoj|czekaj|ei|hayir|dur|bekle|ne|nem)\b"
    r"|\b(?:нет|не|стоп|стой|подожди\w*|ні|όχι|لا|توقف|לא)\b"
    r"|不|别|別|停|止|待|等|没|やめ|だめ|ダメ|ない|まって|ストップ|아니|안돼|중지|멈|하지|नहीं|रुक|मत"
)
_SIGNS = re.compile(
    "[\U0001f44e\U0001f6d1\u26d4\U0001f6ab\u270b\u274c\u26a0\U0001f6a8\u203c\U0001f645]"
    r"|:(?:-1|thumbsdown|octagonal_sign|stop_sign|no_entry|no_entry_sign|no_good|x|raised_hand"
    r"|hand|warning|rotating_light)\b"
)
_SHA = re.compile(r"\b[0-9a-f]{7,40}\b")
_BOT = re.compile(r"\b(?:deploy)?bot\b")
_PERSON = re.compile(r"<@[a-z0-9]+(?:\|[^>]*)?>")


def is_about_the_deploy(text: str, services: Sequence[str]) -> bool:
    """Tell whether words may be about the deploy, or against anything at all."""
    words = _read(text)
    if _names_a_service(words, services):
        return True
    patterns = (_VOCABULARY, _NO, _FOREIGN, _SIGNS, _SHA)
    return any(p.search(form) for p in patterns for form in (words, _unaccented(words)))


def denies(text: str) -> bool:
    """Tell whether words say no, stop or wait, in one of several languages."""
    words = _read(text)
    patterns = (_NO, _FOREIGN, _SIGNS, _HOLDS)
    return any(p.search(form) for p in patterns for form in (words, _unaccented(words)))


def wants_an_answer(text: str) -> bool:
    """Tell whether words are for the bot, or a question that is for nobody by name."""
    words = clean(text).lower()
    if _BOT.search(words):
        return True
    return "?" in words and not _PERSON.search(words)


def _read(text: str) -> str:
    words = unicodedata.normalize("NFKC", clean(text)).lower().replace("\u2019", "'")
    return _PERSON.sub(" ", words)


def _names_a_service(words: str, services: Sequence[str]) -> bool:
    squeezed = re.sub(r"[\s_-]+", "", words)
    for service in services:
        name = service.replace("_", "")
        spelt = r"\b" + service.replace("_", "[ _-]?")
        if re.search(spelt, words) or (len(name) >= SURE_LENGTH and name in squeezed):
            return True
    return False


def _unaccented(words: str) -> str:
    apart = unicodedata.normalize("NFKD", words)
    return "".join(char for char in apart if not unicodedata.combining(char))
