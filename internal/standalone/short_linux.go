package standalone

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// GiveBack lets go of the pages of the program file that its packages touched while they set themselves up: a detect needs few of them,
// and those come back from the page cache. It is for the main function of a large program.
func GiveBack() {
	program, err := os.Executable()
	if err != nil {
		return
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(maps)) {
		words := strings.Fields(line)
		if len(words) < 6 || words[5] != program || words[1][1] == 'w' {
			continue
		}
		from, to, _ := strings.Cut(words[0], "-")
		start, err := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err == nil && err2 == nil {
			syscall.Syscall(syscall.SYS_MADVISE, uintptr(start), uintptr(end-start), syscall.MADV_DONTNEED) // a hint: its failure changes nothing
		}
	}
}
