package host

import "golang.org/x/sys/windows"

// diskSize is the size of the volume that holds dir, in bytes; 0 where it cannot be told.
func diskSize(dir string) int64 {
	path, err := windows.UTF16PtrFromString(dir)
	var total uint64
	if err != nil || windows.GetDiskFreeSpaceEx(path, nil, &total, nil) != nil {
		return 0
	}
	return int64(total)
}
