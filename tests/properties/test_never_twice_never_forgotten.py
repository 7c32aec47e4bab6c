"""Never twice, never forgotten, in doubt we ask: whatever customers, agents, servers and power cuts do, in any order."""

import email
import email.policy
import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from followupd.domain.command import VERBS
from tests.properties.simulated import (
    AGENTS,
    CUSTOMERS,
    TRIED,
    VARIANTS,
    KilledError,
    Simulation,
    utc,
)

Thing = TypeVar("Thing")
#: how many worlds are tried; `make torture` sets thousands
WORLDS = int(os.environ.get("FOLLOWUPD_TORTURE") or 4)
DEEP = "FOLLOWUPD_TORTURE" in os.environ
#: before daylight saving begins and ends in London, and in between
STARTS = (utc(2027, 3, 25), utc(2026, 10, 22), utc(2026, 12, 1), utc(2026, 12, 4, 16))
COMPLAINT = (
    "My parcel has still not arrived. I ordered it three weeks ago and nobody answers. This is unacceptable."
)
TEXTS = {
    "complaint": COMPLAINT,
    "hint": "I wonder where my order is, it seems a little late. Could you have a look?",
    "praise": "Thank you very much, everything is fine now.",
    "question": "Do you ship to Norway?",
}
REPLIES = (
    "Dear Kim,\n\nI am so sorry. I will ship a replacement by Friday, and we'll refund you 25 EUR.\n\nAna",
    "Hello,\n\nwe have refunded 10 EUR today.\n\nAna",
    "Hello,\n\nthank you for your patience.\n\nAna",
)
TAGS = (
    "complaint",
    "not-complaint",
    "promised",
    "kept",
    "fixed",
    "hold",
    "release",
    "approve",
    "reached",
    "not-reached",
    "refund-25",
    "refund-120",
    "gift-card-20-eur",
    "coupon-SORRY10",
    "agent-lee",
    "nonsense",
)
WORDS = {
    "refuse": ("", "no"),
    "promise": ("ship the replacement by Friday", "call by tomorrow", "call"),
    "firm": ("ship it by Monday",),
    "estimate": ("the part arrives by Friday",),
    "update": ("hear from us by Thursday",),
    "kept": ("", "1", "2", "1 2"),
    "late": ("1 until next Friday because the warehouse is flooded", "2 until Monday", "until"),
    "withdraw": ("1 because we agreed otherwise", "2 because it is done"),
    "refund": ("25 EUR", "120 EUR", "much"),
    "credit": ("10 EUR",),
    "coupon": ("SORRY10",),
    "free-shipping": ("", "for a year"),
    "replacement": ("a teapot",),
    "gift-card": ("20 EUR", "500 EUR"),
    "gesture": ("flowers",),
    "issued": ("", "1", "2"),
    "refused": ("1", "2"),
    "fault": ("ours", "nobody"),
    "cause-code": ("carrier", "ghosts"),
    "severity": ("high", "low"),
    "owner": ("lee", "ana", "nobody"),
    "playbook": ("default", "none"),
}


def one_of(data: st.DataObject, things: Sequence[Thing]) -> Thing:
    """Draw by number: a failing example then names its choices in a line each."""
    return things[data.draw(st.integers(0, len(things) - 1))]


@st.composite
def lines(draw: st.DrawFn) -> str:
    """Draw a line that an agent might say, sensible or not."""
    verb = draw(st.sampled_from(sorted(VERBS)))
    if not VERBS[verb]:
        return verb
    text = draw(st.sampled_from(WORDS.get(verb, ("the label printer failed", ""))))
    return f"{verb}: {text}" if text else verb


class AnyLife(RuleBasedStateMachine):
    """One world; after its steps come calm days, in which everything owed must be done or asked."""

    world: Simulation | None = None

    @initialize(variant=st.sampled_from(VARIANTS), start=st.sampled_from(STARTS))
    def begin(self, variant: str, start: object) -> None:
        self.directory = Path(
            mkdtemp(prefix="fu-life-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        )
        self.world = Simulation(self.directory / "ledger.db", variant, start)  # type: ignore[arg-type]  # a datetime
        self.customer_writes(CUSTOMERS[0], "complaint")

    @property
    def it(self) -> Simulation:
        assert self.world
        return self.world

    def _try(self, what: str) -> None:
        TRIED[what] += 1

    # --- customers ---

    @rule(sender=st.sampled_from(CUSTOMERS), text=st.sampled_from(sorted(TEXTS)))
    def customer_writes(self, sender: str, text: str) -> None:
        self._try(f"a customer writes: {text}")
        self.it.arrives(self.it.mail(f"Kim Doe <{sender}>", "Where is my parcel?", TEXTS[text]))
        self.it.live()

    @precondition(lambda self: len(self.it.cases()) < 12)
    @rule(number=st.integers(3, 6), domain=st.sampled_from(["", "one.test"]))
    def many_customers_write(self, number: int, domain: str) -> None:
        self._try("many customers write at once")
        self.it.many_write(number, domain)
        self.it.live()

    @precondition(lambda self: self.it.post.accepted)
    @rule(data=st.data(), text=st.sampled_from(sorted(TEXTS)))
    def customer_answers(self, data: st.DataObject, text: str) -> None:
        mine = [each for each in self.it.post.accepted if each.to in CUSTOMERS]
        if mine:
            self._try("a customer answers a letter")
            letter = one_of(data, mine)
            self.it.arrives(self.it.mail(letter.to, "Re: Where is my parcel?", TEXTS[text], letter.mail))
            self.it.live()

    @precondition(lambda self: self.it.post.accepted)
    @rule(data=st.data(), how=st.sampled_from(["bounce", "away"]))
    def a_robot_answers(self, data: st.DataObject, how: str) -> None:
        self._try(f"a robot answers: {how}")
        letter = one_of(data, self.it.post.accepted)
        if how == "bounce":
            self.it.bounce(letter)
        else:
            text = f"I am out of the office until {self.it.now + timedelta(days=9):%d %B %Y}."
            away = self.it.mail(letter.to, "Out of office", text, letter.mail, Auto_Submitted="auto-replied")
            self.it.arrives(away)
        self.it.live()

    # --- agents ---

    @rule(data=st.data(), tags=st.lists(st.sampled_from(TAGS), min_size=1, max_size=3))
    def agent_tags(self, data: st.DataObject, tags: list[str]) -> None:
        mails = self.it.mailbox.folders["INBOX"] + self.it.mailbox.folders["Sent"]
        if mails:
            for tag in tags:
                self._try(f"tag {tag}")
            self.it.mailbox.tag(one_of(data, mails), *tags)
            self.it.live()

    @rule(data=st.data())
    def agent_moves_or_cleans(self, data: st.DataObject) -> None:
        mails = self.it.mailbox.folders["INBOX"]
        if mails:
            mail = one_of(data, mails)
            if data.draw(st.booleans()):
                self._try("moved to Recovery/Fixed")
                self.it.mailbox.refile(mail, "Recovery/Fixed")
            else:
                self.it.mailbox.untag(mail)
            self.it.live()

    @rule(
        data=st.data(), text=st.sampled_from(REPLIES), tags=st.sampled_from([(), ("promised",), ("fixed",)])
    )
    def agent_replies(self, data: st.DataObject, text: str, tags: tuple[str, ...]) -> None:
        mails = [mail for mail in self.it.mailbox.folders["INBOX"] if b"customers.test" in mail.raw[:200]]
        if mails:
            self._try("an agent replies")
            first = email.message_from_bytes(one_of(data, mails).raw, policy=email.policy.default)
            reply = self.it.mail("Ana Reyes <support@example.test>", "Re: Where is my parcel?", text, first)
            self.it.arrives(reply, "Sent", tags)
            self.it.live()

    @precondition(lambda self: self.it.cases())
    @rule(
        data=st.data(),
        said=st.lists(lines(), min_size=1, max_size=4),
        agent=st.sampled_from(["", "ana", "lee"]),
    )
    def agent_tells(self, data: st.DataObject, said: list[str], agent: str) -> None:
        case = one_of(data, [case.ref for case in self.it.cases()])
        for line in said:
            self._try(f"line {line.partition(':')[0]}")
        try:
            self.it.says(case, *said, agent=agent)
        except KilledError:
            self.it._wake()
        self.it.live()

    @precondition(lambda self: any(each.to in AGENTS for each in self.it.post.accepted))
    @rule(data=st.data(), said=st.lists(lines(), min_size=1, max_size=4), away=st.booleans())
    def agent_answers_the_desk(self, data: st.DataObject, said: list[str], away: bool) -> None:
        letter = one_of(data, [each for each in self.it.post.accepted if each.to in AGENTS])
        headers = {"Auto_Submitted": "auto-replied"} if away else {}
        text = "I am on holiday." if away else "\n".join(said)
        self._try("an agent's robot answers the desk" if away else "an agent answers the desk")
        self.it.arrives(
            self.it.mail(letter.to, f"Re: {letter.mail['Subject']}", text, letter.mail, **headers)
        )
        self.it.live()

    @rule(data=st.data(), how=st.sampled_from(["sent", "resend", "drop"]))
    def agent_settles(self, data: st.DataObject, how: str) -> None:
        letters = self.it.letters()
        doubtful = [state for state in letters if state.status.value in {"doubt", "deferred"}] or letters
        if doubtful:
            self._try(f"settle {how}")
            self.it.settles(one_of(data, [state.letter.key for state in doubtful]), how)
            self.it.live()

    @rule(number=st.integers(1, 2))
    def admin_imports_cards(self, number: int) -> None:
        try:
            self.it.imports(number)
        except KilledError:
            self.it._wake()

    # --- the world ---

    @rule(
        span=st.sampled_from(
            [
                timedelta(minutes=1),
                timedelta(minutes=11),
                timedelta(hours=1),
                timedelta(hours=5),
                timedelta(days=1),
                timedelta(days=3),
                timedelta(days=8),
                timedelta(hours=-1),
            ]
        )
    )
    def time_passes(self, span: timedelta) -> None:
        self._try(f"time {span}")
        self.it.now += span
        self.it.live()

    @rule(
        plan=st.lists(
            st.sampled_from(["accepted", "deferred", "refused", "kept", "lost", "outage", "slow", "killed"]),
            max_size=8,
        )
    )
    def the_post_will(self, plan: list[str]) -> None:
        self.it.post.plan = plan

    @rule(address=st.sampled_from([*AGENTS, *CUSTOMERS]), bad=st.booleans())
    def an_address_goes_bad(self, address: str, bad: bool) -> None:
        (self.it.post.bad_addresses.add if bad else self.it.post.bad_addresses.discard)(address)

    @precondition(lambda self: self.it.mailbox.folders["Drafts"])
    @rule(
        which=st.integers(0, 5),
        how=st.sampled_from(["sent", "sent in other words", "edited", "deleted"]),
        said=st.booleans(),
    )
    def an_agent_handles_a_draft(self, which: int, how: str, said: bool) -> None:
        ref = (
            str(self.it.mailbox.folders["Drafts"][0].raw).partition("X-Followupd-Key: ")[2].partition(".")[0]
        )
        self.it.handles_a_draft(which, how)
        if said and ref:
            try:
                self.it.says(ref, "approve")  # at once, before its copy in Sent is read
            except KilledError:
                self.it._wake()
        self.it.live()

    @rule(how=st.sampled_from(["come", "come twice", "are lost", "come late"]))
    def copies(self, how: str) -> None:
        self._try(f"copies {how}")
        coming, kept = ([], self.it.copies) if how == "come late" else (self.it.copies, [])
        for raw in coming if how != "are lost" else []:
            self.it.copy_arrives(raw)
            if how == "come twice":
                self.it.copy_arrives(b"Received: from elsewhere\r\n" + raw)
        self.it.copies = list(kept)
        self.it.live()

    @rule(steps=st.integers(1, 40))
    def the_plug_is_pulled(self, steps: int) -> None:
        self.it.plug.left = steps

    @rule()
    def the_server_renumbers(self) -> None:
        self._try("UIDVALIDITY changes")
        self.it.mailbox.renumber()
        self.it.live()

    # --- always ---

    @invariant()
    def every_history_folds_and_every_doubt_is_asked(self) -> None:
        if self.world:
            left, self.it.plug.left = self.it.plug.left, 0
            self.it.inspect_ledger()
            self.it.plug.left = left

    def teardown(self) -> None:
        if self.world:
            TRIED["worlds"] += 1
            try:
                self.it.calm()
            finally:
                self.it.end()
                shutil.rmtree(self.directory, ignore_errors=True)


AnyLife.TestCase.settings = settings(
    max_examples=WORLDS,
    stateful_step_count=40 if DEEP else 20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)
TestAnyLife = AnyLife.TestCase


@pytest.fixture(autouse=True, scope="module")
def _what_was_tried(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if DEEP:
        capture = request.config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled():
            print("\nWhat was tried:")
            for what, times in sorted(TRIED.items()):
                print(f"{times:8}  {what}")
