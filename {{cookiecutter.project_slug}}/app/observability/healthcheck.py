"""Ask the server of this container how it is, where there is no curl: `python -m app.observability.healthcheck [live|ready]`."""

import sys
from http.client import OK, HTTPConnection, HTTPException

PORT = 8000
# Ready takes longer than the 5 seconds that the server waits for what it needs.
SECONDS = {"live": 4, "ready": 7}


def answers(question: str, port: int = PORT) -> bool:
    """Ask by the name `localhost`, which has to be among TRUSTED_HOSTS."""
    connection = HTTPConnection("localhost", port, timeout=SECONDS[question])
    try:
        connection.request("GET", f"/health/{question}")
        return connection.getresponse().status == OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not answers(sys.argv[1] if sys.argv[1:] else "live"))
