// Package msrc owns what Microsoft's Security Response Center publishes about updates of Windows: CVRF documents (JSON or XML, one a month) and
// CSAF 2.0 advisories (JSON, one a vulnerability).
//
// Every update of Windows becomes a patch of each host OS that it is for, told by the build that it brings: a machine has it whose build
// revision (UBR) is at least that. Lists of installed KB numbers are not subtracted from lists of published ones, which finds hundreds
// "missing" that are replaced; supersedence is closed over all documents that are known. Updates of other products are counted and left out.
package msrc
