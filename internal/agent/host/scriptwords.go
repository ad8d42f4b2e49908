package host

import "strings"

// blamesScript reports whether dpkg says that a script of the package failed.
func blamesScript(line string) bool { return strings.Contains(line, " script subprocess ") }

// dpkgsOwn reports whether a line is what dpkg says of its progress, not what a package's script says.
func dpkgsOwn(line string) bool {
	for _, begin := range []string{"(Reading database", "Preparing to unpack", "Unpacking", "Setting up", "Selecting previously", "Processing triggers", "Removing", "Installing new version of config file", "dpkg: "} {
		if strings.HasPrefix(line, begin) {
			return true
		}
	}
	return false
}

// rpmsOwn is dpkgsOwn for rpm, which also names each package in a line of one word.
func rpmsOwn(line string) bool {
	for _, begin := range []string{"rpm: ", "error: ", "warning: ", "Verifying", "Preparing", "Updating / installing", "Cleaning up / removing"} {
		if strings.HasPrefix(line, begin) {
			return true
		}
	}
	return !strings.Contains(line, " ")
}
