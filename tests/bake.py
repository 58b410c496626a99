"""`make bake`: cookiecutter on this template, with a sentence where cookiecutter shows a traceback."""

import json
import logging
import re
import sys
import warnings

from click import ClickException
from cookiecutter.cli import main as cookiecutter


def literal(argument: str) -> str:
    """Return a `key=value` whose value cookiecutter renders to the value itself: it takes every answer for a template."""
    key, separator, value = argument.partition("=")
    if not separator or not re.search(r"\{\{|# \{[%#]", value):
        return argument
    return f"{key}={{{{ {json.dumps(value)} }}}}"


def main(arguments: list[str]) -> int:
    """Bake, and return the exit code."""
    # cookiecutter only warns of a default in the user's configuration that it can't apply, and drops those after it.
    warnings.filterwarnings("error", "Invalid default received")
    # It logs the traceback of its own call when a hook refuses; the hook has said why.
    logging.getLogger("cookiecutter.hooks").disabled = True
    try:
        cookiecutter([literal(argument) for argument in arguments], standalone_mode=False)
    except ClickException as problem:
        problem.show()
        return problem.exit_code
    except (UserWarning, ValueError) as problem:
        # Raised before any hook runs, of a choice or a switch with a value that is not among those of cookiecutter.json.
        print(f"Nothing was baked: {problem}", file=sys.stderr)
        return 1
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
