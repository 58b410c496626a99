"""Routes to posts."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from app.api.dependencies import PageDep
from app.api.errors import documented
from app.api.pagination import Page, Slice
from app.api.routing import OneHopRoute
from app.auth.dependencies import CurrentUser, OptionalUser
from app.database import SessionDep
from app.models import Post
from app.posts import service
from app.posts.dependencies import EditablePost, VisiblePost
from app.posts.schemas import PostCreate, PostParams, PostRead, PostUpdate
from app.users.dependencies import ExistingUser

router = APIRouter(tags=["posts"], route_class=OneHopRoute)


@router.get("/posts", response_model=Page[PostRead], responses=documented(401))
def list_posts(params: Annotated[PostParams, Query()], viewer: OptionalUser, db: SessionDep) -> Slice[Post]:
    return service.list_posts(db, viewer, params)


@router.post(
    "/posts", status_code=status.HTTP_201_CREATED, response_model=PostRead, responses=documented(401, 409, 413)
)
def create_post(data: PostCreate, author: CurrentUser, db: SessionDep) -> Post:
    return service.create_post(db, author, data)


@router.get("/posts/{post_id}", responses=documented(401, 404))
def read_post(post: VisiblePost) -> PostRead:
    return post


@router.patch("/posts/{post_id}", response_model=PostRead, responses=documented(401, 403, 404, 409, 413))
def update_post(data: PostUpdate, post: EditablePost, db: SessionDep) -> Post:
    return service.update_post(db, post, data.model_dump(exclude_unset=True))


@router.delete("/posts/{post_id}", status_code=status.HTTP_204_NO_CONTENT, responses=documented(401, 403, 404))
def delete_post(post: EditablePost, db: SessionDep) -> None:
    service.delete_post(db, post)


@router.get("/users/{user_id}/posts", response_model=Page[PostRead], responses=documented(401, 404))
def list_user_posts(viewer: OptionalUser, user: ExistingUser, params: PageDep, db: SessionDep) -> Slice[Post]:
    return service.list_posts_of(db, user, viewer, params)
