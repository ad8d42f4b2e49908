package host

import (
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// readHardware reads /proc and the firmware's tables in /sys. They describe the running machine, so a directory without them gets an
// empty description.
func readHardware(root string) patch.Hardware {
	h := patch.Hardware{Vendor: line(root, "sys/class/dmi/id/sys_vendor"), Model: line(root, "sys/class/dmi/id/product_name")}
	if h.Model == "" {
		h.Model = line(root, "proc/device-tree/model")
	}
	hypervisor := readCPU(root, &h)
	if b, err := readLimited(root, "proc/meminfo", maxSmall); err == nil {
		for l := range strings.Lines(string(b)) {
			if rest, ok := strings.CutPrefix(l, "MemTotal:"); ok {
				kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
				h.MemoryMB = kb / 1024
			}
		}
	}
	h.DiskMB = diskSize(root) >> 20
	h.Virtual = virtual(root, h, hypervisor)
	return h
}

// readCPU fills processor and cores, and reports whether the processor says that it is virtual.
func readCPU(root string, h *patch.Hardware) (hypervisor bool) {
	b, err := readLimited(root, "proc/cpuinfo", 16<<20)
	if err != nil {
		return false
	}
	for l := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(l, ":")
		switch strings.TrimSpace(name) {
		case "processor":
			h.Cores++
		case "model name", "Model":
			if h.CPU == "" {
				h.CPU = tidy(value, 120)
			}
		case "flags":
			hypervisor = hypervisor || strings.Contains(value, " hypervisor")
		}
	}
	return hypervisor
}

func virtual(root string, h patch.Hardware, hypervisor bool) string {
	if name := line(root, "run/systemd/container"); name != "" {
		return "container (" + name + ")"
	}
	maker := strings.ToLower(h.Vendor + " " + h.Model)
	for _, known := range [][2]string{{"vmware", "VMware"}, {"virtualbox", "VirtualBox"}, {"qemu", "QEMU"}, {"kvm", "KVM"}, {"xen", "Xen"},
		{"microsoft corporation virtual", "Hyper-V"}, {"amazon ec2", "Amazon EC2"}, {"google", "Google Compute Engine"},
		{"digitalocean", "DigitalOcean"}, {"hetzner", "Hetzner"}, {"bochs", "Bochs"}, {"parallels", "Parallels"}} {
		if strings.Contains(maker, known[0]) {
			return known[1]
		}
	}
	if hypervisor {
		return "virtual machine"
	}
	return ""
}
