"""The command line: `cnnlab run|list|show`. One file a command group."""

import argparse
import sys

import cnnlab
from cnnlab.cli import experiments


def main(argv: list[str] | None = None) -> int:
    """Run one command; a user's mistake is one line on standard error and exit status 2."""
    parser = argparse.ArgumentParser(
        prog="cnnlab", description="Measure the book's experiments and read their records."
    )
    parser.add_argument("--version", action="version", version=f"cnnlab {cnnlab.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    experiments.add(commands)
    arguments = parser.parse_args(argv)
    try:
        return arguments.call(arguments) or 0
    except (ValueError, OSError, RuntimeError) as error:
        print(f"cnnlab {arguments.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; finished runs are kept, and the same command goes on", file=sys.stderr)
        return 130
