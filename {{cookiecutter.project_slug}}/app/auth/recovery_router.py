"""Routes for those who have lost their password, and to verify an address: both by mail."""

from fastapi import APIRouter, status

from app.api.dependencies import HashingLimit
from app.api.errors import documented
from app.api.routing import OneHopRoute
from app.auth import recovery
from app.auth.dependencies import CurrentUser
from app.auth.schemas import EmailRequest, OneTimeTokenRequest, PasswordReset
from app.database import SessionDep
from app.rate_limiting.limiter import RateLimiterDep

router = APIRouter(prefix="/auth", tags=["auth"], route_class=OneHopRoute)


@router.post(
    "/password/forgot", status_code=status.HTTP_202_ACCEPTED, response_model=None, responses=documented(413, 429)
)
def forgot_password(data: EmailRequest, db: SessionDep, limiter: RateLimiterDep) -> None:
    """Have a token mailed with which to set a new password; the answer does not tell whether anybody has the address."""
    limiter.mail("password-forgot", data.email)
    recovery.ask_for_reset(db, data.email)


@router.post(
    "/password/reset",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=[HashingLimit],
    responses=documented(400, 413, 429),
)
def reset_password(data: PasswordReset, db: SessionDep, limiter: RateLimiterDep) -> None:
    """Set a new password with a mailed token, once; every session and access token ends."""
    limiter.attempt("password-reset", data.token)
    recovery.reset_password(db, data.token, data.password)


@router.post("/email/verify", status_code=status.HTTP_204_NO_CONTENT, responses=documented(400, 413))
def verify_email(data: OneTimeTokenRequest, db: SessionDep) -> None:
    """Show with a mailed token, once, that the address is one's own."""
    recovery.verify_email(db, data.token)


@router.post(
    "/email/verify/resend", status_code=status.HTTP_202_ACCEPTED, response_model=None, responses=documented(401, 429)
)
def resend_verification(user: CurrentUser, db: SessionDep, limiter: RateLimiterDep) -> None:
    """Have another token mailed to the caller, unless their address is verified."""
    limiter.mail("mail", user.email)
    recovery.ask_for_verification(db, user)
