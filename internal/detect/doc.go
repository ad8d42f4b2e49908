// Package detect is the detection engine: it judges every definition of a host OS over one machine's facts, and says why.
//
// It is pure: facts and signatures in, verdicts out. It opens no file, knows no clock, no feed and never looks at approvals.
//
// # Definitions
//
// A patch has a prerequisite and an installed expression: trees of And, Or and Not over tests, judged in the logic of OVAL (true,
// false, error, unknown). Nearly all patches of package archives have one and the same shape, the package set, which PackageSet
// spells out as a tree and which the file stores as bare columns. Both are judged alike: a test holds them together.
//
//	prerequisite  installed   verdict
//	false         (any)       not-applicable
//	true          false       not-patched
//	true          true        patched
//	anything else             error
//
// # The signature file, version 1
//
//	"FTLSIGS" 1                       magic and format version
//	scheme                            1 byte: how versions are ordered; 1 = dpkg
//	host OS                           length, bytes
//	definitions, package rules        counts
//	sections                          count, then for each: kind, raw length, stored length
//	the sections' bytes               one zstd frame each, in that order
//	CRC-32C                           4 bytes little endian, over all bytes before
//
// Numbers are unsigned LEB128. Definitions are sorted by ID, the rules of one by name. Text columns end each entry with a zero byte;
// in versions and strings an entry may begin with a byte 0x80+k, which stands for the first k bytes (0 to 127) of a reference text.
// The ID of a patch of a package archive is suite/source/version: head is all before the last "/", tail what follows.
//
//	kind  column    per         holds
//	1     counts    definition  how many package rules it has; 0: its trees come next in roots
//	7     shares    definition  two bytes: how many of head's first bytes are as in the previous head, and how many follow in heads
//	2     heads     definition  the rest of head, without an end mark
//	3     tails     definition  tail; 0x01 alone: the ID has no "/"
//	4     names     rule        binary package; byte 0x01 stands for the last part of head, the source package
//	5     ops       rule        one byte: the version is 0 = tail, 1 = as the previous rule's, 2 = the next entry of versions
//	6     versions  rule (op 2) the version; reference: tail
//	16    strings   string      reference: the previous string
//	17    objects   object      class, name, architecture (string numbers)
//	18    tests     test        kind, object number, operand (string number)
//	19    nodes     node        operator and operands; And, Or: count, then distance back to each; Not: distance; Is: test; Unclear: string
//	20    roots     definition  node numbers of prerequisite and installed, for definitions whose count is 0
//
// Operands come before the nodes that use them, so a file can hold no cycle and evaluating needs no stack. Objects, tests and equal
// subtrees are stored and judged once. A test kind or object class that this program does not know is kept and yields "error", so
// an older agent marks what it cannot judge instead of refusing all the rest; class and kind numbers are never reused.
// Classes: 1 = package. To come: file, registry, program, hotfix, service, kernel, receipt.
package detect
