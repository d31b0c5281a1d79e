"""F17: conversations that send everything again with every turn."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from outlay.accounting.figures import exact, period, quantity
from outlay.accounting.money import dollars
from outlay.detectors.base import Context, Detector
from outlay.detectors.callmoney import CallMoney
from outlay.facts.finding import Confidence, Finding
from outlay.questions.conversations import ResentHistory, TalkUse, resent_history, talk_use


class ResentHistories(Detector):
    """Conversations that resend their whole history.

    **It finds** tasks whose conversations grow in a straight line: each call's input is the one before plus a turn, and
    nothing of it is read from the provider's cache.

    **It costs** because a conversation's tokens then grow with the square of its turns: of 40 turns, the first is paid
    40 times.

    **The dollars** are the input tokens of each call beyond the conversation's opening (system prompt and first turn)
    and its last six turns, x the input price: what a rolling window, with a summary of what lies before, does not
    send. Growth is straight, so that a conversation's sum, first and last input give them. A month: so far x 730 /
    active hours.

    **It leaves alone** conversations that are cached, that level off because only the last turns are sent, that have
    few turns, and tasks in which most long conversations do not grow so.

    **End it** by sending the system prompt, a short summary, and the last turns; or, where all of it is needed, by
    caching it.
    """

    code = "resent-history"
    title = "Conversations that resend their whole history"
    capability = "F17"
    needs = ("call",)
    missing = "Import single model calls that name their conversation: a gateway's log or traces."

    def find(self, context: Context) -> Iterator[Finding]:
        limit = context.thresholds
        money = CallMoney(context, limit["settled_days"])
        uses = {
            use.calls: use for use in talk_use(context.ask, context.window, int(limit["min_calls"]))
            if use.tokens.cache_read <= limit["cached_share"] * use.tokens.input}
        for found in resent_history(
            context.ask, context.window, tuple(uses), keep=int(limit["keep_turns"]), growth=limit["input_growth"]
        ):
            if found.growing >= limit["share"] * found.conversations:
                finding = _finding(context, money, uses[found.calls], found)
                if finding is not None and finding.so_far >= Decimal(limit["min_so_far"]):
                    yield finding


def _finding(context: Context, money: CallMoney, use: TalkUse, found: ResentHistory) -> Finding | None:
    calls, keep = found.calls, int(context.thresholds["keep_turns"])
    price = money.price(calls, "input")
    if price is None:
        return None
    cost = price * found.resent_tokens * money.paid_share(calls, use.tokens)
    name = calls.project or calls.task or calls.model_key
    return Finding(
        code=ResentHistories.code, capability=ResentHistories.capability, subject=calls.words,
        title=f"Conversations of {name} sent {quantity(found.resent_tokens)} tokens of old turns again.",
        owner=money.owner(calls), team=calls.team,
        evidence=(
            ("Conversations that resend everything",
             f"{exact(found.growing)} of {exact(found.conversations)} with more than {keep} turns"),
            ("Turns a conversation", f"{found.turns:.0f} on average"),
            ("Input tokens of a call", f"{found.first_input:,.0f} at first, {found.last_input:,.0f} at last"),
            (f"Tokens beyond the opening and the last {keep} turns",
             f"{quantity(found.resent_tokens)} of {quantity(found.input_tokens)}"),
            ("Input price", f"{dollars(price * 1_000_000)} / M tokens"),
            ("Period", period(context.window)),
        ),
        period=context.window,
        claims=(money.claim(calls, cost, use.first, use.last),),
        confidence=Confidence.MEDIUM,
        assumption=f"The opening and the last {keep} turns are enough for an answer.",
        action=f"Send the system prompt, a summary and the last {keep} turns instead of the whole conversation.",
        change=f"the last {keep} turns and a summary in the requests of {name}, not the whole conversation",
    )
