"""Did it arrive? The customer's answer is read; a no opens the matter again, silence brings a call (practice 73)."""

from followupd.recovery.receipt.chapter import act, heard, moment
from followupd.recovery.receipt.reading import Answer, Reading, read_receipt

__all__ = ["Answer", "Reading", "act", "heard", "moment", "read_receipt"]
