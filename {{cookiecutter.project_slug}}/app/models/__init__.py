"""The tables; importing this package registers all of them on `Base.metadata`."""

from app.models.post import Post, PostStatus
from app.models.refresh_token import RefreshToken
from app.models.user import Role, User

__all__ = ["Post", "PostStatus", "RefreshToken", "Role", "User"]
