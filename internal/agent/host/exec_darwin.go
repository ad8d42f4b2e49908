package host

import (
	"context"
	"os/exec"
)

func listSoftwareUpdates(ctx context.Context) *exec.Cmd {
	return exec.CommandContext(ctx, "/usr/sbin/softwareupdate", "--list")
}
