"""Single-line defects of a baked application; for each, its suite must go red."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Defect:
    """A text that stands once in a file of the bake, and what is planted in its place."""

    meaning: str
    path: str
    right: str
    wrong: str


DEFECTS = (
    # Ownership and roles
    Defect("anybody edits a post", "app/dependencies.py", "actor.is_admin or post.author_id == actor.id", "True"),
    Defect("an admin edits no post", "app/dependencies.py", "actor.is_admin or post.author_id", "post.author_id"),
    Defect("anybody edits a user", "app/dependencies.py", "if not (actor.is_admin or actor is user):", "if False:"),
    Defect("anybody is an admin", "app/dependencies.py", "    if not user.is_admin:\n", "    if False:\n"),
    Defect("a user gives themselves a role", "app/users/service.py", '{"role", "is_active"}', '{"is_active"}'),
    Defect("a user activates themselves", "app/users/service.py", '{"role", "is_active"}', '{"role"}'),
    Defect(
        "a newcomer chooses a role",
        "app/auth/router.py",
        "create_user(db, data)",
        "create_user(db, data, role=data.__dict__.get('role', 'admin'))",
    ),
    Defect(
        "the address is shown to everybody",
        "app/users/router.py",
        "if viewer.is_admin or viewer is user else UserPublic",
        "",
    ),
    # What a reader may see
    Defect(
        "deleted posts are read",
        "app/posts/service.py",
        "    exists = Post.deleted_at.is_(None)\n",
        "    exists = Post.id > 0\n",
    ),
    Defect(
        "deleted posts are edited",
        "app/posts/service.py",
        "Post.id == post_id, Post.deleted_at.is_(None))",
        "Post.id == post_id)",
    ),
    Defect(
        "drafts are read by everybody",
        "app/posts/service.py",
        "        return and_(exists, published)\n",
        "        return exists\n",
    ),
    Defect(
        "drafts are read by every user",
        "app/posts/service.py",
        "or_(published, Post.author_id == viewer.id)",
        "or_(published, Post.author_id > 0)",
    ),
    Defect(
        "an author does not see their drafts",
        "app/posts/service.py",
        "or_(published, Post.author_id == viewer.id)",
        "published",
    ),
    Defect(
        "a user's page holds everybody's posts",
        "app/posts/service.py",
        "where(visible_to(viewer), Post.author_id == author.id)",
        "where(visible_to(viewer))",
    ),
    # Lists
    Defect(
        "the filter by status is lost", "app/posts/service.py", "    if params.status is not None:", "    if False:"
    ),
    Defect(
        "the filter by author is lost", "app/posts/service.py", "    if params.author_id is not None:", "    if False:"
    ),
    Defect("the search is lost", "app/posts/service.py", "    if params.q is not None:", "    if False:"),
    Defect(
        "the search takes patterns",
        "app/posts/service.py",
        "Post.title.icontains(q, autoescape=True)",
        "Post.title.icontains(q)",
    ),
    Defect(
        "the search skips bodies",
        "app/posts/service.py",
        "or_(Post.title.icontains(q, autoescape=True), Post.body.icontains(q, autoescape=True))",
        "Post.title.icontains(q, autoescape=True)",
    ),
    Defect(
        "equal values have no order",
        "app/posts/service.py",
        "(column.desc(), Post.id.desc())",
        "(column.desc(), Post.id.asc())",
    ),
    Defect(
        "the order is turned round",
        "app/posts/service.py",
        '(column.desc(), Post.id.desc()) if sort.startswith("-")',
        '(column.desc(), Post.id.desc()) if not sort.startswith("-")',
    ),
    Defect("the offset is ignored", "app/pages.py", ".offset(params.offset)", ""),
    Defect("the limit is ignored", "app/pages.py", ".limit(params.limit)", ""),
    Defect(
        "the total is that of the page",
        "app/pages.py",
        "statement.subquery()",
        "statement.limit(params.limit).subquery()",
    ),
    Defect("a page may hold 101", "app/pages.py", "MOST_ITEMS = 100", "MOST_ITEMS = 101"),
    # Transactions
    Defect(
        "nothing is committed",
        "app/database.py",
        "            raise\n        session.commit()\n",
        "            raise\n",
    ),
    Defect(
        "a revocation is not committed", "app/errors.py", "    keeps_changes = True\n", "    keeps_changes = False\n"
    ),
    Defect(
        "every refusal is committed", "app/database.py", "            if error.keeps_changes:", "            if True:"
    ),
    Defect("deletion is hard", "app/posts/service.py", "    post.deleted_at = now()\n", "    db.delete(post)\n"),
    Defect(
        "deletion does nothing",
        "app/posts/service.py",
        "    post.deleted_at = now()\n",
        "    post.title = post.title\n",
    ),
    # Sessions and tokens
    Defect(
        "an access token never expires",
        "app/auth/tokens.py",
        "algorithms=[ALGORITHM], options={",
        'algorithms=[ALGORITHM], options={"verify_exp": False, ',
    ),
    Defect(
        "a signature is not checked",
        "app/auth/tokens.py",
        "algorithms=[ALGORITHM], options={",
        'algorithms=[ALGORITHM], options={"verify_signature": False, ',
    ),
    Defect(
        "any type of token is an access token",
        "app/auth/tokens.py",
        '        if claims["type"] != ACCESS:\n',
        "        if False:\n",
    ),
    Defect(
        "a claim may be missing",
        "app/auth/tokens.py",
        'CLAIMS = ("sub", "type", "iat", "exp", "jti", "ver")',
        'CLAIMS = ("sub", "type", "iat", "jti", "ver")',
    ),
    Defect("a password change leaves access tokens", "app/auth/sessions.py", "    user.token_version += 1\n", ""),
    Defect(
        "a password change leaves sessions",
        "app/users/service.py",
        "    sessions.end_all(db, user)\n",
        "    user.token_version += 1\n",
    ),
    Defect(
        "a deactivated user's token works",
        "app/dependencies.py",
        "user is None or not user.is_active or",
        "user is None or",
    ),
    Defect("a deactivated user logs in", "app/auth/service.py", "or not right or not user.is_active", "or not right"),
    Defect(
        "a deactivated user stays logged in", "app/auth/service.py", "    if not user.is_active:\n", "    if False:\n"
    ),
    Defect("any password is right", "app/auth/service.py", "user is None or not right or", "user is None or"),
    Defect(
        "a spent refresh token works again",
        "app/auth/sessions.py",
        "    if token.spent_at is not None:\n",
        "    if False:\n",
    ),
    Defect(
        "reuse does not end the family",
        "app/auth/sessions.py",
        "        end_family(db, token.family)\n        raise SessionRevoked",
        "        raise SessionRevoked",
    ),
    Defect(
        "reuse ends everybody's sessions",
        "app/auth/sessions.py",
        "where(RefreshToken.family == family, RefreshToken.revoked_at",
        "where(RefreshToken.revoked_at",
    ),
    Defect(
        "a refresh token never expires",
        "app/auth/sessions.py",
        "    if token.expires_at <= now():\n",
        "    if False:\n",
    ),
    Defect(
        "a revoked refresh token works",
        "app/auth/sessions.py",
        "RefreshToken.spent_at.is_(None), RefreshToken.revoked_at.is_(None))",
        "RefreshToken.spent_at.is_(None))",
    ),
    Defect(
        "two refreshes at once both win",
        "app/auth/sessions.py",
        '    if not cast("CursorResult[Any]", spent).rowcount:\n',
        "    if False:\n",
    ),
    Defect(
        "a logout does nothing",
        "app/auth/service.py",
        "        sessions.end_family(db, token.family)\n",
        "        pass\n",
    ),
    Defect(
        "a refresh token is stored as it is",
        "app/auth/sessions.py",
        "            token_hash=hash_refresh_token(text),",
        "            token_hash=text,",
    ),
    Defect(
        "an unknown address answers at once",
        "app/auth/passwords.py",
        "        _hasher.verify(password, _decoy_hash())\n",
        "",
    ),
    Defect("the current password is not asked for", "app/users/service.py", "    if not right:\n", "    if False:\n"),
    # Answers
    Defect(
        "a post that is made answers 200",
        "app/posts/router.py",
        '@router.post("", status_code=status.HTTP_201_CREATED',
        '@router.post("", status_code=status.HTTP_200_OK',
    ),
    Defect(
        "a conflict is a 400",
        "app/errors.py",
        "class Conflict(AppError):\n    status_code = 409",
        "class Conflict(AppError):\n    status_code = 400",
    ),
    Defect("a 401 does not name the scheme", "app/errors.py", '= {"WWW-Authenticate": "Bearer"}', "= {}"),
    Defect(
        "a 422 sends the input back",
        "app/errors.py",
        'for key in ("type", "loc", "msg")',
        'for key in ("type", "loc", "msg", "input")',
    ),
    Defect(
        "an unforeseen clash is a 500",
        "app/errors.py",
        "    @app.exception_handler(IntegrityError)\n",
        "    @app.exception_handler(ZeroDivisionError)\n",
    ),
    Defect(
        "an address keeps its capitals",
        "app/fields.py",
        "Email = Annotated[EmailStr, AfterValidator(str.lower)]",
        "Email = EmailStr",
    ),
    Defect("NUL reaches the database", "app/fields.py", '    if "\\0" in value:\n', "    if False:\n"),
    Defect(
        "a password of seven characters will do",
        "app/fields.py",
        "Password = Annotated[str, StringConstraints(min_length=8",
        "Password = Annotated[str, StringConstraints(min_length=7",
    ),
    Defect(
        "a taken slug is told in no words of its own",
        "app/posts/service.py",
        "        raise Conflict(SLUG_TAKEN) from None\n",
        "        raise\n",
    ),
    Defect(
        "PATCH takes what was not sent",
        "app/posts/router.py",
        "data.model_dump(exclude_unset=True)",
        "data.model_dump()",
    ),
    Defect(
        "ready whatever the database says", "app/health.py", '        db.execute(text("SELECT 1"))\n', "        pass\n"
    ),
    # Serving
    Defect(
        "each dependency hops by itself",
        "app/routing.py",
        "            endpoint = run_in_one_hop(endpoint, self.limiter)\n",
        "            pass\n",
    ),
    Defect(
        "a body's 422 goes before a 403",
        "app/routing.py",
        "                if not steps:\n",
        "                if True:\n",
    ),
    Defect(
        "hashing takes every thread",
        "app/routing.py",
        "    limiter = CapacityLimiter(HASHING_THREADS)\n",
        "    limiter = None\n",
    ),
    Defect(
        "production takes any secret",
        "app/settings.py",
        "            if len(secret) < SHORTEST_SECRET:\n",
        "            if False:\n",
    ),
    Defect(
        "production takes the example's secret",
        "app/settings.py",
        "            if secret == EXAMPLE_SECRET:\n",
        "            if False:\n",
    ),
    Defect("foreign keys are not enforced", "app/sqlite.py", '"foreign_keys = ON"', '"foreign_keys = OFF"'),
    Defect(
        "a savepoint's release commits",
        "app/sqlite.py",
        '        driver.execute("BEGIN IMMEDIATE")\n',
        "        pass\n",
    ),
    Defect(
        "times lose their zone",
        "app/database.py",
        "return value.replace(tzinfo=UTC) if value.tzinfo is None",
        "return value if value.tzinfo is None",
    ),
)
