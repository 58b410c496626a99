"""Which tests one worker runs together, so that what they share is made once."""

import re

from xdist.scheduler.loadscope import LoadScopeScheduling

# Modules whose tests share bakes of their own.
WHOLE = ("tests/test_cruft.py", "tests/test_guide.py", "tests/test_workflows.py")


def group_of(nodeid: str) -> str:
    """Return the variant, of its tests; the module, where that is shared; else the test itself."""
    module, _, test = nodeid.partition("::")
    variant = re.search(r"\[(.+)\]$", test)
    if module.startswith("tests/test_variants_") and variant:
        return variant[1]
    return module if module in WHOLE else nodeid


class ByVariant(LoadScopeScheduling):  # type: ignore[misc]  # published without types
    """Gives all tests of a variant to one worker; the variants go first, and what is small fills up the end.

    xdist's own groups are lost: it appends them to a name that pytest 9.2 makes anew each time.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
