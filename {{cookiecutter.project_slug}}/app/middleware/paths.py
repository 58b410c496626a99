"""Which route answers: a path with a slash at the end is that without, and HEAD is a GET without its body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class OptionalTrailingSlash:
    """Serves `/posts/` as `/posts`, where a redirect would cost a round trip and lose the scheme behind a proxy."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/"):
            # In place: the route that is found is then known around this, too.
            scope["path"] = scope["path"].rstrip("/") or "/"
        await self.app(scope, receive, send)


class HeadAsGet:
    """Answers HEAD on every route that answers GET; the server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_as_head(message: Message) -> None:
            # In place, as above, and undone here: the server looks at the method when it is sent the answer.
            scope["method"] = "HEAD"
            await send(message)

        scope["method"] = "GET"
        try:
            await self.app(scope, receive, send_as_head)
        finally:
            # Where nothing was sent because the route raised, the answer is yet to come from outside.
            scope["method"] = "HEAD"
