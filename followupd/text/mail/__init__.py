"""Read a mail: its kind, whether a machine may answer it, its new text, what reports and absence notes say."""
