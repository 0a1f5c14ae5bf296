"""The command line: thin, late-importing; one sentence and exit code 2 for wrong use."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line; exits with 0 (well), 1 (gate failed), 2 (wrong use) or 130 (stopped)."""
    from partywall.cli.app import app
    from partywall.errors import UserError

    try:
        app()
    except UserError as error:
        print(f"partywall: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output went away, as `| head` does.
        sys.stderr.close()
        sys.exit(0)
