// Package debian reads Debian's own formats: control paragraphs, signed Release files, package indexes, .deb archives, changelogs,
// the dpkg status database and its history.
//
// It owns syntax, size limits and signatures. It has no policy: it knows no feed, no catalog and no clock of its own beyond the
// default for signatures. Everything it reads is hostile until verified, so every reader has a limit and fails loudly on what it
// does not understand; it never guesses.
package debian
