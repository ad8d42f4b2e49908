package host

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// machineLogs are the running machine's event logs, by wevtapi. Windows before 6.0 has none of it.
type machineLogs struct{}

var wevtapi = windows.NewLazySystemDLL("wevtapi.dll")

func (machineLogs) events(channel, query string, limit int) (out []string) {
	const channelPath, newestFirst = 1, 0x200
	open, next, shut := wevtapi.NewProc("EvtQuery"), wevtapi.NewProc("EvtNext"), wevtapi.NewProc("EvtClose")
	path, err := windows.UTF16PtrFromString(channel)
	if err != nil || open.Find() != nil || next.Find() != nil || shut.Find() != nil {
		return nil
	}
	words, err := windows.UTF16PtrFromString(query)
	if err != nil {
		return nil
	}
	result, _, _ := open.Call(0, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(words)), channelPath|newestFirst)
	if result == 0 {
		return nil
	}
	defer shut.Call(result)
	for len(out) < limit {
		var events [16]uintptr
		var n uint32
		ok, _, _ := next.Call(result, uintptr(len(events)), uintptr(unsafe.Pointer(&events[0])), 5000, 0, uintptr(unsafe.Pointer(&n)))
		if ok == 0 || n == 0 || int(n) > len(events) {
			break
		}
		for _, e := range events[:n] {
			if text := rendered(e); text != "" {
				out = append(out, text)
			}
			shut.Call(e)
		}
	}
	return out
}

// rendered is an event's XML; empty where it is too large or cannot be had.
func rendered(event uintptr) string {
	const eventXML = 1
	render := wevtapi.NewProc("EvtRender")
	if render.Find() != nil {
		return ""
	}
	units := make([]uint16, maxEvent/2)
	var used, properties uint32
	ok, _, _ := render.Call(0, event, eventXML, uintptr(2*len(units)), uintptr(unsafe.Pointer(&units[0])), uintptr(unsafe.Pointer(&used)), uintptr(unsafe.Pointer(&properties)))
	if ok == 0 {
		return ""
	}
	return windows.UTF16ToString(units)
}

// accountOf is an account's name; its number where nobody knows it any more.
func accountOf(sid string) string {
	s, err := windows.StringToSid(sid)
	if err != nil {
		return sid
	}
	name, domain, _, err := s.LookupAccount("")
	if err != nil {
		return sid
	}
	return domain + `\` + name
}
