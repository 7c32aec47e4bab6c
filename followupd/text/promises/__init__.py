"""Find what agents commit the company to, and read the dates and amounts that they write."""

from followupd.text.promises.commitments import hear
from followupd.text.promises.lines import read_when, split_when
from followupd.text.promises.money import read_money

__all__ = ["hear", "read_money", "read_when", "split_when"]
