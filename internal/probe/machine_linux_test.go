package probe_test

import (
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/probe"
)

// TestMachineAgainstOpenSCAP asks both about what runs here.
func TestMachineAgainstOpenSCAP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	sleeper := exec.Command("sleep", "7654.25")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sleeper.Process.Kill(); _ = sleeper.Wait() }()
	t.Setenv("FETTLE_PROBE", "a b=c")
	questions := []question{
		{"unix", "uname", ""},
		{"unix", "password", `<username operation="pattern match">^(root|daemon|nobody)$</username>`},
		{"unix", "password", `<username>nobody-has-this-name</username>`},
		{"independent", "environmentvariable", `<name>FETTLE_PROBE</name>`},
		{"independent", "environmentvariable", `<name>FETTLE_NONE</name>`},
		{"independent", "environmentvariable58", fmt.Sprintf(`<pid datatype="int">%d</pid><name operation="pattern match">^FETTLE</name>`, sleeper.Process.Pid)},
		{"unix", "process58", `<command_line operation="pattern match">^sleep 7654\.25$</command_line><pid datatype="int" operation="greater than">0</pid>`},
		{"unix", "process58", `<command_line>nothing like this</command_line><pid datatype="int" operation="greater than">0</pid>`},
		{"linux", "partition", `<mount_point>/</mount_point>`},
		{"linux", "partition", `<mount_point operation="pattern match">^/(proc|sys)$</mount_point>`},
		{"linux", "partition", `<mount_point>/nowhere</mount_point>`},
		{"linux", "inetlisteningservers", fmt.Sprintf(`<protocol>tcp</protocol><local_address>127.0.0.1</local_address><local_port datatype="int">%d</local_port>`, l.Addr().(*net.TCPAddr).Port)},
	}
	want := oscap(t, questions)
	m, err := probe.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for i, q := range questions {
		if want[i] == nil {
			continue
		}
		if diff := cmp.Diff(told(want[i]), told(ours(t, m, q))); diff != "" {
			t.Errorf("%s %s\n%s", q.class, q.object, diff)
		}
	}
}

// told leaves out what is not compared: OpenSCAP calls every mount a bind mount, says of every process that exec-shield protects it or
// not, knows no capabilities of newer kernels, and counts sizes in its own blocks; what changes each time is given only where it is named.
func told(answer []string) []string {
	var out []string
	for _, it := range answer {
		out = append(out, strings.Join(slices.DeleteFunc(strings.Split(it, "|"), func(f string) bool {
			name, _, _ := strings.Cut(f, "=")
			newer := []string{"mount_options=bind", "posix_capability=CAP_PERFMON", "posix_capability=CAP_BPF", "posix_capability=CAP_CHECKPOINT_RESTORE"}
			return slices.Contains(newer, f) || slices.Contains([]string{"exec_shield", "pid", "ppid", "session_id", "uuid", "total_space"}, name)
		}), "|"))
	}
	return out
}

// Nothing runs in a directory: what is asked of a running machine has no meaning there.
func TestDirectoriesDoNotRun(t *testing.T) {
	m, err := probe.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, q := range []question{
		{"independent", "environmentvariable", `<name>PATH</name>`},
		{"unix", "process58", `<command_line operation="pattern match">.</command_line><pid datatype="int" operation="greater than">0</pid>`},
		{"linux", "partition", `<mount_point>/</mount_point>`},
		{"linux", "inetlisteningservers", `<protocol>tcp</protocol><local_address operation="pattern match">.</local_address><local_port datatype="int">22</local_port>`},
	} {
		if got := ours(t, m, q); len(got) != 1 || got[0] != "not applicable" {
			t.Errorf("%s: %v", q.class, got)
		}
	}
	if got := ours(t, m, question{"unix", "uname", ""}); len(got) != 2 || !strings.Contains(got[1], "os_name=Linux") {
		t.Error(got)
	}
}
