// Package apps owns definitions of third-party programs for Windows: our own YAML format, and what is imported from Scoop's and winget's
// manifests. Each says how an installed program is recognised, which version is current, and where its installers are.
//
// A Set reads files and makes detect.Entry values; it judges nothing and installs nothing. A definition that is not understood is kept
// and judged "error", with the reason. docs/apps.md is the format's reference.
package apps
