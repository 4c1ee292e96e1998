/*
 * SQLite's write-ahead log (NAME-wal), in the format that SQLite documents. SQLite takes the first frame with a wrong
 * checksum for the end of the log, since a log that is being written ends so; damage in its middle looks the same, and
 * the older state before it is right by itself. So it is looked through before SQLite opens it. Nothing is changed.
 */
#ifndef NW_ENGINE_STORE_DATABASE_WAL_H
#define NW_ENGINE_STORE_DATABASE_WAL_H

enum nw__wal {
    NW__WAL_WHOLE,   /* SQLite reads all of it; also when there is none */
    NW__WAL_CUT,     /* a change is not whole, and it may be the last one: it was being written, or is damaged */
    NW__WAL_DAMAGED, /* and others lie behind it, or its head is not what was written */
};

/* Looks through the log `name` in a directory. A log that cannot be opened is left to SQLite, which says why. */
enum nw__wal nw__wal_look(int directory, const char *name);

#endif
