// Package osv reads advisories in the OSV format (version 1.7) of rpm distributions: AlmaLinux, Rocky Linux, Red Hat, SUSE, openSUSE and
// Azure Linux. A feed is a directory of JSON files or a zip of them, as OSV databases are published.
//
// It owns the way from files to entries for the catalog, one patch for each advisory and host OS. Advisories about ecosystems whose rows
// name source packages (Debian, Alpine) and advisories that name no fixed version are no patches, and are passed over.
package osv
