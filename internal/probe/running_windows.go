package probe

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/windows"

	"github.com/fettle-project/fettle/internal/patch"
)

// environment answers for the environment of this program. That of another process cannot be read.
func (g *gathering) environment() {
	if w := g.entity("pid"); w != nil && !w.Nil && !g.is(w, strconv.Itoa(os.Getpid())) {
		g.miss("the environment of another process cannot be read")
		return
	}
	all := os.Environ()
	slices.Sort(all)
	for _, v := range all {
		at := strings.IndexByte(v[min(1, len(v)):], '=') + 1 // Windows keeps "=C:=C:\dir" there, too
		if at > 0 && v[0] != '=' && g.is(g.entity("name"), v[:at]) {
			g.add(text("name", v[:at]), text("value", v[at+1:]))
		}
	}
}

var serviceTypes = map[uint32]string{windows.SERVICE_KERNEL_DRIVER: "SERVICE_KERNEL_DRIVER", windows.SERVICE_FILE_SYSTEM_DRIVER: "SERVICE_FILE_SYSTEM_DRIVER",
	windows.SERVICE_WIN32_OWN_PROCESS: "SERVICE_WIN32_OWN_PROCESS", windows.SERVICE_WIN32_SHARE_PROCESS: "SERVICE_WIN32_SHARE_PROCESS"}

var startTypes = map[uint32]string{windows.SERVICE_BOOT_START: "SERVICE_BOOT_START", windows.SERVICE_SYSTEM_START: "SERVICE_SYSTEM_START",
	windows.SERVICE_AUTO_START: "SERVICE_AUTO_START", windows.SERVICE_DEMAND_START: "SERVICE_DEMAND_START", windows.SERVICE_DISABLED: "SERVICE_DISABLED"}

var serviceStates = map[uint32]string{windows.SERVICE_STOPPED: "SERVICE_STOPPED", windows.SERVICE_START_PENDING: "SERVICE_START_PENDING",
	windows.SERVICE_STOP_PENDING: "SERVICE_STOP_PENDING", windows.SERVICE_RUNNING: "SERVICE_RUNNING", windows.SERVICE_CONTINUE_PENDING: "SERVICE_CONTINUE_PENDING",
	windows.SERVICE_PAUSE_PENDING: "SERVICE_PAUSE_PENDING", windows.SERVICE_PAUSED: "SERVICE_PAUSED"}

// service answers the class service of OVAL's Windows schema.
func (g *gathering) service() {
	scm, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT|windows.SC_MANAGER_ENUMERATE_SERVICE)
	if err != nil {
		g.fail("cannot ask the service manager: " + err.Error())
		return
	}
	defer windows.CloseServiceHandle(scm)
	list, err := services(scm)
	if err != nil {
		g.fail("cannot list the services: " + err.Error())
		return
	}
	for _, s := range list {
		name := windows.UTF16PtrToString(s.ServiceName)
		if !g.is(g.entity("service_name"), name) {
			continue
		}
		f := []patch.Field{text("service_name", name), text("display_name", windows.UTF16PtrToString(s.DisplayName)),
			text("current_state", serviceStates[s.ServiceStatusProcess.CurrentState])}
		if t := serviceTypes[s.ServiceStatusProcess.ServiceType&0x33]; t != "" {
			f = append(f, text("service_type", t))
		}
		g.add(append(f, g.serviceConfig(scm, s.ServiceName)...)...)
	}
}

// services lists all services and drivers. The memory that entries point into lives as long as they do.
func services(scm windows.Handle) ([]windows.ENUM_SERVICE_STATUS_PROCESS, error) {
	size := uint32(64 << 10)
	for range 8 {
		b := make([]byte, size)
		var need, n, resume uint32
		err := windows.EnumServicesStatusEx(scm, windows.SC_ENUM_PROCESS_INFO, windows.SERVICE_WIN32|windows.SERVICE_DRIVER, windows.SERVICE_STATE_ALL,
			&b[0], size, &need, &n, &resume, nil)
		if err == nil {
			return unsafe.Slice((*windows.ENUM_SERVICE_STATUS_PROCESS)(unsafe.Pointer(&b[0])), n), nil
		}
		if !errors.Is(err, windows.ERROR_MORE_DATA) || need > 16<<20 {
			return nil, err
		}
		size += need + 4096
	}
	return nil, windows.ERROR_MORE_DATA
}

func (g *gathering) serviceConfig(scm windows.Handle, name *uint16) (f []patch.Field) {
	h, err := windows.OpenService(scm, name, windows.SERVICE_QUERY_CONFIG)
	if err != nil {
		return nil
	}
	defer windows.CloseServiceHandle(h)
	b := make([]byte, 8<<10) // the largest there is
	c := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&b[0]))
	var need uint32
	if windows.QueryServiceConfig(h, c, uint32(len(b)), &need) != nil {
		return nil
	}
	if t := startTypes[c.StartType]; t != "" {
		f = append(f, text("start_type", t))
	}
	return append(f, text("path", windows.UTF16PtrToString(c.BinaryPathName)), text("start_name", windows.UTF16PtrToString(c.ServiceStartName)))
}

// process answers for running processes: by command line, or by the program's name in the deprecated class.
func (g *gathering) process() {
	snap, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		g.fail("cannot list the processes: " + err.Error())
		return
	}
	defer windows.CloseHandle(snap)
	e := windows.ProcessEntry32{}
	e.Size = uint32(unsafe.Sizeof(e))
	for err = windows.Process32First(snap, &e); err == nil; err = windows.Process32Next(snap, &e) {
		name, pid := windows.UTF16ToString(e.ExeFile[:]), strconv.FormatUint(uint64(e.ProcessID), 10)
		if !g.is(g.entity("pid"), pid) {
			continue
		}
		image, line := program(e.ProcessID)
		if line == "" {
			line = name // a process of the system's own has none, or it may not be known
		}
		if !g.is(g.entity("command_line"), line) {
			continue
		}
		f := []patch.Field{text("command_line", line), text("image_path", image)}
		if slices.Contains(g.r.Fields, "pid") { // it is another one each time
			f = append(f, typed("pid", "int", pid))
		}
		g.add(append(f, typed("ppid", "int", strconv.FormatUint(uint64(e.ParentProcessID), 10)))...)
	}
}

// program is a process's program and command line; empty where they may not be known.
func program(pid uint32) (image, line string) {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return "", ""
	}
	defer windows.CloseHandle(h)
	b := make([]uint16, windows.MAX_LONG_PATH)
	n := uint32(len(b))
	if windows.QueryFullProcessImageName(h, 0, &b[0], &n) == nil {
		image = windows.UTF16ToString(b[:n])
	}
	var told [maxCommandLine]byte
	if windows.NtQueryInformationProcess(h, windows.ProcessCommandLineInformation, unsafe.Pointer(&told[0]), maxCommandLine, &n) != nil {
		return image, ""
	}
	return image, (*windows.NTUnicodeString)(unsafe.Pointer(&told[0])).String()
}

// maxCommandLine is what Windows allows, in bytes, with what describes it.
const maxCommandLine = 64<<10 + 64
