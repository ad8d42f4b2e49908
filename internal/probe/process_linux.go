package probe

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// ticks are the kernel's clock ticks a second in what /proc says; it is 100 on every architecture.
const ticks = 100

// processes gives the numbers of the running processes.
func (m *Machine) processes() []string {
	list, _ := m.tree.list("/proc")
	var all []string
	for _, e := range list {
		if isNumber(e.name) {
			all = append(all, e.name)
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(a) - len(b) }) // by number: names are sorted already
	return all
}

// process is one process as /proc describes it.
type process struct {
	pid, name string
	stat      []string // the fields of /proc/PID/stat from the third
	status    map[string]string
	command   string
}

// readProcess gives nothing for a process that has ended.
func (m *Machine) readProcess(pid string) (p process, ok bool) {
	dir := "/proc/" + pid + "/"
	stat, err := m.tree.read(dir+"stat", maxTable)
	if err != nil {
		return p, false
	}
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return p, false
	}
	p = process{pid: pid, name: string(stat[open+1 : end]), stat: strings.Fields(string(stat[end+1:])), status: map[string]string{}}
	if len(p.stat) < 39 {
		return p, false
	}
	b, err := m.tree.read(dir+"status", maxTable)
	if err != nil {
		return p, false
	}
	for l := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(l, ":"); ok {
			p.status[name] = strings.TrimSpace(value)
		}
	}
	if b, err = m.tree.read(dir+"cmdline", maxTable); err != nil {
		return p, false
	}
	if p.command = string(bytes.ReplaceAll(bytes.TrimRight(b, "\x00"), []byte{0}, []byte{' '})); p.command == "" {
		p.command = "[" + p.name + "]"
	}
	return p, true
}

// process58 answers for running processes; the deprecated class process asks by the program's name.
func (g *gathering) process58() {
	if !g.running() {
		return
	}
	old := g.r.Class == "process"
	for _, pid := range g.m.processes() {
		if !g.is(g.entity("pid"), pid) {
			continue
		}
		p, ok := g.m.readProcess(pid)
		if !ok || !g.is(g.entity("command_line"), p.command) || !g.is(g.entity("command"), p.name) {
			continue
		}
		first := text("command_line", p.command)
		if old {
			first = text("command", p.name)
		}
		g.add(append([]patch.Field{first}, g.processFields(&p)...)...)
	}
}

// processFields gives what is asked of a process; its number and times are others each time and given where they are named.
func (g *gathering) processFields(p *process) []patch.Field {
	uids := append(strings.Fields(p.status["Uid"]), "", "")
	f := []patch.Field{text("exec_time", p.execTime()), typed("pid", "int", p.pid), typed("ppid", "int", p.stat[1]), typed("priority", "int", p.stat[15]),
		typed("ruid", "int", uids[0]), text("scheduling_class", scheduling(p.stat[38])), text("start_time", g.m.startTime(p)), text("tty", terminal(p.stat[4])),
		typed("user_id", "int", uids[1]), typed("session_id", "int", p.stat[3])}
	f = slices.DeleteFunc(f, func(f patch.Field) bool {
		changes := f.Name == "exec_time" || f.Name == "pid" || f.Name == "ppid" || f.Name == "start_time" || f.Name == "session_id"
		return changes && !slices.Contains(g.r.Fields, f.Name) || !g.r.Wants(f.Name)
	})
	if b, err := g.m.tree.read("/proc/"+p.pid+"/loginuid", maxTable); err == nil && g.r.Wants("loginuid") {
		f = append(f, typed("loginuid", "int", strings.TrimSpace(string(b))))
	}
	if g.r.Wants("posix_capability") {
		f = append(f, capabilityFields(p.status["CapEff"])...)
	}
	if g.r.Wants("selinux_domain_label") {
		if b, err := g.m.tree.read("/proc/"+p.pid+"/attr/current", maxTable); err == nil && strings.Count(string(b), ":") >= 2 {
			f = append(f, text("selinux_domain_label", strings.Trim(string(b), "\x00\n")))
		}
	}
	return f
}

func (p *process) execTime() string {
	user, _ := strconv.ParseInt(p.stat[11], 10, 64)
	kernel, _ := strconv.ParseInt(p.stat[12], 10, 64)
	return clock((user + kernel) / ticks)
}

// clock writes seconds as ps does: [days-]hours:minutes:seconds.
func clock(s int64) string {
	t := fmt.Sprintf("%02d:%02d:%02d", s/3600%24, s/60%60, s%60)
	if s >= 86400 {
		t = fmt.Sprintf("%d-%s", s/86400, t)
	}
	return t
}

// startTime is a time of today, or a day.
func (m *Machine) startTime(p *process) string {
	b, err := m.tree.read("/proc/stat", maxTable)
	if err != nil {
		return ""
	}
	_, rest, _ := strings.Cut(string(b), "\nbtime ")
	word, _, _ := strings.Cut(rest, "\n")
	boot, _ := strconv.ParseInt(word, 10, 64)
	after, _ := strconv.ParseInt(p.stat[19], 10, 64)
	at, now := time.Unix(boot+after/ticks, 0), time.Now()
	if at.YearDay() == now.YearDay() && at.Year() == now.Year() {
		return at.Format("15:04:05")
	}
	return at.Format("Jan_02")
}

func scheduling(policy string) string {
	switch policy {
	case "0":
		return "TS"
	case "1":
		return "FF"
	case "2":
		return "RR"
	case "3":
		return "B"
	case "4":
		return "ISO"
	case "5":
		return "IDL"
	}
	return "?"
}

// terminal names the device of a controlling terminal.
func terminal(number string) string {
	n, _ := strconv.ParseUint(number, 10, 32)
	major, minor := n>>8&0xfff, n&0xff|n>>12&0xfff00
	switch {
	case major == 4 && minor < 64:
		return "/dev/tty" + strconv.FormatUint(minor, 10)
	case major == 4:
		return "/dev/ttyS" + strconv.FormatUint(minor-64, 10)
	case major >= 136 && major <= 143:
		return "/dev/pts/" + strconv.FormatUint(minor+(major-136)<<8, 10)
	}
	return "?"
}

// capabilities are the kernel's names, by bit.
var capabilities = strings.Fields("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE " +
	"NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT " +
	"SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM " +
	"BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE")

func capabilityFields(mask string) (f []patch.Field) {
	bits, _ := strconv.ParseUint(mask, 16, 64)
	for i, name := range capabilities {
		if bits>>i&1 != 0 {
			f = append(f, text("posix_capability", "CAP_"+name))
		}
	}
	return f
}
