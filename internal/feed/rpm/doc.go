// Package rpm fetches rpm repositories and reads what they say: repomd.xml, primary.xml, updateinfo.xml and modules.yaml.
//
// It owns the way from a repository's address to verified raw files, and from these to entries for the catalog: one patch for each
// advisory, and one for each source package's version that no advisory brings. It judges no machine, and neither age nor size of a
// generation: that is package feed's.
//
// Formats: createrepo_c's metadata, libmodulemd's modulemd version 2.
package rpm
