package host

import (
	"context"
	"crypto/rand"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/probe"
	"github.com/fettle-project/fettle/internal/wire"
)

// CollectInventory reads the machine as labels and people see it. What cannot be read is left out; only a cancelled context is an
// error. It holds nothing that changes by itself, so that an unchanged machine has an unchanged hash.
func CollectInventory(ctx context.Context, root string, f patch.Facts) (patch.Inventory, error) {
	hash, _, err := wire.HashJSON(f)
	if err != nil {
		return patch.Inventory{}, err
	}
	name, _ := os.Hostname()
	v := patch.Inventory{Hostname: tidy(name, 253), Zone: zoneOfWindows(machineKeys{}.text(`SYSTEM\CurrentControlSet\Control\TimeZoneInformation`, "TimeZoneKeyName")), OS: f.OS, Hardware: windowsHardware(), Network: readNetwork("/"),
		Kernel: patch.Kernel{Running: f.OS.VersionID, Installed: f.OS.VersionID}, Reboot: RebootSignal(root),
		Changes: windowsChanges(), Facts: hash}
	return v, ctx.Err()
}

// bootKey is kept by Windows in memory only: it is gone after a restart.
const bootKey = `SOFTWARE\Fettle\Boot`

// BootID names the current boot: a random word in a volatile registry key, which does not outlive it. Windows itself keeps none that can be
// relied on. Empty where this account may not write there.
func BootID(string) string {
	var k registry.Key
	var made uint32
	path, err := windows.UTF16PtrFromString(bootKey)
	if err != nil {
		return ""
	}
	const volatile = 1
	create := windows.NewLazySystemDLL("advapi32.dll").NewProc("RegCreateKeyExW")
	status, _, _ := create.Call(uintptr(registry.LOCAL_MACHINE), uintptr(unsafe.Pointer(path)), 0, 0, volatile,
		uintptr(registry.READ|registry.WRITE|registry.WOW64_64KEY), 0, uintptr(unsafe.Pointer(&k)), uintptr(unsafe.Pointer(&made)))
	if status != 0 {
		return ""
	}
	defer k.Close()
	if id, _, err := k.GetStringValue("ID"); err == nil && id != "" {
		return tidy(id, 40)
	}
	id := rand.Text()
	if k.SetStringValue("ID", id) != nil {
		return ""
	}
	return id
}

// RebootSignal says whether the machine owes a reboot, derived live, so that it clears by itself.
func RebootSignal(string) patch.RebootSignal {
	var r patch.RebootSignal
	booted := time.Now().Add(-windows.DurationSinceBoot())
	for _, one := range []struct{ key, says string }{
		{`SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending`, "Windows has components to put in place"},
		{`SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired`, "Windows Update asks for it"},
	} {
		k := openKey(one.key)
		if k.there() && !outlived(k.written(), booted) {
			r.Reasons = append(r.Reasons, one.says)
		}
		k.close()
	}
	k := openKey(`SOFTWARE\Microsoft\Updates`)
	if k.number("UpdateExeVolatile") != 0 {
		r.Reasons = append(r.Reasons, "an update of Windows asks for it")
	}
	k.close()
	k = openKey(`SYSTEM\CurrentControlSet\Control\Session Manager`)
	there := func(path string) bool { _, err := os.Lstat(path); return err == nil }
	if replacements(k.list("PendingFileRenameOperations"), there)+replacements(k.list("PendingFileRenameOperations2"), there) > 0 {
		r.Reasons = append(r.Reasons, "files that are in use wait to be replaced")
	}
	k.close()
	k = openKey(bootKey)
	if why := k.text("Owed"); why != "" {
		r.Reasons = append(r.Reasons, why)
	}
	k.close()
	r.Owed = len(r.Reasons) > 0
	return r
}

func windowsHardware() patch.Hardware {
	bios := openKey(`HARDWARE\DESCRIPTION\System\BIOS`)
	defer bios.close()
	cpu := openKey(`HARDWARE\DESCRIPTION\System\CentralProcessor\0`)
	defer cpu.close()
	h := patch.Hardware{Vendor: bios.text("SystemManufacturer"), Model: bios.text("SystemProductName"), CPU: cpu.text("ProcessorNameString"),
		Cores: runtime.NumCPU(), MemoryMB: memory() >> 20, DiskMB: diskSize(os.Getenv("SystemDrive")+`\`) >> 20}
	h.Virtual = virtual("", h, false)
	return h
}

// memory is the machine's memory in bytes, as Windows counts it; 0 where it does not tell.
func memory() int64 {
	var m struct { // MEMORYSTATUSEX
		length, load              uint32
		total, free               uint64
		totalPage, freePage       uint64
		totalVirtual, freeVirtual uint64
		freeExtended              uint64
	}
	m.length = uint32(unsafe.Sizeof(m))
	ok, _, _ := windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx").Call(uintptr(unsafe.Pointer(&m)))
	if ok == 0 {
		return 0
	}
	return int64(m.total)
}

// windowsChanges lists what Windows says is installed, newest first: programs and hotfixes, and what its event logs tell. For a program the
// moment at which its entry was written stands for when it came.
func windowsChanges() []patch.PkgChange {
	_, served, _ := updateSign(machineKeys{}, true)
	out := []patch.PkgChange{}
	programs, _ := probe.Programs()
	for _, p := range programs {
		arch := "x86"
		if p.View == "64_bit" {
			arch = windowsArch(runtime.GOARCH)
		}
		c := patch.PkgChange{At: written(p.Written, p.Day), Action: "install", Name: tidy(p.Name, 200), Arch: arch, To: tidy(p.Version, 200)}
		c.By, c.Who, c.Evidence = programHand(p.Source)
		out = append(out, c)
	}
	hotfixes, _ := probe.Hotfixes()
	for _, h := range hotfixes {
		c := patch.PkgChange{At: h.At, Action: "install", Name: tidy(h.ID, 40)}
		c.By, c.Who, c.Evidence = hotfixHand(h.Client, served)
		out = append(out, c)
	}
	out = testify(out, machineLogs{}, served, accountOf)
	slices.SortStableFunc(out, func(a, b patch.PkgChange) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	out = slices.CompactFunc(out, func(a, b patch.PkgChange) bool { return a == b })
	return out[:min(len(out), maxChanges)]
}
