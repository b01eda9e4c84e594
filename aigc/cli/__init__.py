"""`python -m aigc ...`: the same calls as the page, for scripts and tests.  Exit codes are in parser.EXIT_CODES.

A verb is a module here with `act(args, out) -> exit code`; it is imported when it is typed, so that listing needs no torch.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence

from aigc.cli.out import ABORTED, FAILED, OK, REFUSED, Out, shell_language, system_says
from aigc.cli.parser import parser
from aigc.words import Refusal, both

UNEXPECTED = both("Something unexpected happened: {error}.", "发生意外：{error}。")


def main(argv: Sequence[str] | None = None) -> int:
    """Do what `argv` says; returns the exit code and never raises, except SystemExit for --help."""
    argv = sys.argv[1:] if argv is None else argv
    out = Out(shell_language(), "--json" in argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a shell of another alphabet
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
        out.refuse(system_says(error))
        return FAILED
    except Exception as error:
        traceback.print_exc()
        out.refuse(UNEXPECTED, error=f"{type(error).__name__}: {error}"[:300])
        return FAILED
