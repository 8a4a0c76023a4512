#include <sqlite3.h>

/// Turns a switch of a connection on or off; sqlite3_db_config takes its arguments in a list that Swift cannot pass.
static inline int meerkat_sqlite_switch(sqlite3 *connection, int which, int on) {
    return sqlite3_db_config(connection, which, on, (int *)0);
}
