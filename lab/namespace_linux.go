package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrUnavailable is why a lab cannot be built here: not root, no ip(8), or a
// kernel without namespaces or veth.
var ErrUnavailable = errors.New("lab unavailable")

// Available reports, as an error wrapping ErrUnavailable, what is missing for
// a lab, or nil.
func Available() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: needs root", ErrUnavailable)
	}
	if _, err := exec.LookPath("ip"); err != nil {
		return fmt.Errorf("%w: no ip(8)", ErrUnavailable)
	}
	ns, err := newNamespace(fmt.Sprintf("sluice-%d-probe", os.Getpid()))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer ns.delete()
	if err := ns.ip("link add probe0 type veth peer name probe1"); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

// Namespace is a named network namespace of ours.
type Namespace struct{ name string }

// newNamespace makes a namespace with its loopback up and without IPv6, whose
// neighbour discovery would only litter recordings.
func newNamespace(name string) (*Namespace, error) {
	if err := ip("netns add " + name); err != nil {
		return nil, err
	}
	ns := &Namespace{name}
	err := errors.Join(
		ns.ip("link set lo up"),
		ns.Do(func() error {
			err := os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0)
			if errors.Is(err, os.ErrNotExist) {
				return nil // a kernel without IPv6
			}
			return err
		}),
	)
	if err != nil {
		ns.delete()
		return nil, err
	}
	return ns, nil
}

func (n *Namespace) delete() { _ = ip("netns del " + n.name) }

// ip runs ip(8) inside the namespace.
func (n *Namespace) ip(args string) error { return ip("-n " + n.name + " " + args) }

// Do runs fn on a thread of its own inside the namespace. Sockets that fn
// opens stay in the namespace when fn has returned and may be used anywhere;
// goroutines that fn starts do not run inside it.
func (n *Namespace) Do(fn func() error) error {
	done := make(chan error, 1)
	go func() {
		// Never unlocked: the thread ends with the goroutine, so no other
		// goroutine can ever run in the wrong namespace.
		runtime.LockOSThread()
		done <- func() error {
			f, err := os.Open(filepath.Join("/run/netns", n.name))
			if err != nil {
				return fmt.Errorf("enter namespace: %w", err)
			}
			defer f.Close()
			if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("enter namespace %s: %w", n.name, err)
			}
			return fn()
		}()
	}()
	return <-done
}

// ip runs ip(8) with blank-separated arguments.
func ip(args string) error {
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", args, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// ethtool commands that switch one offload (linux/ethtool.h).
const (
	ethtoolSetTxCsum = 0x17
	ethtoolSetTSO    = 0x1f
	ethtoolSetGSO    = 0x24
)

// plainFrames makes the thread's namespace's device put whole, checksummed
// frames of at most an MTU on the wire, as a real NIC would. Without it a veth
// passes segments of up to 64 kB whose checksum nobody ever computed, and a
// tracker that verifies checksums calls every one of them invalid.
func plainFrames(dev string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open socket: %w", err)
	}
	defer unix.Close(fd)
	for _, cmd := range []uint32{ethtoolSetTSO, ethtoolSetGSO, ethtoolSetTxCsum} {
		value := struct{ cmd, data uint32 }{cmd, 0}
		var req struct { // struct ifreq with ifr_data
			name [unix.IFNAMSIZ]byte
			data unsafe.Pointer
			_    [16]byte
		}
		copy(req.name[:unix.IFNAMSIZ-1], dev)
		req.data = unsafe.Pointer(&value)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req))); errno != 0 {
			return fmt.Errorf("switch off offload %#x of %s: %w", cmd, dev, errno)
		}
	}
	return nil
}
