//go:build !windows

package host

import (
	"os"
	"path/filepath"
	"strings"
)

// zoneName is the IANA name of the machine's time zone: where /etc/localtime leads, else what /etc/timezone says. Empty where neither names
// one. Whether there is a zone of that name is for the appliance to say.
func zoneName(root string) string {
	to, err := os.Readlink(filepath.Join(root, "etc/localtime"))
	if _, name, ok := strings.Cut(to, "/zoneinfo/"); err == nil && ok {
		return tidy(strings.TrimPrefix(name, "posix/"), 64)
	}
	return tidy(line(root, "etc/timezone"), 64)
}
