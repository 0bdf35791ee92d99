"""The one database: schema, migrations, and one file of functions per aggregate.

Every function takes an open connection, so that several of them make one transaction:

    with database.write() as connection:
        versions.add(connection, ...)
        versions.promote(connection, ...)
"""

from winnow.store.database import Database

__all__ = ["Database"]
