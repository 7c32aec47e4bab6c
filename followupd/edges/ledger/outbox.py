"""The outbox: letters are queued once, claimed before they leave, and put down with what the server said."""

from datetime import datetime

from sqlalchemy import CursorResult, bindparam, update
from sqlmodel import and_, col, func, not_, or_, select

from followupd.edges.ledger.leaving import GONE, LETTER, LETTERS, MAY_LEAVE, Leaving
from followupd.edges.ledger.sealed import OUTGOING, opened, sealed
from followupd.edges.tables import LetterRow, WordsRow
from followupd.errors import FollowupdError, LetterError
from followupd.model.kept import LetterState
from followupd.model.letter import GIFT_CARD
from followupd.model.outgoing import Condition, Draft, Outgoing

#: so many of a person's letters are looked at before the same words are said again
_REMEMBERED = 20


class UnknownLetterError(FollowupdError):
    """There is no such letter."""


class Outbox(Leaving):
    """The letters of the ledger, within one transaction."""

    def queue(self, letter: Outgoing, now: datetime) -> None:
        """Put a letter in the outbox; its key is the primary key, so the same decision twice is one letter."""
        condition = Condition.REVIEW if letter.review else Condition.READY
        address = letter.to.address.lower()
        self._session.add(
            LetterRow(
                key=letter.key,
                case_ref=letter.case,
                mailbox=letter.mailbox,
                kind=letter.kind,
                condition=condition.value,
                to_address=address,
                to_domain=address.rpartition("@")[2],
                automatic=letter.automatic,
                message_id=letter.message_id,
                not_before=letter.not_before,
                written_at=now,
            )
        )
        self._session.flush()
        words = sealed(self._seal, OUTGOING, letter)
        self._session.add(WordsRow(letter_key=letter.key, sealed=words, mail=self._mail(letter)))
        self._session.flush()

    def _mail(self, letter: Outgoing) -> bytes:
        """Return the sealed bytes of a letter that lack only its date; what cannot be composed is told at its turn."""
        try:
            mail = self._undated(letter)
        except LetterError:
            return b""
        return self._seal.seal(mail) if mail else b""

    def known(self, key: str) -> bool:
        return self._session.get(LetterRow, key) is not None

    def get(self, key: str) -> LetterState:
        """Return a letter with its state; raises UnknownLetterError."""
        row = self._run(LETTERS.where(LETTER.c.key == bindparam("its_key")), {"its_key": key}).first()
        if row is None:
            raise UnknownLetterError(f"there is no letter {key}")
        return self._state(row)

    def all(self, *conditions: Condition, case: str = "") -> list[LetterState]:
        query = LETTERS
        if conditions:
            query = query.where(LETTER.c.condition.in_([condition.value for condition in conditions]))
        if case:
            query = query.where(LETTER.c.case_ref == case)
        return self._states(query)

    def count(self, *conditions: Condition) -> int:
        names = [condition.value for condition in conditions]
        return self._session.exec(select(func.count()).where(col(LetterRow.condition).in_(names))).one()

    def conditions(self) -> dict[str, int]:
        """Count the letters by condition."""
        counted = self._session.exec(select(LetterRow.condition, func.count()).group_by(LetterRow.condition))
        return {condition: number for condition, number in counted}  # noqa: C416  dict() would take the result for a mapping

    def claim(self, key: str, now: datetime) -> bool:
        """Take one letter for leaving; False when somebody else was there first. Commit before the post sees it."""
        return self._turn(
            key, MAY_LEAVE, condition=Condition.LEAVING.value, leaving_at=now, attempts=LetterRow.attempts + 1
        )

    def postpone(self, key: str, until: datetime, why: str) -> None:
        self._turn(key, MAY_LEAVE, not_before=until, reply=why)

    def put_down(
        self, key: str, condition: Condition, now: datetime, *, reply: str = "", not_before: datetime | None = None
    ) -> bool:
        """Write what became of a letter on its way or in doubt; False when that was settled before."""
        sent_at = {"sent_at": now} if condition is Condition.SENT else {}
        return self._turn(
            key, (Condition.LEAVING.value, Condition.DOUBT.value),
            condition=condition.value, reply=reply[:500], not_before=not_before, **sent_at,
        )  # fmt: skip

    def prove(self, key: str, now: datetime, reply: str) -> bool:
        """Write that a letter left, on evidence that counts more than what we had thought; False when that was known."""
        others = tuple(condition.value for condition in Condition if condition is not Condition.SENT)
        return self._turn(key, others, condition=Condition.SENT.value, sent_at=now, reply=reply[:500], not_before=None)

    def approve(self, key: str) -> bool:
        """Let a letter in review leave; one whose draft lies in the mailbox leaves when that has been taken away."""
        review = (Condition.REVIEW.value,)
        return self._turn(key, review, Draft.FILED, draft=Draft.WANTED.value) or self._turn(
            key, review, Draft.NONE, Draft.ASKED, Draft.GONE, condition=Condition.READY.value
        )

    def leave_review(self, key: str) -> bool:
        """Let an approved letter leave, now that its draft is gone."""
        review = (Condition.REVIEW.value,)
        return self._turn(key, review, Draft.WANTED, condition=Condition.READY.value, draft=Draft.GONE.value)

    def drafted(self, key: str, was: Draft, becomes: Draft) -> bool:
        """Write where a letter's draft stands now; False when that changed meanwhile, or a new draft is wanted no more."""
        may = (Condition.REVIEW.value,) if was is Draft.NONE else tuple(Condition)
        return self._turn(key, may, was, draft=becomes.value)

    def drafts(self, mailbox: str) -> list[LetterState]:
        """Return letters whose drafts are to be filed in this mailbox, to be taken away, or to be tidied up."""
        review = LETTER.c.condition == Condition.REVIEW.value
        lying = [Draft.FILED.value, Draft.WANTED.value, Draft.CHANGED.value, Draft.MISSING.value, Draft.ASKED.value]
        to_file = and_(review, LETTER.c.draft.in_([Draft.NONE.value, Draft.WANTED.value]))
        to_take_away = and_(not_(review), LETTER.c.draft.in_(lying))
        return self._states(LETTERS.where(LETTER.c.mailbox == mailbox, or_(to_file, to_take_away)))

    def odd_drafts(self) -> list[LetterState]:
        """Return approved letters whose drafts had been changed or were gone."""
        odd = [Draft.CHANGED.value, Draft.MISSING.value]
        in_review = LETTERS.where(LETTER.c.condition == Condition.REVIEW.value, LETTER.c.draft.in_(odd))
        return self._states(in_review.where(self._scope.covers(LETTER.c.mailbox)))

    def any_draft(self) -> bool:
        """Say whether any letter that has not left has, or had, a draft in a mailbox."""
        waiting = [Condition.REVIEW.value, *MAY_LEAVE]
        query = select(LetterRow.key).where(col(LetterRow.condition).in_(waiting), LetterRow.draft != Draft.NONE.value)
        return self._session.exec(query.limit(1)).first() is not None

    def drop(self, key: str) -> bool:
        """Take a letter back that has not left and is not on its way."""
        may = (*MAY_LEAVE, Condition.REVIEW.value, Condition.DOUBT.value)
        return self._turn(key, may, condition=Condition.DROPPED.value)

    def witness(self, key: str, now: datetime) -> None:
        """Our own copy came back through the mailbox: the server had accepted the letter."""
        self._session.connection().execute(
            update(LetterRow)
            .where(col(LetterRow.key) == key, col(LetterRow.witnessed_at).is_(None))
            .values(witnessed_at=now)
        )
        self._session.expire_all()

    def no_copy_comes(self, key: str) -> None:
        """Write that the server did not take the blind copy, so that nobody waits for it."""
        self._turn(key, tuple(Condition), copy_due=False)

    def sent_to(self, address: str, since: datetime) -> list[datetime]:
        """Return when automatic letters left since then for this address, or for "@" and a domain, oldest first."""
        local, _, its_domain = address.lower().rpartition("@")
        query = (
            select(LetterRow.sent_at, LetterRow.leaving_at)
            .where(
                LetterRow.to_address == address.lower() if local else LetterRow.to_domain == its_domain,
                col(LetterRow.automatic).is_(True),
            )
            .where(col(LetterRow.condition).in_(GONE))
            .where(col(LetterRow.leaving_at) > since)
            .order_by(col(LetterRow.leaving_at))
        )
        moments = (sent or leaving for sent, leaving in self._session.exec(query))
        return [moment for moment in moments if moment]

    def words_to(self, address: str) -> list[str]:
        """Return the words of the newest letters that this person has had, or may have had (practice 19)."""
        query = (
            select(WordsRow.sealed)
            .join(LetterRow, col(LetterRow.key) == col(WordsRow.letter_key))
            .where(LetterRow.to_address == address.lower(), col(LetterRow.condition).in_(GONE))
            .where(col(LetterRow.kind).not_like("desk/%"), LetterRow.kind != GIFT_CARD)
            .order_by(col(LetterRow.written_at).desc())
            .limit(_REMEMBERED)
        )
        return [opened(self._seal, OUTGOING, token).text for token in self._session.exec(query)]

    def _turn(self, key: str, may: tuple[str, ...], *drafts: Draft, **values: object) -> bool:
        where = [col(LetterRow.key) == key, col(LetterRow.condition).in_(may)]
        if drafts:
            where.append(col(LetterRow.draft).in_([draft.value for draft in drafts]))
        result: CursorResult[tuple[()]] = self._session.connection().execute(
            update(LetterRow).where(*where).values(**values)
        )
        self._session.expire_all()
        return result.rowcount == 1
