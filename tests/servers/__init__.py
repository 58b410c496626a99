"""PostgreSQL, MySQL or MariaDB, and Redis for the tests: given by the environment, or brought up and stopped here.

Each server comes from the first of these that can serve: the variable of `VARIABLES`, a running Docker engine, the
server's binaries on this machine, the same binaries installed with apt (root on Debian and Ubuntu).
"""

from tests.servers.kinds import KINDS, NAMES, VARIABLES, Kind
from tests.servers.providers import ServersMissing, provide

__all__ = ["KINDS", "NAMES", "VARIABLES", "Kind", "ServersMissing", "provide"]
