"""The promise chapter: hears what agents commit us to, and reads the dates and amounts that they write."""

from followupd.recovery.promise.commitments import hear
from followupd.recovery.promise.lines import read_when, split_when
from followupd.recovery.promise.money import read_money

__all__ = ["hear", "read_money", "read_when", "split_when"]
