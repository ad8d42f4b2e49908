package lab

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// forwarder listens on the loopback of a machine's network namespace and carries each connection to an address outside.
type forwarder struct {
	listeners []net.Listener
	conns     map[net.Conn]struct{}
	mu        sync.Mutex
	wg        sync.WaitGroup
}

// startForward raises the machine's loopback and listens there. A socket stays in the namespace it was made in, so only its making
// happens on a thread that has entered the machine's.
func startForward(pid int, ports map[int]string) (*forwarder, error) {
	f := &forwarder{conns: map[net.Conn]struct{}{}}
	targets := map[net.Listener]string{}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is thrown away with its foreign namespace
		done <- func() error {
			ns, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
			if err != nil {
				return err
			}
			defer ns.Close()
			if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("cannot enter the machine's network: %w", err)
			}
			if err := raiseLoopback(); err != nil {
				return err
			}
			for port, target := range ports {
				l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
				if err != nil {
					return err
				}
				f.listeners = append(f.listeners, l)
				targets[l] = target
			}
			return nil
		}()
	}()
	if err := <-done; err != nil {
		f.close()
		return nil, err
	}
	for l, target := range targets {
		f.wg.Go(func() { f.accept(l, target) })
	}
	return f, nil
}

func raiseLoopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	ifr, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	ifr.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, ifr)
}

func (f *forwarder) accept(l net.Listener, target string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		f.wg.Go(func() { f.carry(c, target) })
	}
}

func (f *forwarder) carry(in net.Conn, target string) {
	out, err := net.Dial("tcp", target)
	if err != nil {
		_ = in.Close()
		return
	}
	f.mu.Lock()
	f.conns[in], f.conns[out] = struct{}{}, struct{}{}
	f.mu.Unlock()
	var both sync.WaitGroup
	pipe := func(dst, src net.Conn) {
		_, _ = io.Copy(dst, src)
		_ = dst.(*net.TCPConn).CloseWrite()
	}
	both.Go(func() { pipe(out, in) })
	both.Go(func() { pipe(in, out) })
	both.Wait()
	f.mu.Lock()
	delete(f.conns, in)
	delete(f.conns, out)
	f.mu.Unlock()
	_ = errors.Join(in.Close(), out.Close())
}

func (f *forwarder) close() {
	for _, l := range f.listeners {
		_ = l.Close()
	}
	f.mu.Lock()
	for c := range f.conns {
		_ = c.Close()
	}
	f.mu.Unlock()
	f.wg.Wait()
}
