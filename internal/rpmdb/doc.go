// Package rpmdb reads the database of installed rpm packages, and the histories of what changes it, without running rpm, in all forms that rpm keeps it in: SQLite with its
// write-ahead log (rpmdb.sqlite), ndb (Packages.db) and Berkeley DB hash files (Packages).
//
// It only reads, takes no lock and starts nothing. It is all or nothing: a database that is damaged, cut off or changed while it was read
// is an error, never a shorter list. The formats are those of rpm's lib/backend, https://www.sqlite.org/fileformat2.html and Berkeley
// DB's db_page.h.
package rpmdb
