"""A year by faketime and commands alone: what became of customers, what came again, a month.

The year is over: Dovecot believes no mail of the future, and an outcome counts from when the server received a mail.
"""

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as AS_SENT

from tests.journeys.test_new_user import NewUser, copies_delivered, letters, user
from tests.journeys.world import configuration
from tests.servers.smtp import Sink

__all__ = ["user"]

FACTS = (
    *("cause-code: carrier", "cause: the label had the postcode of another customer", "fault: ours"),
    *("resolution: a new kettle came by courier", "prevention: labels are printed from the order"),
)


def mail(name: str, subject: str, text: str, at: str, answers: str = "") -> bytes:
    """A customer's mail."""
    made = EmailMessage()
    made["From"], made["To"], made["Subject"], made["Date"] = (
        f"{name.title()} Doe <{name}@customers.test>",
        "support@example.test",
        subject,
        f"{at} +0000",
    )
    made["Message-ID"] = f"<{name}-{len(text)}@customers.test>"
    if answers:
        made["In-Reply-To"] = answers
    made.set_content(text)
    return made.as_bytes(policy=AS_SENT)


def complains(user: NewUser, name: str, at: str, subject: str) -> str:
    """Let a customer complain on a day, and an agent tag the mail; return the case once it is confirmed."""
    postbox = user.postbox
    postbox.append(
        mail(name, subject, "The kettle has not come.", f"{at[8:10]} {MONTHS[at[5:7]]} {at[:4]} 10:05:00")
    )
    postbox.mark(postbox.uids()[-1], "complaint")
    user.types("run", "--once", at=f"{at} 10:06:00")
    user.types("run", "--once", at=f"{at} 10:20:00")
    found = user.json("cases", at=f"{at} 10:21:00")
    return str(next(case["ref"] for case in found if name in case["customer"]["address"]))


MONTHS = {"12": "Dec", "06": "Jun", "02": "Feb"}


def test_a_year_shows_what_became_of_a_customer_and_that_it_happened_again(user: NewUser, smtp: Sink) -> None:
    user.types("init", str(user.directory), at="2020-12-01 08:00:00")
    (user.directory / "followupd.toml").write_text(configuration(user.postbox, smtp))
    user.types("run", "--once", at="2020-12-01 09:00:00")
    with copies_delivered(smtp, user.postbox):
        kim = complains(user, "kim", "2020-12-01", "Where is my kettle?")
        user.types("tell", kim, "kept", "fixed", *FACTS, at="2020-12-01 15:00:00")
        for at in ("2020-12-04 15:30:00", "2020-12-07 10:00:00"):
            user.types("run", "--once", at=at)
        [follow_up] = letters(smtp, "follow-up")
        thanks = mail(
            "kim",
            "Re: kettle",
            "Yes, the new kettle works.",
            "08 Dec 2020 09:00:00",
            str(follow_up["Message-ID"]),
        )
        user.postbox.append(thanks)
        user.types("run", "--once", at="2020-12-08 10:00:00")
        user.types("run", "--once", at="2020-12-28 10:00:00")
        assert user.json("case", kim, at="2020-12-28 10:01:00")["stage"] == "closed"
        user.types("run", "--once", at="2021-02-05 10:00:00")
        teapot = mail("kim", "A teapot", "Hello, do you have teapots, too?", "10 Feb 2021 09:00:00")
        with user.postbox.client() as client:
            client.append("INBOX", teapot, (), datetime(2021, 2, 10, 9, tzinfo=UTC))
        user.types("run", "--once", at="2021-02-10 10:00:00")
        user.types("run", "--once", at="2021-04-05 10:00:00")

        lee = complains(user, "lee", "2021-06-01", "Where is my lamp?")
        user.types("tell", lee, "kept", "fixed", *FACTS, at="2021-06-01 15:00:00")
        user.types("run", "--once", at="2021-06-04 15:30:00")
        said = [event["event"] for event in user.json("case", lee, at="2021-06-05 10:00:00")["history"]]
        assert "HappenedAgain" in said
        assert "FollowedUp" not in said  # the same prevention is not told a second time
        assert len(letters(smtp, "follow-up")) == 1
    outcomes = user.json("report", at="2021-06-05 10:00:00")["outcomes"]
    assert {days: [name for name, n in counts.items() if n] for days, counts in outcomes.items()} == {
        "30": ["content"],
        "90": ["returned"],
    }
    back = {
        month: user.json("report", "--month", month, at="2021-06-05 10:00:00")
        for month in ("2021-02", "2021-06")
    }
    assert [
        (row["after"], row["again"], row["of"])
        for row in back["2021-02"]["came_back"]
        if row["group"] == "all"
    ] == [("30 days", 0, 1)]
    assert back["2021-06"]["tables"]["again"]["rows"] == [["carrier", "1", "1", lee]]
    assert user.json("calibrate", at="2021-06-05 10:30:00") == []  # two cases tell nothing yet
    user.types("erase", "kim@customers.test", at="2021-06-05 11:00:00")
    forgotten = user.json("report", "--month", "2021-02", at="2021-06-05 12:00:00")
    assert forgotten["came_back"] == []
