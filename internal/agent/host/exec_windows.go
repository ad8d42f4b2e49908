package host

import (
	"context"
	"errors"
	"io"
	"os/exec"

	"golang.org/x/sys/windows"
)

// runSetup is runJob, and keeps the end of what the program prints.
func runSetup(ctx context.Context, program string, args []string) (code int, out string, err error) {
	var said tail
	code, err = runJob(ctx, program, args, &said)
	return code, said.String(), err
}

// runJob runs a program to its end, or until ctx ends: then it and all that it has started are ended. The code is the program's.
func runJob(ctx context.Context, program string, args []string, out io.Writer) (code int, err error) {
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return 0, err
	}
	defer windows.CloseHandle(job)
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = out, out, outputDelay
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	if h, err := windows.OpenProcess(windows.PROCESS_SET_QUOTA|windows.PROCESS_TERMINATE, false, uint32(cmd.Process.Pid)); err == nil {
		_ = windows.AssignProcessToJobObject(job, h) // of a process that has ended already there is nothing to end
		windows.CloseHandle(h)
	}
	stop := context.AfterFunc(ctx, func() {
		_ = windows.TerminateJobObject(job, 1)
		_ = cmd.Process.Kill()
	})
	defer stop()
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return int(int32(exit.ExitCode())), nil
	case errors.Is(err, exec.ErrWaitDelay):
		return 0, nil
	}
	return 0, err
}
