"""The tables; importing this package registers those of all its modules on `Base.metadata`."""

from importlib import import_module
from pkgutil import iter_modules

from app.models.one_time_token import OneTimeToken, Purpose
from app.models.post import Post, PostStatus
from app.models.refresh_token import RefreshToken
from app.models.user import Role, User

__all__ = ["OneTimeToken", "Post", "PostStatus", "Purpose", "RefreshToken", "Role", "User"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
