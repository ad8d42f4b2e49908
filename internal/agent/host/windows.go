package host

import (
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const currentVersion = `SOFTWARE\Microsoft\Windows NT\CurrentVersion`

// windowsRelease is what a Windows machine's registry says of its version, under SOFTWARE\Microsoft\Windows NT\CurrentVersion unless said
// otherwise. Values that are absent are empty.
type windowsRelease struct {
	product   string // ProductName: "Windows 10 Pro"
	major     uint64 // CurrentMajorVersionNumber, since Windows 10
	minor     uint64 // CurrentMinorVersionNumber, likewise
	version   string // CurrentVersion: "5.1"; "6.3" for ever since Windows 8.1
	build     string // CurrentBuildNumber: "19045"
	revision  uint64 // UBR: the update build revision that every cumulative update raises
	service   string // CSDVersion: "Service Pack 2"
	display   string // DisplayVersion or ReleaseId: "22H2"
	edition   string // EditionID: "Professional"
	kind      string // SYSTEM\CurrentControlSet\Control\ProductOptions ProductType: "WinNT", "ServerNT", "LanmanNT"
	processor string // SYSTEM\CurrentControlSet\Control\Session Manager\Environment PROCESSOR_ARCHITECTURE: "AMD64"
	language  string // Windows\CurrentControlSet\Control\Nls\Language InstallLanguage: "0407"
}

// facts names a Windows OS. Windows 10 and later are served by build, and each is patched by raising its revision; what came before is
// served by service pack. Servers and clients of one build are patched apart.
func (r windowsRelease) facts() (patch.OSFacts, error) {
	f := patch.OSFacts{ID: "windows", Pretty: tidy(r.product, 120), Edition: tidy(r.edition, 60), Language: tidy(r.language, 10), Codename: tidy(r.display, 20)}
	number := r.version
	if r.major > 0 {
		number = strconv.FormatUint(r.major, 10) + "." + strconv.FormatUint(r.minor, 10)
	}
	f.Arch = windowsArch(r.processor)
	if strings.Trim(number, "0123456789.") != "" || number == "" || r.build == "" || strings.Trim(r.build, "0123456789") != "" || f.Arch == "" {
		return f, &patch.Error{Kind: patch.Invalid, What: "cannot tell which Windows this is",
			Why: phrase.Of(`its registry names the version "{1}", the build "{2}" and the processor "{3}"`, phrase.Quoted(number), phrase.Quoted(r.build), phrase.Quoted(r.processor)),
			Do:  "Nothing was judged. Look at HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion."}
	}
	f.VersionID = number + "." + r.build
	if r.revision > 0 {
		f.VersionID += "." + strconv.FormatUint(r.revision, 10)
	}
	if r.major < 10 && strings.HasPrefix(r.service, "Service Pack ") {
		f.Codename = tidy(r.service, 20)
	}
	f.Key = patch.WindowsHostOS(number, r.build, f.ServicePack(), r.kind == "ServerNT" || r.kind == "LanmanNT", f.Arch)
	return f, nil
}

// windowsArch gives an architecture the name that Windows' own packages use in file names; empty for one that is not known.
func windowsArch(processor string) string {
	switch strings.ToUpper(processor) {
	case "AMD64", "ARM64":
		return strings.ToLower(processor)
	case "X86":
		return "x86"
	}
	return ""
}

// replacements counts the files that a restart will put in another's place: pairs of "what" and "where to" in
// PendingFileRenameOperations. Nothing waits for the others: pairs without "where to" only delete, mostly temporary files of installers; what goes to
// a folder for temporary files replaces nothing that runs; and what is gone already cannot be put anywhere, however often Windows restarts.
func replacements(pairs []string, there func(path string) bool) (n int) {
	for i := 0; i+1 < len(pairs); i += 2 {
		_, from, _ := strings.Cut(pairs[i], `\??\`) // behind a number, where a file is to be replaced in some way of its own
		if to := strings.ToLower(pairs[i+1]); to != "" && !strings.Contains(to, `\temp\`) && there(from) {
			n++
		}
	}
	return n
}

// clockStep is how far the machine's clock may have been set since a restart.
const clockStep = 10 * time.Minute

// outlived reports that a sign of a restart that is owed is older than the restart that there was: another one would not clear it either.
func outlived(written, booted time.Time) bool {
	return !written.IsZero() && written.Before(booted.Add(-clockStep))
}
