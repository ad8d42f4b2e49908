package host

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf16"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/registry"

	"github.com/fettle-project/fettle/internal/patch"
)

// secondTry is how long Windows Installer is left alone when it broke off.
const secondTry = 10 * time.Second

// Stage gives verified files the names that Windows wants of installers.
func (s *Setups) Stage(_ context.Context, files []Staged) error {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	for _, f := range files {
		if f.Setup == nil {
			return patch.Errorf(patch.Invalid, "the order does not say how %s is installed", f.Name)
		}
		if err := place(f.Path, s.path(f.PlanPackage)); err != nil {
			return err
		}
	}
	return nil
}

// place makes a file known under another name, by a link where the volume has them.
func place(from, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if os.Link(from, to) == nil {
		return nil
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o700)
}

func (s *Setups) path(p patch.PlanPackage) string {
	return filepath.Join(s.Dir, string(p.SHA256)+extension(p.Setup.Kind))
}

// Plan looks whether the installer can be run now. Windows has no simulation: what it does is known when it was done.
func (s *Setups) Plan(_ context.Context, attempt string, _ patch.Facts, want, _ []Staged) (Transaction, error) {
	t := Transaction{Attempt: attempt}
	for _, w := range want {
		if w.Setup == nil {
			return t, patch.Errorf(patch.Invalid, "the order does not say how %s is installed", w.Name)
		}
		if err := w.Setup.Check(); err != nil {
			return t, err
		}
		t.Want = append(t.Want, w.PlanPackage)
		t.Changes = append(t.Changes, Change{Name: w.Name, Arch: w.Arch, From: w.From, To: w.Version})
	}
	return t, nil
}

// Run runs the installers one after the other; the first failure ends it.
func (s *Setups) Run(ctx context.Context, t Transaction) (log string, err error) {
	for _, p := range t.Want {
		reboot, text, err := s.install(ctx, p)
		log += text
		if err != nil {
			return log, err
		}
		if reboot {
			owe("the installer of " + p.Name + " " + p.Version + " asks for it")
		}
	}
	return log, nil
}

// Recover has nothing to heal: Windows Installer rolls an interrupted installation back by itself, and no other installer can be asked.
// What the machine has become, the patch's definition says.
func (s *Setups) Recover(context.Context, string, func(begun bool) ([]Staged, error)) (log string, err error) {
	return "", nil
}

// install runs one installer. Its file stays open for reading alone until it has ended: nobody changes what was verified.
func (s *Setups) install(ctx context.Context, p patch.PlanPackage) (reboot bool, log string, err error) {
	path := s.path(p)
	f, err := openShared(path)
	if err != nil {
		return false, "", fmt.Errorf("cannot open the installer of %s: %w", p.Name, err)
	}
	defer f.Close()
	if err := checkOpen(f, p); err != nil {
		return false, "", err
	}
	logFile := path + ".log"
	defer os.Remove(logFile)
	program, args, err := setupArgs(p.Setup, path, logFile)
	if err != nil {
		return false, "", err
	}
	if program != path {
		dir, err := windows.GetSystemDirectory()
		if err != nil {
			return false, "", err
		}
		program = filepath.Join(dir, program)
	}
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), limit(p.Setup)) // a stop of the agent ends no installer in the middle
	defer stop()
	code, out, err := twice(ctx, p.Setup, secondTry, func() (int, string, error) { return runSetup(ctx, program, args) })
	if said := tailUTF16(logFile); said != "" {
		out = said
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return false, out, &Failure{Cause: patch.FailTimeout, Log: out,
			Text: fmt.Sprintf("the installer of %s %s did not end within %s; it and what it had started were ended%s", p.Name, p.Version, limit(p.Setup), leftovers(p.Setup))}
	case err != nil:
		return false, out, &Failure{Cause: patch.FailPatch, Text: fmt.Sprintf("the installer of %s %s cannot be started: %v", p.Name, p.Version, err), Log: out}
	}
	reboot, err = ended(p.Setup, p, code, out)
	return reboot, out, err
}

// extension is what Windows wants a file of a kind to be called.
func extension(k patch.SetupKind) string {
	switch k {
	case patch.SetupMSI, patch.SetupMSP, patch.SetupMSU, patch.SetupCAB:
		return "." + string(k)
	}
	return ".exe"
}

// limit is how long an installer may take.
func limit(s *patch.Setup) time.Duration {
	if s.Minutes > 0 {
		return time.Duration(s.Minutes) * time.Minute
	}
	return 30 * time.Minute
}

// openShared opens a file so that it can be read by others, and not written, renamed or deleted.
func openShared(path string) (*os.File, error) {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := windows.CreateFile(name, windows.GENERIC_READ, windows.FILE_SHARE_READ, nil, windows.OPEN_EXISTING, windows.FILE_FLAG_OPEN_REPARSE_POINT, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), path), nil
}

// runs names the first of some programs that runs now; empty where none does.
func runs(names []string) (string, error) {
	if len(names) == 0 {
		return "", nil
	}
	snap, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return "", err
	}
	defer windows.CloseHandle(snap)
	e := windows.ProcessEntry32{}
	e.Size = uint32(unsafe.Sizeof(e))
	for err = windows.Process32First(snap, &e); err == nil; err = windows.Process32Next(snap, &e) {
		for _, n := range names {
			if strings.EqualFold(windows.UTF16ToString(e.ExeFile[:]), n) {
				return fmt.Sprintf("%s (pid %d)", n, e.ProcessID), nil
			}
		}
	}
	if !errors.Is(err, windows.ERROR_NO_MORE_FILES) {
		return "", err
	}
	return "", nil
}

// owe notes in memory that outlives this program and not a restart of Windows why a restart is owed.
func owe(why string) {
	if BootID("") == "" {
		return
	}
	k, err := registry.OpenKey(registry.LOCAL_MACHINE, bootKey, registry.WRITE|registry.WOW64_64KEY)
	if err != nil {
		return
	}
	defer k.Close()
	_ = k.SetStringValue("Owed", why+" ("+time.Now().UTC().Format("2006-01-02 15:04")+")")
}

// tailUTF16 gives the end of a log that Windows Installer wrote, in its own encoding or in the system's.
func tailUTF16(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	if len(b) >= 2 && b[0] == 0xff && b[1] == 0xfe {
		b = b[2:]
		if len(b) > 2*MaxLog {
			b = b[(len(b)-2*MaxLog)&^1:]
		}
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = binary.LittleEndian.Uint16(b[2*i:])
		}
		return string(utf16.Decode(units))
	}
	var t tail
	_, _ = t.Write(b)
	return t.String()
}
