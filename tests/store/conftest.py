"""The databases of the tests here."""

from databases import database, desk, kit, new_engine, postgresql

__all__ = ["database", "desk", "kit", "new_engine", "postgresql"]
