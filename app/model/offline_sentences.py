"""The sentences that the offline planner understands, as patterns over words in one spelling."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Literal, get_args

Wish = Literal[
    "order",
    "last",
    "reverse",
    "only",
    "skip",
    "deploy",
    "rollback",
    "again",
    "go on",
    "stop here",
]
Talk = Literal[
    "wait",
    "no wait",
    "running",
    "changes",
    "commits",
    "deployments",
    "failure",
    "flaky",
    "ignore red",
    "blocked",
    "locking",
    "went out",
    "who approved",
    "when",
    "waiting",
    "approvers",
    "reminder",
    "merges",
    "thread",
    "jobs",
    "e2e",
    "help",
    "keep",
    "thanks",
    "approval",
    "question",
    "unclear",
]
Kind = Wish | Talk
WISHES: frozenset[str] = frozenset(get_args(Wish))
_MIGRATES = re.compile(r"(?:db_)?migrat(?:e|ions?)")
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def any_of(services: Sequence[str]) -> str:
    """Return a pattern for any of the services, as people write them."""
    names = sorted(services, key=len, reverse=True)
    return r"\b(?:" + "|".join(map(spelt, names)) + r")\b"


def spelt(name: str) -> str:
    """Return how people write a name; what is called migrate, they call a migration, too."""
    if _MIGRATES.fullmatch(name):
        return r"(?:(?:db|database|schema) )?migrat(?:e|ions?)"
    return name.replace("_", "[ _-]?")


_GREETS = (
    r"(?:(?:hey|hi|hello|ok|okay|no|nope|hm+|yes|yeah|sorry|wait|actually|well|oh|thanks"
    r"|thank you)\s*[,.]\s*)"
)
_ASKING = (
    r"(?:(?:hey|hi|hello|actually|let us|can you|can we|could you|could we|would you|you can"
    r"|i want to|i want you to|i would like to|we want to|we need to|and|then|so|now)"
    r"\s+)"
)
_ENDING = (
    r"(?:\s*[,.]?\s+(?:thanks|thank you|thx|cheers|instead|now|right now|today|for now|this time"
    r"|(?:to|on|in) prod(?:uction)?))*"
    r"(?: because (?:(?!\b(?:not|no|never|\w+nt|but|unless|until|if|except|only|first|without|stop"
    r"|wait|cancel|instead|rather|later|yet|maybe)\b)[^.\n])*)?"
)
_SHA = r"(?:(?:commit|version|sha) )?(?P<sha>[0-9a-f]{7,40})"
_OLD = (
    rf"(?:{_SHA}|(?:previous|last|old)(?: good| working| known good)?(?: version| release| one)"
    r"|how it was|before)"
)
_COUNT = r"(?P<n>\d{1,4}|an?|" + "|".join(NUMBERS[1:]) + ")"
_DEPLOY = r"(?:deploy|ship|release|roll out|promote|push)"
_ANY = r"(?:deploy|ship|release|roll out|promote|push|run|do|take|start with|begin with)"
_BACK = r"(?:roll ?back|revert)"
_YES = (
    r"(?:yes|ok|okay|lgtm|looks good(?: to me)?|great|approved|i approve(?: this| it)?|go|go ahead"
    r"|(?:ship|deploy|do|approve|release) (?:it|this)(?: now)?|:\+1:|:thumbsup:|:shipit:"
    "|:white_check_mark:|\U0001f44d|\u2705)"
)
_ENOUGH = (
    r"(?:stop here|that is (?:it|all|enough)|leave it(?: there)?|forget it|never ?mind"
    r"|nothing(?: else| more)?|no more|do nothing|enough for today)"
)
DEPLOYS = re.compile(rf"\b{_DEPLOY}\b")
GOES_BACK = re.compile(rf"\b{_BACK}\b")
_ALL = r"(?:everything|all|all of it|all of them|both|rest)"
_PROD = r"(?:on|in) prod(?:uction)?"
_WHY = r"(?:(?:why|since when|until when|how long) )?"
_IT = r"(?:it|this|that|anything|something|prod(?:uction)?)"
_TEST = (
    r"(?:(?:this|that|it|these|those) )?(?:red |failing |flaky |failed )?(?:e2e )?"
    r"(?:tests?|failures?)"
)
_KEPT = r"(?:blocked|locked|frozen|on hold|held(?: up)?|stuck)"
_OUT = (
    r"(?:go(?:ne)? (?:out|live)|went (?:out|live)|deploy(?:ed)?|ship(?:ped)?|released?|reach)"
    r"(?: (?:on |in |to )?prod(?:uction)?)?"
)
_HAS = r"(?:(?:has|have|was|were|(?:did|have) (?:we|you)) )?(?:been )?"
_VERSION = r"(?:version|sha|commit)"
_LAST = r"(?:last (?:one|deploy|deployment|rollback|release|card)|it|that|this)"
_DAY = (
    r"(?:on )?(?P<day>today|yesterday|this week|last week|monday|tuesday|wednesday|thursday|friday"
    r"|saturday|sunday|20\d\d-\d\d-\d\d)"
)
_CARD = r"(?:this|it|that|(?:this |that )?card)"
_PERSON = r"(?P<person>[a-z0-9][a-z0-9-]{0,38})"
_MERGE = r"(?:#\d{1,9}|(?:newer|other)(?: one| merge| pull request| pr)?)"
_ONE = r"(?:(?P<merge>#\d{1,9})|it|this|that|this one|mine|you|we)"
_JOB = r"(?:(?:db |database |schema )?migrations?|jobs?)"
_AWAY = r"(?:on (?:holidays?|vacation|leave)|away|out(?: of office)?|ooo|off|sick|not (?:here|in))"
_SPAN = r"(?:today|tomorrow(?: morning)?|tonight|this week|next week|on \w+day)"
_PRAISE = (
    r"(?:thanks|thank you|thx|ty|cheers|nice|great|awesome|perfect|cool|good job|well done"
    r"|great work|nice work|:tada:|:heart:|:pray:|:raised_hands:|:clap:)"
)


@cache
def patterns(services: tuple[str, ...]) -> tuple[tuple[Kind, re.Pattern[str]], ...]:
    """Return what a whole message has to match to be of a kind; the first that matches counts."""
    one = any_of(services)
    several = rf"{one}(?:(?:\s*,\s*|\s+and\s+|\s*,\s*and\s+){one})*"
    a, b = rf"(?P<a>{several})", rf"(?P<b>{several})"
    spelt: list[tuple[Kind, str]] = [
        ("order", rf"(?:{_ANY} )?{a} first"),
        ("order", rf"(?:start|begin) with {a}"),
        ("order", rf"(?:{_ANY} )?{a} before {b}"),
        ("order", rf"(?:{_ANY} )?{a} (?P<after>after) {b}"),
        ("order", rf"(?:{_ANY} )?{a}(?: first)?,?(?: and)? then (?:{_ANY} )?{b}"),
        ("order", rf"(?:{_ANY} )?{a} first,?(?: and)? {b}(?: second| last| next| after(?: that)?)"),
        ("last", rf"(?:{_ANY} )?{a} (?:last|later)|(?P<a2>{one}) can wait"),
        ("reverse", r"(?:swap|reverse)(?: order| them)?|other way (?:a)?round"),
        ("only", rf"(?:(?:{_ANY}|{_BACK}) )?(?:only|just) {a}"),
        ("only", rf"(?:only|just) (?:{_ANY}|{_BACK}) {a}"),
        ("only", rf"(?:(?:{_ANY}|{_BACK}) )?{a}(?: only| and nothing else| is enough)"),
        ("only", rf"nothing but {a}"),
        ("only", rf"(?:{_ANY} )?{a},?(?: and| but) (?:skip|leave out|not) {several}"),
        ("skip", rf"(?:skip|leave out|omit|exclude) {a}"),
        ("skip", rf"leave {a} (?:out|alone|as it is)"),
        ("skip", rf"(?:(?:{_DEPLOY} )?{_ALL} )?(?:without|except|except for) {a}"),
        ("skip", rf"do not (?:{_DEPLOY}|{_BACK}) {a}"),
        ("deploy", rf"{_DEPLOY} {a}(?: (?:at|as|to))?(?: {_SHA})?"),
        ("deploy", rf"(?:{_DEPLOY}|use|take)(?: {_ALL})?(?: at)? {_SHA}"),
        ("deploy", rf"{_DEPLOY} {_SHA} (?:of|for|to|on) {a}"),
        ("deploy", rf"(?:now|also|and|next) {a}(?: too| also| as well)?"),
        ("deploy", rf"(?:{_DEPLOY} )?{a} (?:too|also|as well|next|now)"),
        ("deploy", rf"(?:retry|re-?deploy) {a}|(?:{_DEPLOY}|try) (?P<a3>{several}) again"),
        ("deploy", rf"{_DEPLOY} {_ALL}"),
        ("deploy", rf"run {a}(?: now| too| again| for {_SHA})?"),
        ("rollback", rf"{_BACK}(?: {a}| it| that| this| {_ALL})?(?P<first> first)?(?: to {_OLD})?"),
        ("rollback", rf"(?:roll|take) (?:it|that|this|{_ALL}|{a}) back(?: to {_OLD})?"),
        ("rollback", rf"(?:go back(?: to {_OLD})?|undo last (?:deploy|deployment|release))"),
        ("again", r"(?:try|do)(?: it| that)? (?:again|once more)|retry(?: it| that)?|again"),
        (
            "go on",
            r"go on|continue|carry on|go ahead|proceed|next|keep going|as planned|default order"
            r"|deploy|what is next",
        ),
        ("stop here", rf"{_ENOUGH}(?:[ ,.]+{_ENOUGH})*"),
        ("wait", rf"(?:wait|hold on|pause)(?: for)?(?: {_COUNT} ?{_unit()})?|not yet|hold on"),
        ("wait", rf"give (?:me|us) {_COUNT} ?{_unit()}"),
        ("running", rf"what(?: is| runs)?(?: running| live| deployed| currently)? {_PROD}"),
        ("running", rf"wh(?:at|ich) (?:version|sha|commit)s? (?:is|are|runs?)(?: live)? {_PROD}"),
        ("running", r"what is (?:live|deployed)|status"),
        ("changes", r"what is (?:in (?:this|it)|new|changed)|what changed"),
        (
            "commits",
            rf"(?:what (?:are|were) |show(?: me| us)? |list )?(?:last|latest|newest|recent)"
            rf"(?: {_COUNT})? commits?",
        ),
        (
            "deployments",
            rf"(?:show(?: me)? |list )?(?:last |latest |recent )?deployments(?: of {a})?",
        ),
        ("blocked", rf"{_WHY}(?:is|are) (?:{a}|{_IT})(?: still)? {_KEPT}"),
        ("blocked", rf"wh(?:o|at) (?:has |is )?(?:locked|blocks|blocking|freezes) (?:{a}|{_IT})"),
        ("blocked", rf"what is {_KEPT}|(?:show (?:me )?|list )?locks"),
        ("locking", rf"how (?:do|can|should) (?:i|we|you) (?:un)?lock(?: (?:{a}|{_IT}))?"),
        (
            "locking",
            rf"(?:can|could|may|should|shall) (?:i|we) (?:un)?lock (?:{a}|{_IT}|{_ALL})"
            rf"(?: (?:until|for) [^.\n,]+| {_SPAN})?",
        ),
        ("running", rf"(?:what|which) {_VERSION} (?:of )?{a} (?:is|runs|run)(?: {_PROD})?"),
        ("running", rf"(?:what|which {_VERSION}) (?:is|does) {a} (?:run|on|at)(?: {_PROD})?"),
        ("went out", rf"(?:what|which (?:services|deploys)) {_HAS}{_OUT}(?: {_DAY})?"),
        ("went out", rf"(?:did|has) anything (?:been )?{_OUT}(?: {_DAY})?"),
        ("went out", rf"(?:show(?: me)? |list )?{_DAY}s? (?:deploys|deployments|releases)"),
        ("went out", rf"(?:show(?: me)? |list )?(?:deploys|releases) (?:of |from )?{_DAY}"),
        ("who approved", rf"who (?:approved|released) (?:{_LAST}|{a}|{_SHA})(?: last)?"),
        ("when", rf"when (?:did|was|has) {_SHA} (?:been )?{_OUT}"),
        ("when", rf"(?:did|has|is|was) {_SHA} (?:been )?(?:{_OUT}|out|live|{_PROD})(?: yet)?"),
        ("waiting", r"what is (?:waiting|pending|open)(?: for (?:approval|us|me|people))?"),
        ("waiting", r"what (?:are (?:you|we)|is it) waiting (?:for|on)|what waits"),
        ("waiting", r"(?:what|who) is (?:next|queued|in (?:line|queue))(?: for staging)?"),
        (
            "waiting",
            r"where (?:am i|are we|is (?:it|this|mine)) in (?:line|queue)(?: for staging)?",
        ),
        ("waiting", r"what (?:is red on staging|has expired|expired)"),
        ("waiting", r"(?:is )?anything (?:waiting|pending)|what needs (?:an )?approval"),
        ("flaky", rf"(?:is|are) {_TEST}(?: failure)?(?: known to be| known as)? flaky"),
        ("flaky", r"(?:what is|which tests? (?:is|are)|is it|is that|is this) flaky|flaky"),
        ("ignore red", rf"(?:just )?(?:ignore|skip|override|overrule|disregard) {_TEST}"),
        ("ignore red", rf"{_ANY} (?:it )?(?:anyway|anyhow|regardless|despite {_TEST})"),
        ("approvers", rf"who (?:has to|must|should) approve(?: {_CARD})?"),
        ("approvers", r"who was asked"),
        ("approvers", rf"who (?:is|are) (?:{_CARD}|you|we) waiting (?:for|on)"),
        (
            "approvers",
            rf"(?:{_PERSON} is {_AWAY}(?: {_SPAN})?[ ,.]+(?:so )?)?who else(?: can| may)?",
        ),
        (
            "approvers",
            rf"(?:{_PERSON} is {_AWAY}(?: {_SPAN})?[ ,.]+(?:so )?)?who (?:else )?(?:can|may)"
            rf" (?:approve|decide)(?: {_CARD})?",
        ),
        (
            "reminder",
            rf"(?:can you )?(?:remind|ping|nudge|call) (?:them|approvers?|everybody|everyone)"
            rf"(?: again)?(?: about {_CARD})?(?: {_SPAN}| later| in {_COUNT} ?{_unit()})?",
        ),
        (
            "reminder",
            r"when (?:do|will|are|is) (?:you|they|anybody|anyone) (?:be )?remind(?:ed)?(?: them)?",
        ),
        (
            "merges",
            rf"what (?:else )?is (?:in )?{_MERGE}|what else is in (?:this|it)|what is newer",
        ),
        ("merges", rf"who (?:wrote|is behind|made) {_MERGE}|tell me about {_MERGE}"),
        ("thread", r"what (?:is (?:happening|going on|up)|happens|are you doing)(?: here| next)?"),
        ("thread", r"(?:is there )?any (?:news|progress|updates?)|how is it going|why(?: not)?"),
        ("thread", rf"why (?:does|is|do|are) {_ONE}(?: still| not)* (?:wait(?:ing)?|{_KEPT})"),
        ("thread", rf"what (?:does|is) {_ONE} wait(?:ing)?(?: for| on)?"),
        (
            "thread",
            r"why (?:do|did|should|are) (?:you|we) (?:want to |wanting to )?"
            rf"(?:{_BACK}|{_DEPLOY}|rolling back|deploying)(?: {a}| it| this| that)?",
        ),
        ("thread", rf"(?:where is|what about|status of) {_ONE}(?: now)?"),
        (
            "thread",
            rf"(?:is|was|did|has) {_ONE}(?: already| now)? (?:been )?(?:{_OUT}|out|live|{_PROD})"
            r"(?: yet| already)?",
        ),
        ("thread", rf"when (?:did|does|will|was|has) {_ONE} (?:been )?{_OUT}"),
        (
            "jobs",
            rf"(?:is|are) there (?:an? |any )?{_JOB}(?: in (?:this|it|here)| due)?"
            rf"|(?:does|do) (?:this|it|we) (?:have|need) (?:an? |any )?{_JOB}"
            rf"|which {_JOB} (?:is|are) due",
        ),
        ("failure", r"what (?:failed|went wrong|happened)|why did (?:it|that) fail"),
        (
            "e2e",
            r"(?:re-?)?run (?:e2e|end to end)(?: tests)?(?: again)? (?:on|in|against)"
            r" (?P<environment>staging|prod(?:uction)?)(?: again)?",
        ),
        ("help", r"help|what can you do|what can i (?:say|do)"),
        ("keep", r"(?:keep|leave) (?:it|this|card|this card|plan)(?: as it is)?|card is fine"),
        ("thanks", rf"{_PRAISE}(?:[ ,]+(?:{_PRAISE}|so much|a lot|all|everyone))*"),
        ("approval", rf"{_YES}(?:[ ,.]+{_YES})*"),
    ]
    bare: frozenset[Kind] = frozenset({"thanks", "approval", "again", "wait"})
    return tuple(
        (kind, re.compile(pattern if kind in bare else _framed(pattern))) for kind, pattern in spelt
    )


def _unit() -> str:
    return r"(?P<unit>seconds?|secs?|minutes?|mins?|hours?|days?)"


def _framed(pattern: str) -> str:
    return rf"(?:{_GREETS}|{_ASKING})*(?:{pattern}){_ENDING}"
