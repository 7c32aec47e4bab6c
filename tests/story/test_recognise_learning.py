"""Learning: agents' tags move the score a little, and only when they are enough."""

from collections.abc import Iterator, Sequence

from followupd.text.complaints import Recogniser, Tagged, learn

RECOGNISER = Recogniser.shipped()
#: A site where "the hatch hums" is what complaints are about, which no shipped weight can know.
HUMS = "The hatch hums when I open it, number {}."
SHINES = "Where can I get a hatch like the one at gate {}?"


def tags(number: int) -> list[Tagged]:
    return [
        Tagged("", HUMS.format("x" * n) if n % 2 else SHINES.format("y" * n), complaint=bool(n % 2))
        for n in range(number)
    ]


def test_fewer_than_fifty_tags_teach_nothing() -> None:
    learned = learn(tags(49), RECOGNISER)
    assert not learned.delta
    assert "50" in learned.because


def test_tags_of_one_kind_teach_nothing() -> None:
    assert not learn([Tagged("", HUMS.format(n), complaint=True) for n in range(80)], RECOGNISER).delta


def test_enough_tags_move_the_words_of_this_site() -> None:
    learned = learn(tags(100), RECOGNISER)
    before = RECOGNISER.judge("", HUMS.format("zz"))
    after = RECOGNISER.judge("", HUMS.format("zz"), delta=learned.delta)
    assert after.score > before.score
    assert any("hums" in words for words, _ in learned.up)
    assert learned.down


def test_somebody_may_be_told_how_far_the_learning_is() -> None:
    told = []

    def counted(tagged: Sequence[Tagged]) -> Iterator[Tagged]:
        for number, tag in enumerate(tagged, 1):
            told.append(number)
            yield tag

    assert learn(tags(60), RECOGNISER, counted=counted) == learn(tags(60), RECOGNISER)
    assert told == list(range(1, 61))


def test_every_fifth_tag_is_held_back_and_measures() -> None:
    learned = learn(tags(100), RECOGNISER)
    assert (learned.tags, learned.held_back) == (100, 20)
    assert learned.precision == 1.0
    assert learned.recall == 1.0


def test_learning_twice_from_the_same_tags_says_the_same() -> None:
    assert learn(tags(60), RECOGNISER) == learn(tags(60), RECOGNISER)


def test_tags_without_rhyme_change_little() -> None:
    noise = [Tagged("", SHINES.format(n), complaint=bool(n * 7919 % 13 % 2)) for n in range(100)]
    assert all(abs(weight) <= 3 for weight in learn(noise, RECOGNISER).delta.values())
