// Package advisory reads what distributions of Debian packages publish beside their archives: the Debian security tracker's lists of
// DSAs, DLAs and CVEs, and Ubuntu's security notices as its own JSON or as OSV. It gives notes: which advisory a source package's version
// carries out, with title, severity and CVEs.
//
// Notes enrich patches and judge nothing: whether a machine needs a patch is told by the signed archives alone. None of these files is
// signed, so they come over https or from the machine itself. A notice that cannot be understood is left out and counted.
package advisory
