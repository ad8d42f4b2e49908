package host

import "github.com/fettle-project/fettle/internal/patch"

// OldCode lists nothing: Windows replaces no file that a program has loaded, and asks for a restart instead.
func OldCode(string) []patch.OldCode { return nil }
