package probe

import (
	"cmp"
	"strings"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"
)

// Where Windows lists what is installed.
const (
	uninstallKey = `SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall`
	packagesKey  = `SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing\Packages`
	hotfixKey    = `SOFTWARE\Microsoft\Windows NT\CurrentVersion\HotFix`
)

// Program is an installed program, as Windows lists it. What its entry does not say is empty.
type Program struct {
	ID        string // the entry's key below Uninstall
	Name      string
	Publisher string
	Version   string
	Scope     string    // "machine", or "user" for one of a user whose registry is loaded
	View      string    // "64_bit" or "32_bit": the side of the registry
	Source    string    // the folder that Windows Installer took it from
	Day       string    // of its installation, as its installer says: "20261126"
	Written   time.Time // when its entry was written last
}

// Programs lists the installed programs, for the machine on both sides of its registry, and for every user whose registry is loaded. fault
// is the first reason why some may be missing.
func Programs() (all []Program, fault string) {
	add := func(root registry.Key, path string, access uint32, scope, view string) {
		f := below(root, path, access, func(id string, k registry.Key) {
			p := Program{ID: id, Name: say(k, "DisplayName"), Publisher: say(k, "Publisher"), Version: say(k, "DisplayVersion"), Scope: scope, View: view,
				Source: say(k, "InstallSource"), Day: say(k, "InstallDate")}
			if p.Name == "" || say(k, "ParentKeyName") != "" { // an update of another program
				return
			}
			if st, err := k.Stat(); err == nil {
				p.Written = st.ModTime().UTC()
			}
			all = append(all, p)
		})
		fault = cmp.Or(fault, f)
	}
	add(registry.LOCAL_MACHINE, uninstallKey, registry.WOW64_64KEY, "machine", "64_bit")
	add(registry.LOCAL_MACHINE, uninstallKey, registry.WOW64_32KEY, "machine", "32_bit")
	users, err := registry.USERS.ReadSubKeyNames(-1)
	if err != nil {
		fault = cmp.Or(fault, "cannot list the users whose registry is loaded: "+err.Error())
	}
	for _, user := range users {
		add(registry.USERS, user+`\`+uninstallKey, registry.WOW64_64KEY, "user", "64_bit")
	}
	return all, fault
}

// Hotfix is an update of Windows itself that is installed.
type Hotfix struct {
	ID     string    // "KB5034122"
	At     time.Time // zero where Windows does not say
	Client string    // what had component servicing install it: "WindowsUpdateAgent"
}

// Hotfixes lists the updates of Windows itself that are installed: those of component servicing, and those of Windows before 6.0. One may be
// there twice. fault is the first reason why some may be missing.
func Hotfixes() (all []Hotfix, fault string) {
	const installed = 0x70
	fault = below(registry.LOCAL_MACHINE, packagesKey, registry.WOW64_64KEY, func(name string, k registry.Key) {
		id := knowledgeBase(name)
		if n, _, err := k.GetIntegerValue("CurrentState"); err != nil || n != installed || id == "" {
			return
		}
		h := Hotfix{ID: id, Client: say(k, "InstallClient")}
		high, _, err := k.GetIntegerValue("InstallTimeHigh")
		if low, _, err2 := k.GetIntegerValue("InstallTimeLow"); err == nil && err2 == nil {
			at := windows.Filetime{HighDateTime: uint32(high), LowDateTime: uint32(low)}
			h.At = time.Unix(0, at.Nanoseconds()).UTC()
		}
		all = append(all, h)
	})
	old := below(registry.LOCAL_MACHINE, hotfixKey, registry.WOW64_64KEY, func(name string, k registry.Key) {
		if n, _, err := k.GetIntegerValue("Installed"); err == nil && n == 1 {
			all = append(all, Hotfix{ID: name})
		}
	})
	return all, cmp.Or(fault, old)
}

// below calls each for every key directly below one; fault says why some are missing. A key that is not there has none below.
func below(root registry.Key, path string, view uint32, each func(name string, k registry.Key)) (fault string) {
	all, err := registry.OpenKey(root, path, registry.READ|view)
	if err == registry.ErrNotExist {
		return ""
	}
	if err != nil {
		return `cannot read the registry key ` + path + ": " + err.Error()
	}
	defer all.Close()
	names, err := all.ReadSubKeyNames(-1)
	if err != nil {
		fault = `cannot read what is below ` + path + ": " + err.Error()
	}
	for _, name := range names {
		k, err := registry.OpenKey(all, name, registry.READ|view)
		if err != nil {
			continue // it went in between, or is nobody's to read
		}
		each(name, k)
		k.Close()
	}
	return fault
}

// knowledgeBase is the number of the update that a component servicing package is the whole of; empty for a part of one.
func knowledgeBase(name string) string {
	kb, ok := strings.CutPrefix(name, "Package_for_")
	kb, _, _ = strings.Cut(kb, "~")
	if !ok || !strings.HasPrefix(kb, "KB") || strings.Trim(kb[2:], "0123456789") != "" {
		return ""
	}
	return kb
}
