"""What is sent and received about posts."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.api.fields import Id, one_line, without_nul
from app.api.pagination import PageParams
from app.models import PostStatus

# The smallest text column of the supported engines holds 65,535 bytes, and a character takes up to four.
LONGEST_BODY = 16_000

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(one_line)]
Body = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_BODY), AfterValidator(without_nul)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=200)]
Sort = Literal["-created_at", "created_at", "-updated_at", "updated_at", "-title", "title"]


class PostCreate(BaseModel):
    """A new post, a draft unless it says otherwise."""

    title: Title
    body: Body
    slug: Slug
    status: PostStatus = PostStatus.DRAFT


class PostUpdate(BaseModel):
    """What may be changed; a field that is not sent stays."""

    title: Annotated[Title, Field(default_factory=str)]
    body: Annotated[Body, Field(default_factory=str)]
    slug: Annotated[Slug, Field(default_factory=str)]
    status: Annotated[PostStatus, Field(default_factory=lambda: PostStatus.DRAFT)]


class PostRead(BaseModel):
    """A post as its readers see it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    title: str
    body: str
    slug: str
    status: PostStatus
    author_id: int
    created_at: datetime
    updated_at: datetime


class PostParams(PageParams):
    """Which posts, in which order: `q` is a text in title or body, in any case, among the newest 10,000."""

    q: Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(without_nul)] | None = None
    status: PostStatus | None = None
    author_id: Id | None = None
    sort: Sort = "-created_at"
