"""A command as a user types it, run in this process: a process of its own costs two seconds of CPU time."""

import os
import subprocess
import sys
from collections.abc import Mapping
from io import BytesIO, TextIOWrapper

import pytest

from followupd.cli.main import main


def typed(
    *words: str | bytes, given: bytes = b"", environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    """Run one command and return what it printed and its exit code; whatever it raises is raised here.

    `run` needs a process of its own: it takes over the log and the signals.

    Args:
        words: behind the program's name; bytes that are no UTF-8 arrive as Python hands them to a program.
        given: standard input.
        environment: variables that are set meanwhile.
    """
    assert "run" not in words
    output, errors = TextIOWrapper(BytesIO(), "utf-8"), TextIOWrapper(BytesIO(), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdin", TextIOWrapper(BytesIO(given), "utf-8"))
        patch.setattr(sys, "stdout", output)
        patch.setattr(sys, "stderr", errors)
        for name, value in (environment or {}).items():
            patch.setenv(name, value)
        code = _exit_code([os.fsdecode(word) for word in words])
    return subprocess.CompletedProcess(words, code, _printed(output), _printed(errors))


def _exit_code(words: list[str]) -> int:
    """Run a command; argparse ends the program by an exception."""
    try:
        return main(words)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)


def _printed(stream: TextIOWrapper) -> bytes:
    stream.flush()
    return stream.buffer.getvalue() if isinstance(stream.buffer, BytesIO) else b""
