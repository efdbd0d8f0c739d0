"""The command line: `cnnlab run|list|show|grade`. One file a command group."""

import argparse
import os
import sys

import cnnlab
from cnnlab.cli import experiments, grade

START = """examples:
  cnnlab list                            the book's experiments, and whether they are measured
  cnnlab show initialization             a record as a table
  cnnlab run initialization --smoke      a few steps of each run: is all in place?
  cnnlab grade --help                    grade a class: the steps of the day
  cnnlab run --help                      what a command takes
"""


def main(argv: list[str] | None = None) -> int:
    """Run one command; what goes wrong is one line on standard error and exit status 2, an interruption 130."""
    parser = _parser()
    arguments, rest = parser.parse_known_args(argv)
    if rest and not hasattr(arguments, "slugs") or any(each.startswith("-") for each in rest):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:  # argparse ends a list at the first option: `grade init here --seed 7 activations`
        arguments.slugs += rest
    if arguments.command is None:
        parser.print_help()
        return 0
    try:
        return arguments.call(arguments) or 0
    except BrokenPipeError:  # whoever read the output, such as head, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, RuntimeError, ImportError) as error:
        print(f"cnnlab {arguments.command}: {_one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cnnlab",
        description="Measure the book's experiments, read their records, grade its exercises.",
        epilog=START,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"cnnlab {cnnlab.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    experiments.add(commands)
    grade.add(commands)
    return parser


def _one_line(error: Exception) -> str:
    """The message of an error; the system's without its number, and with the file."""
    system = isinstance(error, OSError) and error.strerror
    said = f"{error.filename or ''}: {error.strerror}".removeprefix(": ") if system else str(error)
    return " ".join(said.split())
