"""`python -m aigc ...`: the same calls as the page, for scripts and tests.  Exit codes are in parser.EXIT_CODES.

A verb is a module here with `act(args, out) -> exit code`; it is imported when it is typed, so that listing needs no torch.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from aigc.cli.out import Out, shell_language
from aigc.cli.parser import parser
from aigc.words import Refusal, both

OK, FAILED, REFUSED, INTERRUPTED, ABORTED = 0, 1, 2, 3, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Do what `argv` says; returns the exit code and never raises, except SystemExit for --help."""
    argv = sys.argv[1:] if argv is None else argv
    out = Out(shell_language(), "--json" in argv)
    try:
        args = parser(out.lang).parse_args(argv)
        return importlib.import_module(f"aigc.cli.{args.verb}").act(args, out)
    except Refusal as refusal:
        out.refuse(refusal.words)
        return REFUSED
    except KeyboardInterrupt:
        out.refuse(both("Stopped.", "已停止。"))
        return ABORTED
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        where = f" ({os.path.basename(str(error.filename))})" if error.filename else ""
        out.refuse(both(f"The system says: {error.strerror or error}{where}.", f"系统报告：{error.strerror or error}{where}。"))
        return FAILED
