package host

// LockedBy names the program that holds the package manager's lock right now; empty where nobody does, or where that cannot be told.
func LockedBy() string {
	for _, path := range dpkgLocks() {
		if holder, err := lockHolder(path); err == nil && holder != "" {
			return holder
		}
	}
	return ""
}
