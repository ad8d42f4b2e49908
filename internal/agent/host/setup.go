package host

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Setups installs files that belong to no package manager: installers for Windows. What an order says of one is its kind and a few
// switches of a fixed shape; the rest of its argv is here.
type Setups struct {
	Dir string // private directory in which installers get the names that Windows wants of them
}

var (
	setupName    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._()%+,-]{0,200}$`) })
	setupVersion = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._()+:~-]{0,100}$`) })
)

// CheckSetup holds an installer from an order against the shape of names, architectures and versions, the limits of sizes, and what agents
// do at all.
func CheckSetup(p patch.PlanPackage) error {
	switch {
	case !setupName().MatchString(p.Name):
		return patch.Errorf(patch.Invalid, "%q is not a file name", clip(p.Name))
	case p.Arch != "any" && windowsArch(p.Arch) != p.Arch:
		return patch.Errorf(patch.Invalid, "%q is not an architecture (of %s)", clip(p.Arch), p.Name)
	case !setupVersion().MatchString(p.Version):
		return patch.Errorf(patch.Invalid, "%q is not a version (of %s)", clip(p.Version), p.Name)
	}
	if err := p.Setup.Check(); err != nil {
		return err
	}
	return checkBytes(p)
}

// setupArgs is the argv of an installer: the program, by its name in the system directory unless it is the file itself, and its arguments.
// log is where Windows Installer writes what it does.
func setupArgs(s *patch.Setup, file, log string) (program string, args []string, err error) {
	if err := s.Check(); err != nil {
		return "", nil, err
	}
	switch s.Kind {
	case patch.SetupMSI, patch.SetupMSP:
		verb := "/i"
		if s.Kind == patch.SetupMSP {
			verb = "/p"
		}
		return "msiexec.exe", append([]string{verb, file, "/qn", "/norestart", "/l*", log, "REBOOT=ReallySuppress"}, s.Switches...), nil
	case patch.SetupMSU:
		return "wusa.exe", []string{file, "/quiet", "/norestart"}, nil
	case patch.SetupCAB:
		return "dism.exe", []string{"/online", "/add-package", "/packagepath:" + file, "/quiet", "/norestart"}, nil
	case patch.SetupInno:
		args = []string{"/VERYSILENT", "/SUPPRESSMSGBOXES", "/NORESTART", "/SP-"}
	case patch.SetupNSIS:
		args = []string{"/S"}
	case patch.SetupBurn:
		args = []string{"/quiet", "/norestart"}
	}
	return file, append(args, s.Switches...), nil
}

// What Windows Installer ends with when it breaks off by itself, whatever it was to install (its documented error codes).
const (
	noService     = 1601 // its service does not answer
	internalError = 1359
)

// brokeOff says whether Windows Installer itself gave up.
func brokeOff(s *patch.Setup, code int) bool {
	_, meant := s.Codes[code]
	return !meant && (s.Kind == patch.SetupMSI || s.Kind == patch.SetupMSP) && (code == noService || code == internalError)
}

// twice runs an installer, and once more after a pause where Windows Installer broke off by itself: it has taken back what it had begun by then, as it does before it
// ends with any error. No other failure is tried again within an attempt.
func twice(ctx context.Context, s *patch.Setup, pause time.Duration, run func() (code int, out string, err error)) (code int, out string, err error) {
	code, out, err = run()
	if err != nil || !brokeOff(s, code) {
		return code, out, err
	}
	select {
	case <-ctx.Done():
		return code, out, err
	case <-time.After(pause):
		return run()
	}
}

// ended judges an installer's exit code. A restart that is owed is no failure.
func ended(s *patch.Setup, p patch.PlanPackage, code int, log string) (reboot bool, err error) {
	switch s.Outcome(code) {
	case patch.SetupDone:
		return false, nil
	case patch.SetupReboot:
		return true, nil
	case patch.SetupBusy:
		return false, &Failure{Cause: patch.FailLock, Text: fmt.Sprintf("busy: another installation is going on on this machine (exit code %d of %s)", code, p.Name), Log: log}
	}
	if cause, text, who := inTheWay(s, code); cause != "" {
		return false, &Failure{Cause: cause, Text: fmt.Sprintf("%s (exit code %d of %s); %s", text, code, p.Name, who), Log: log}
	}
	return false, &Failure{Cause: patch.FailPatch, Text: fmt.Sprintf("the installer of %s %s failed with exit code %d%s%s", p.Name, p.Version, code, meaning(s.Kind, code), leftovers(s)), Log: log}
}

// inTheWay says what of the machine kept Windows' own installers from their work, and who ends that; no cause where it is not the machine. Whatever patch it was, it is not to blame
// (their documented error codes; what Windows itself says by a number has one as HRESULT too).
func inTheWay(s *patch.Setup, code int) (cause patch.FailCause, text, who string) {
	if _, meant := s.Codes[code]; meant {
		return "", "", ""
	}
	windows := s.Kind == patch.SetupMSU || s.Kind == patch.SetupCAB
	if !windows && s.Kind != patch.SetupMSI && s.Kind != patch.SetupMSP && s.Kind != patch.SetupBurn {
		return "", "", ""
	}
	number := uint32(code)
	if number&0xffff0000 == 0x80070000 {
		number &= 0xffff
	}
	const (
		room    = "whoever keeps the machine makes room there, or mends its permissions"
		decides = "whoever administers the machine decides there"
		later   = "it is tried again later"
		first   = "a restart is owed before anything else is installed"
		restart = "whoever keeps the machine restarts it"
	)
	switch number {
	case 112:
		return patch.FailDisk, "no room: the machine's disk is full", "whoever keeps the machine makes room"
	case 1632:
		return patch.FailDisk, "the folder for temporary files is full, or the system may not write to it", room
	case 1622:
		return patch.FailDisk, "Windows Installer cannot write its log into the agent's folder", room
	case 1058:
		return patch.FailPolicy, "a service that installations need is disabled", "whoever administers the machine enables it"
	case 1625:
		return patch.FailPolicy, "this machine's policy forbids the installation", decides
	case 1640, 1645:
		return patch.FailPolicy, "this machine's policy forbids installations while somebody works on it from elsewhere", decides
	case 1643:
		return patch.FailPolicy, "this machine's policy forbids patches of this kind", decides
	case 1644:
		return patch.FailPolicy, "this machine's policy forbids what the installation is adapted by", decides
	case 1601:
		return patch.FailLock, "the Windows Installer service does not answer", later
	case 1618:
		return patch.FailLock, "busy: another installation is going on on this machine", later
	case 1652:
		return patch.FailLock, "Windows runs in safe mode, in which nothing is installed", restart
	case 3017:
		return patch.FailLock, first, restart
	}
	if !windows {
		return "", "", ""
	}
	switch number {
	case 14:
		return patch.FailLock, "the machine has too little memory free", later
	case 32:
		return patch.FailLock, "busy: a file that it changes is in use", later
	case 0x80240009, 0x8024001b, 0x8024001e, 0x8024800c:
		return patch.FailLock, "busy: " + UpdateCode(number), later
	case 0x80240016:
		return patch.FailLock, "busy: " + UpdateCode(number), "it is tried again later; whoever keeps the machine restarts it where a restart is owed"
	case 0x80242014, 0x800f0816:
		return patch.FailLock, first, restart
	case 0x80240025, 0x8024002e:
		return patch.FailPolicy, UpdateCode(number), decides
	}
	return "", "", ""
}

// leftovers tells a person how to remove what an installer that failed may have left.
func leftovers(s *patch.Setup) string {
	if s.Uninstall == "" {
		return ""
	}
	return "; to remove what it may have left: " + s.Uninstall
}

// meaning translates what Windows Installer, Windows Update and component servicing say by a number (their documented error codes).
func meaning(k patch.SetupKind, code int) string {
	switch k {
	case patch.SetupMSU, patch.SetupCAB:
		if t := UpdateCode(uint32(code)); t != "" {
			return ": " + t
		}
		return ""
	case patch.SetupMSI, patch.SetupMSP:
	default:
		return ""
	}
	texts := map[int]string{internalError: "an internal error of Windows Installer, and so the second time", 1602: "somebody cancelled it", 1603: "a fatal error; its log says more",
		1604: "it was suspended and is not whole", 1605: "what it changes is not installed", 1612: "its source is not there", 1619: "the file cannot be opened", 1620: "the file is not an installer package",
		1633: "it is for another kind of processor", 1635: "the patch cannot be opened", 1636: "the file is not a patch package", 1638: "another version is installed already", 1642: "what it patches is not installed, or is of a version that it is not for",
		1647: "the patch is not for this product any more"}
	if t, known := texts[code]; known {
		return ": " + t
	}
	return ""
}

// checkOpen refuses an open file unless it is of exactly this size and SHA-256, and leaves it at its beginning.
func checkOpen(f io.ReadSeeker, p patch.PlanPackage) error {
	n, sum, err := digest(f)
	if err != nil {
		return fmt.Errorf("cannot read the installer of %s: %w", p.Name, err)
	}
	if n != p.Size || sum != p.SHA256 {
		return patch.Errorf(patch.Untrusted, "the installer of %s has %d bytes with the hash %s, and the order names %d with %s", p.Name, n, sum, p.Size, p.SHA256)
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}
