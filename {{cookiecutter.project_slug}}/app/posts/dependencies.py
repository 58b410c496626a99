"""The post that a path names, and what the caller may see or do."""

from typing import Annotated

from fastapi import Depends

from app.api.errors import Forbidden, NotFound
from app.api.fields import PathId
from app.auth.dependencies import CurrentUser, OptionalUser
from app.database import SessionDep, reading
from app.models import Post
from app.posts import service as posts
from app.posts.schemas import PostRead


def get_visible_post(
    viewer: OptionalUser, shown: Annotated[PostRead | None, Depends(posts.load_shown_post)]
) -> PostRead:
    if shown is None or not posts.is_visible(shown, viewer):
        raise NotFound("Post not found")
    return shown


VisiblePost = Annotated[PostRead, Depends(get_visible_post)]


def get_editable_post(post_id: PathId, actor: CurrentUser, db: SessionDep) -> Post:
    with reading(db):
        post = posts.find_undeleted_post(db, post_id)
    if post is None:
        raise NotFound("Post not found")
    if not (actor.is_admin or post.author_id == actor.id):
        raise Forbidden("Only the author or an admin may do this")
    return post


EditablePost = Annotated[Post, Depends(get_editable_post)]
