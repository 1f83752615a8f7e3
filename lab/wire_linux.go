package lab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Tap is shown each frame that comes in on a port of the switch: the port's
// position in Ports, the kernel's time of reception in nanoseconds since the
// epoch, and the frame, valid until Tap returns. Calls do not overlap.
type Tap func(port int, t int64, frame []byte)

// quiet is how long the switch waits for stragglers once the traffic is over.
const quiet = 200 * time.Millisecond

// wire joins the two ports: what comes in on one goes out of the other.
type wire struct {
	fd   [2]int // packet sockets, non-blocking never: reads time out
	tap  Tap
	mu   sync.Mutex // held while a frame is shown to tap
	end  atomic.Bool
	wait sync.WaitGroup
	err  [2]error // by port; valid once wait is done
}

// newWire opens the ports in the calling thread's namespace.
func newWire(tap Tap) (*wire, error) {
	w := &wire{tap: tap, fd: [2]int{-1, -1}}
	for i, name := range Ports {
		fd, err := openPort(name)
		if err != nil {
			w.close()
			return nil, fmt.Errorf("open port %s: %w", name, err)
		}
		w.fd[i] = fd
	}
	return w, nil
}

// openPort opens a packet socket that receives what comes in on a device,
// with nanosecond timestamps, and not what goes out of it.
func openPort(name string) (fd int, err error) {
	dev, err := net.InterfaceByName(name)
	if err != nil {
		return -1, err
	}
	// Protocol 0 until bound, so that no frame of another device slips in.
	fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open packet socket: %w", err)
	}
	timeout := unix.NsecToTimeval(int64(quiet))
	err = errors.Join(
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout),
	)
	if err == nil {
		all := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL))
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: dev.Index})
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func (w *wire) start() {
	for port := range w.fd {
		w.wait.Go(func() { w.err[port] = w.forward(port) })
	}
}

// stop lets frames under way pass, then closes the ports.
func (w *wire) stop() error {
	w.end.Store(true)
	w.wait.Wait()
	w.close()
	return errors.Join(w.err[:]...)
}

func (w *wire) close() {
	for _, fd := range w.fd {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// forward passes frames on from one port until the wire has been told to end
// and has been quiet for a while.
func (w *wire) forward(port int) error {
	frame, control := make([]byte, 65536), make([]byte, 256)
	for {
		n, nc, _, _, err := unix.Recvmsg(w.fd[port], frame, control, 0)
		switch {
		case errors.Is(err, unix.EAGAIN):
			if w.end.Load() {
				return nil
			}
			continue
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("receive on %s: %w", Ports[port], err)
		}
		t, err := timestamp(control[:nc])
		if err != nil {
			return fmt.Errorf("receive on %s: %w", Ports[port], err)
		}
		w.mu.Lock()
		w.tap(port, t, frame[:n])
		w.mu.Unlock()
		if _, err := unix.Write(w.fd[1-port], frame[:n]); err != nil {
			return fmt.Errorf("send on %s: %w", Ports[1-port], err)
		}
	}
}

// timestamp reads SCM_TIMESTAMPNS: nanoseconds since the epoch.
func timestamp(control []byte) (int64, error) {
	msgs, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return 0, fmt.Errorf("parse control message: %w", err)
	}
	for _, m := range msgs {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= 16 {
			sec := binary.NativeEndian.Uint64(m.Data)
			nsec := binary.NativeEndian.Uint64(m.Data[8:])
			return int64(sec)*1e9 + int64(nsec), nil
		}
	}
	return 0, errors.New("frame without a timestamp")
}
