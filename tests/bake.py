"""`make bake`: cookiecutter on this template, with a sentence where cookiecutter shows a traceback."""

import logging
import sys

from click import ClickException
from cookiecutter.cli import main as cookiecutter


def main(arguments: list[str]) -> int:
    """Bake, and return the exit code."""
    # It logs the traceback of its own call when a hook refuses; the hook has said why.
    logging.getLogger("cookiecutter.hooks").disabled = True
    try:
        cookiecutter(arguments, standalone_mode=False)
    except ClickException as problem:
        problem.show()
        return problem.exit_code
    except ValueError as problem:
        # Raised before any hook runs, of a choice or a switch with a value that is not among those of cookiecutter.json.
        print(f"Nothing was baked: {problem}", file=sys.stderr)
        return 1
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
