package host

import (
	"context"
	"errors"
	"strconv"
	"unsafe"

	"golang.org/x/sys/windows"
)

const (
	// restartCountdown is how many seconds Windows shows its own message before it restarts.
	restartCountdown = 30
	restartReason    = windows.SHTDN_REASON_FLAG_PLANNED | windows.SHTDN_REASON_MAJOR_OPERATINGSYSTEM | windows.SHTDN_REASON_MINOR_HOTFIX
	restartMessage   = "This machine restarts to finish installing updates."
)

// Restart asks Windows to restart, with a countdown, and to end what would keep it from that. It returns when Windows has taken note of that,
// or the reason why it did not.
func Restart(context.Context) error {
	if err := mayRestart(); err != nil {
		return err
	}
	text, err := windows.UTF16PtrFromString(restartMessage)
	if err != nil {
		return err
	}
	err = windows.InitiateSystemShutdownEx(nil, text, restartCountdown, true, true, restartReason)
	if errors.Is(err, windows.ERROR_SHUTDOWN_IN_PROGRESS) || errors.Is(err, windows.ERROR_SHUTDOWN_IS_SCHEDULED) {
		return nil // somebody else was faster
	}
	return err
}

// mayRestart turns on the right to restart, which a service has and does not use unasked.
func mayRestart() error {
	var token windows.Token
	if err := windows.OpenProcessToken(windows.CurrentProcess(), windows.TOKEN_ADJUST_PRIVILEGES|windows.TOKEN_QUERY, &token); err != nil {
		return err
	}
	defer token.Close()
	name, err := windows.UTF16PtrFromString("SeShutdownPrivilege")
	if err != nil {
		return err
	}
	p := windows.Tokenprivileges{PrivilegeCount: 1}
	if err := windows.LookupPrivilegeValue(nil, name, &p.Privileges[0].Luid); err != nil {
		return err
	}
	p.Privileges[0].Attributes = windows.SE_PRIVILEGE_ENABLED
	return windows.AdjustTokenPrivileges(token, false, &p, 0, nil, nil)
}

// Terminals lists the sessions in which somebody works, by number: at the console or from elsewhere. Where they cannot be listed, somebody may
// work in the console's.
func Terminals(string) (all []string) {
	var first *windows.WTS_SESSION_INFO
	var n uint32
	if err := windows.WTSEnumerateSessions(0, 0, 1, &first, &n); err != nil {
		return []string{strconv.FormatUint(uint64(windows.WTSGetActiveConsoleSessionId()), 10)}
	}
	defer windows.WTSFreeMemory(uintptr(unsafe.Pointer(first)))
	for _, s := range unsafe.Slice(first, n) {
		if s.State == windows.WTSActive && s.SessionID != 0 { // 0 is the services' own
			all = append(all, strconv.FormatUint(uint64(s.SessionID), 10))
		}
	}
	return all
}

// announceSeconds is how long a message stays on a screen where nobody answers it.
const announceSeconds = 10 * 60

// Announce shows a message in sessions, and does not wait until somebody has read it.
func Announce(sessions []string, text string) {
	send := windows.NewLazySystemDLL("wtsapi32.dll").NewProc("WTSSendMessageW")
	if send.Find() != nil {
		return
	}
	const title = "Updates"
	t, err := windows.UTF16FromString(title)
	m, wrong := windows.UTF16FromString(text)
	if err != nil || wrong != nil {
		return
	}
	for _, s := range sessions {
		id, err := strconv.ParseUint(s, 10, 32)
		if err != nil {
			continue
		}
		var answer uint32
		const information = 0x40 // MB_ICONINFORMATION with an OK
		_, _, _ = send.Call(0, uintptr(id), uintptr(unsafe.Pointer(&t[0])), uintptr(2*(len(t)-1)), uintptr(unsafe.Pointer(&m[0])), uintptr(2*(len(m)-1)),
			information, announceSeconds, uintptr(unsafe.Pointer(&answer)), 0)
	}
}
