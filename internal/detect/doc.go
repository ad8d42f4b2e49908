// Package detect is the detection engine: it judges every definition of a host OS over one machine's facts, and says why.
//
// It is pure: facts and signatures in, verdicts out. It opens no file, knows no clock, no feed and never looks at approvals.
//
// # Definitions
//
// A patch has a prerequisite and an installed expression: trees of And, Or, One, Xor, Not and Applies over tests, judged in the six
// values of OVAL (true, false, error, unknown, not evaluated, not applicable) by its tables. Nearly all patches of package archives have
// one and the same shape, the package set, which PackageSet spells out as a tree and which the file stores as bare columns. Both are
// judged alike: a test holds them together.
//
//	prerequisite           installed   verdict
//	false, not applicable  (any)       not-applicable
//	true                   false       not-patched
//	true                   true        patched
//	anything else                      error
//
// A rule is about the installed packages of its name, architecture and module stream. Where several are installed side by side, as
// kernels are, the newest counts.
//
// # The signature file, version 3
//
//	"FTLSIGS" 3                       magic and format version
//	scheme                            1 byte: how versions are ordered; 1 dpkg, 2 rpm, 3 apk, 4 windows, 5 semver, 6 winget, 7 macos
//	host OS                           length, bytes; "any" is for every machine
//	definitions, package rules        counts
//	names                             4 bytes little endian: CRC-32C over all IDs in order, a zero byte after each
//	sections                          count, then for each: kind, raw length, stored length
//	the sections' bytes               one zstd frame each, in that order
//	CRC-32C                           4 bytes little endian, over all bytes before
//
// Definitions stand in the order of the list, which names them: see Arrange. Numbers are unsigned LEB128; near numbers are their zigzag
// distance from the one before in the same field. The rules of a definition are sorted by name. Text columns end each entry with a zero
// byte; in versions and strings an entry may begin with a byte 0x80+k, which stands for the first k bytes (0 to 127) of a reference text.
// A set is a definition of package rules. The ID of one of a package archive is suite/source/version: head is all before the last "/",
// tail what follows. Of any other set, head is the one before and tail is empty. Empty sections are left out.
//
//	kind  column    per         holds
//	1     counts    definition  how many package rules it has. 0: it has trees, and as many more as the next number says follow it: see runs
//	7     shares    set         two bytes: how many of head's first bytes are as in the previous head, and how many follow in heads
//	2     heads     set         the rest of head, without an end mark
//	3     tails     set         tail; reference: the previous tail, where its head is the same
//	4     names     rule        binary package; byte 0x01 stands for the last part of head, the source package; empty: as the rule before
//	5     ops       rule        one byte: the version is 0 = tail, 1 = as the previous rule's, 2 = the next entry of versions
//	6     versions  rule (op 2) the version; reference: tail
//	8     labels    label       an architecture ("*": every one that is installed) or a module stream ("*": any or none)
//	9     arches    rule        one byte: 0 = native or of no machine, else the label's number + 1; left out where all are 0
//	10    streams   run         rules of one module stream: how many rules lie before it since the last run, rules - 1, label
//	16    strings   string      reference: the previous string
//	22    shapes    shape       of item tests about packages: class, existence, check, field, operation, datatype, 1 + operation on the
//	                            architecture or 0, architecture; class, field and architecture are string numbers
//	17    objects   object      class, name (blank number), then for class 1 architecture and module (string numbers), for class 2
//	                            shape and 0
//	24    wants     operand     reference: the previous operand; number 0 is empty and not written
//	18    tests     test        kind, object (near; for kind 5 the number of an item test), operand (0 for none, else 1 + blank number)
//	19    nodes     node        operator and operands; And, Or, One, Xor: count, then each; Not, Applies: one; Is: test (near); Unclear: string.
//	                            An operand is 2 × the distance back to its node, or 2 × its node's number + 1
//	20    templates template    node numbers (near) of a prerequisite and an installed tree; how many blanks for names and for operands
//	21    pairs     pair        template (near), then what fills its blanks: the names (near; string numbers) and the operands (near)
//	25    runs      run         of definitions with trees that ask the same pair: pair (near, from -1 on), definitions - 1
//	23    items                 the item tests, as item.Builder writes them
//	32    archives  archive     flags (1 not automatic, 2 but automatic upgrades), then nine texts: suite, component, architecture, site,
//	                            and the Release's Origin, Label, Suite, Codename and Version
//	33    origins   run         the archive + 1 of the packages of the next rules, 0 for none; how many they are
//	34    phases    rule        of phased updates: how many rules lie before it since the last one; for how many percent it is out
//	35    brings    rule        of packages that lead to ones of new names: how many rules lie before it since the last one; how many
//	                            packages; each one's name, architecture and version, with its length before it
//
// Operands come before the nodes that use them, so a file can hold no cycle. What tests say of packages, names and operands, is left
// blank in trees, because those of thousands of definitions differ in nothing else: so a machine's answer where it knows none of the names
// is one for all of them. Objects, tests, equal subtrees, templates and pairs are stored once. A test kind or object class that this
// program does not know is kept and yields "error", so an older agent marks what it cannot judge instead of refusing all the rest; class
// and kind numbers are never reused.
// Classes: 1 = package, 2 = package as OVAL's dpkginfo, rpminfo and apkinfo tests see it.
//
// # Item tests
//
// Tests of kind 5 are judged by package item over facts: what Collect stored, and the packages themselves for the classes dpkginfo,
// rpminfo and apkinfo. Most of the latter ask whether a package of a name is there and older than some version; they are stored as
// kind 7, a shape, a name and an operand, and judged without building items.
package detect
