"""Importing posts: a file is kept in the database, and a worker adds its rows in batches.

A batch and the count of the rows done with are committed together, under a lock of the import. So a run that ended
half-way is made up for by another one, and two runs at the same time share the rows between them.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, cast
from uuid import uuid4

from sqlalchemy import CursorResult, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import engines
from app.api.errors import Conflict, Unauthorized
from app.database import SessionLocal
from app.imports.csv_rows import Row, read_rows
from app.models import Post, User
from app.models.columns import now
from app.models.post_import import ImportStatus, PostImport, PostImportProblem
from app.posts.schemas import PostCreate
from app.posts.service import SLUG_CONSTRAINT, SLUG_TAKEN

BATCH = 500
UNFINISHED = (ImportStatus.QUEUED, ImportStatus.RUNNING)
# Somebody else may take a slug between the look and the insert; not many times in a row.
ATTEMPTS = 10


def add_import(db: Session, author: User, document: bytes) -> PostImport:
    """Keep a file to be imported; raises a 422 when the whole of it is wrong, `Conflict` while another is unfinished."""
    total = sum(1 for _ in read_rows(document))
    # Uploads of one author wait for each other here, or, on an engine without row locks, at the insert.
    db.execute(select(User.id).where(User.id == author.id).with_for_update(key_share=True))
    started = PostImport(task_id=uuid4().hex, author_id=author.id, total=total, document=document)
    db.add(started)
    try:
        db.flush()
    except IntegrityError as error:
        # Its author has been deleted since the request was let in.
        if engines.violates(error, "fk_post_imports_author_id_users"):
            raise Unauthorized("Invalid or expired token") from None
        raise
    # After the insert, so that no other upload can come in between the check and the commit.
    unfinished = select(PostImport.id).where(PostImport.author_id == author.id, PostImport.status.in_(UNFINISHED))
    if db.scalar(unfinished.where(PostImport.id != started.id).limit(1)):
        raise Conflict("Your last import is not finished yet; wait for it")
    return started


def find_import(db: Session, task_id: str, author: User) -> PostImport | None:
    """Return the import if it is the author's."""
    return db.scalar(select(PostImport).where(PostImport.task_id == task_id, PostImport.author_id == author.id))


def remove_import(task_id: str) -> None:
    """Take back, in a transaction of its own, an import that nobody will do."""
    with SessionLocal.begin() as db:
        db.execute(delete(PostImport).where(PostImport.task_id == task_id))


def take_stalled(db: Session, idle: timedelta, statuses: Sequence[ImportStatus] = UNFINISHED) -> Sequence[str]:
    """Return the imports that are to be done and had nothing done to them for so long, to be queued again."""
    waiting = select(PostImport.task_id).where(PostImport.status.in_(statuses), PostImport.updated_at <= now() - idle)
    task_ids = db.scalars(waiting.order_by(PostImport.id)).all()
    queued = update(PostImport).where(PostImport.task_id.in_(task_ids))
    db.execute(queued.values(status=ImportStatus.QUEUED, updated_at=now()))
    return task_ids


def problems_of(db: Session, job: PostImport, limit: int, offset: int) -> Sequence[PostImportProblem]:
    """Return a part of what was wrong, in the order of the file."""
    problems = select(PostImportProblem).where(PostImportProblem.import_id == job.id).order_by(PostImportProblem.line)
    return db.scalars(problems.limit(limit).offset(offset)).all()


def run_import(task_id: str) -> None:
    """Add the posts that are still missing."""
    with SessionLocal() as db:
        unfinished = select(PostImport.document).where(PostImport.task_id == task_id, PostImport.status.in_(UNFINISHED))
        document = db.scalar(unfinished)
    if document is not None:
        rows = enumerate(read_rows(document))
        while run_batch(task_id, rows):
            pass


def run_batch(task_id: str, rows: Iterator[tuple[int, Row]]) -> bool:
    """Add the next posts and return whether any may be left; `rows` are numbered, and those done with are skipped."""
    with SessionLocal.begin() as db:
        job = claim(db, task_id)
        if job is None:
            return False
        batch = list(islice((row for number, row in rows if number >= job.processed), BATCH))
        add_posts(db, job, batch)
        job.processed += len(batch)
        if job.processed < job.total:
            return True
        job.status, job.document = ImportStatus.COMPLETE, None
        return False


def claim(db: Session, task_id: str) -> PostImport | None:
    """Lock the import and return it, or nothing when it is over or its author may no longer write."""
    # The author first, as whoever deletes them does: two that lock in another order can wait for each other.
    author_id = select(PostImport.author_id).where(PostImport.task_id == task_id).scalar_subquery()
    author = select(User.is_active).where(User.id == author_id)
    if db.scalar(author.with_for_update(read=True, key_share=True)) is False:
        fail(db, task_id)
        return None
    unfinished = (PostImport.task_id == task_id, PostImport.status.in_(UNFINISHED))
    # A write, not `FOR UPDATE`: it locks on every engine.
    claimed = db.execute(update(PostImport).where(*unfinished).values(status=ImportStatus.RUNNING, updated_at=now()))
    if not cast("CursorResult[Any]", claimed).rowcount:
        return None
    return db.scalars(select(PostImport).where(PostImport.task_id == task_id)).one()


def fail(db: Session, task_id: str) -> None:
    """Give up what is left of the import; what was added stays."""
    unfinished = (PostImport.task_id == task_id, PostImport.status.in_(UNFINISHED))
    db.execute(update(PostImport).where(*unfinished).values(status=ImportStatus.FAILED, document=None))


def add_posts(db: Session, job: PostImport, batch: Sequence[Row]) -> None:
    """Add the good rows as posts, and note what is wrong with the others."""
    for _ in range(ATTEMPTS):
        posts, reasons = sorted_out(db, batch)
        try:
            with db.begin_nested():
                insert_posts(db, job.author_id, posts)
            break
        except IntegrityError as error:
            if not engines.violates(error, SLUG_CONSTRAINT):
                raise
            clash = error
    else:
        raise clash
    if reasons:
        db.execute(insert(PostImportProblem), [{"import_id": job.id, **reason} for reason in reasons])


def insert_posts(db: Session, author_id: int, posts: Sequence[PostCreate]) -> None:
    if posts:
        db.execute(insert(Post), [{**post.model_dump(), "author_id": author_id} for post in posts])


def sorted_out(db: Session, batch: Sequence[Row]) -> tuple[list[PostCreate], list[dict[str, Any]]]:
    """Return the posts that can be added, and a line and a reason for each that cannot."""
    slugs = [row.post.slug for row in batch if row.post]
    taken = set(db.scalars(select(Post.slug).where(Post.slug.in_(slugs))))
    posts: list[PostCreate] = []
    reasons: list[dict[str, Any]] = []
    for row in batch:
        if row.post is None or row.post.slug in taken:
            reasons.append({"line": row.line, "reason": row.reason or f"slug: {SLUG_TAKEN}"})
        else:
            taken.add(row.post.slug)
            posts.append(row.post)
    return posts, reasons
