package host

import (
	"fmt"
	"strings"
)

// maxRemarks bounds what is said of one transaction.
const maxRemarks = 8

// Remarks finds in a package manager's output what an administrator should know of a transaction that worked: configuration files that were kept as
// they had been changed here, with the place of the vendor's, and scripts that failed without failing it (rpm's %post).
func Remarks(log string) (out []string) {
	say := func(format string, args ...any) {
		if len(out) < maxRemarks {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	file := ""
	for raw := range strings.Lines(log) {
		line := strings.TrimSpace(raw)
		switch {
		case strings.HasPrefix(line, "warning: ") && strings.Contains(line, " created as "):
			mine, theirs, _ := strings.Cut(strings.TrimPrefix(line, "warning: "), " created as ")
			say("%s was kept as changed here; the vendor's is %s", tidy(mine, 200), tidy(theirs, 200))
		case strings.HasPrefix(line, "warning: ") && strings.Contains(line, " saved as "):
			theirs, mine, _ := strings.Cut(strings.TrimPrefix(line, "warning: "), " saved as ")
			say("%s is the vendor's now; what it was here is %s", tidy(theirs, 200), tidy(mine, 200))
		case strings.HasPrefix(line, "Configuration file '"):
			file = strings.TrimSuffix(strings.TrimPrefix(line, "Configuration file '"), "'")
		case strings.HasPrefix(line, "==> Keeping old config file"), strings.HasPrefix(line, "==> Using current old file"):
			if file != "" {
				say("%s was kept as changed here; the vendor's is %s.dpkg-dist", tidy(file, 200), tidy(file, 200))
			}
			file = ""
		case strings.HasPrefix(line, "warning: %") && strings.Contains(line, " scriptlet failed"):
			say("%s", tidy(strings.TrimPrefix(line, "warning: "), 200))
		case strings.HasPrefix(line, "error: lua script failed: "):
			say("a scriptlet failed: %s", tidy(strings.TrimPrefix(line, "error: lua script failed: "), 200))
		}
	}
	return out
}
