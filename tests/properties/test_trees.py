"""Boosted trees give what walking each of them from its root gives."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followupd.text.ngrams import Tree, Trees

NAMES = ("commits", "date", "words")
numbers = st.sampled_from([-2.5, -1.0, 0.0, 0.5, 1.0, 3.0])


def grown(depth: int) -> st.SearchStrategy[Tree]:
    leaves = st.integers(-8, 8).map(lambda eighths: eighths / 8)  # sums of these are exact
    if depth == 0:
        return leaves
    below = grown(depth - 1)
    return leaves | st.tuples(st.sampled_from(NAMES), numbers, below, below).map(list)


def walked(tree: Tree, seen: Mapping[str, float]) -> float:
    while isinstance(tree, list):
        name, most, below, above = tree
        tree = below if seen.get(name, 0.0) <= most else above
    return tree


@given(
    trees=st.lists(grown(4), min_size=1, max_size=9), seen=st.dictionaries(st.sampled_from(NAMES), numbers)
)
def test_all_trees_together_give_the_sum_of_each(trees: list[Tree], seen: dict[str, float]) -> None:
    assert Trees.of(0.25, trees).score(seen) == 0.25 + sum(walked(tree, seen) for tree in trees)


def test_a_tree_of_sixteen_leaves_is_walked_to_each_of_them() -> None:
    def whole(first: int, last: int) -> Tree:
        middle = (first + last) // 2
        if first == last:
            return float(first)
        return ["words", middle + 0.5, whole(first, middle), whole(middle + 1, last)]

    tree = whole(0, 15)
    assert [Trees.of(0.0, [tree]).score({"words": float(at)}) for at in range(16)] == pytest.approx(range(16))
