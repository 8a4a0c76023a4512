"""A foreign client of the session database, as `sqlite3` would be: a program of its own, run by `python3 foreign.py`.

    foreign.py DATABASE ACTION SECONDS [USER]

ACTION is `read` (holds a read transaction), `write` (holds the write lock), or `passive`, `restart` or `truncate` (a
checkpoint). It prints what `PRAGMA quick_check` says, and closes the database like every client.
USER is the number of the user to work as.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time


def become(user: int) -> None:
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


def main(file: str, action: str, seconds: float) -> None:
    database = sqlite3.connect(f"file:{file}?mode=rw", uri=True, timeout=5, isolation_level=None)
    try:
        if action == "write":
            database.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            database.execute("ROLLBACK")
        elif action == "read":
            database.execute("BEGIN")
            database.execute("SELECT count(*), sum(length(body)) FROM entries").fetchone()
            time.sleep(seconds)
            database.execute("COMMIT")
        else:
            database.execute(f"PRAGMA wal_checkpoint({action})").fetchone()
        print("\n".join(row[0] for row in database.execute("PRAGMA quick_check")))
    except sqlite3.OperationalError as error:
        # Busy, a full disk, or tables that are not made yet: what any client may meet.
        print(f"error: {error}")
    finally:
        database.close()


if __name__ == "__main__":
    if len(sys.argv) > 4:
        become(int(sys.argv[4]))
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
