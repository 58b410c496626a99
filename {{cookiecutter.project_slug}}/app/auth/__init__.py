"""Who somebody is: passwords, tokens and sessions."""

from app.auth.passwords import hash_password

__all__ = ["hash_password"]
