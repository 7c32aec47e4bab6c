"""The customer was asked which of several options suits better: the numbered answer becomes the promise (practice 55)."""

from followupd.recovery.options.chapter import heard
from followupd.recovery.options.choice import chosen

__all__ = ["chosen", "heard"]
